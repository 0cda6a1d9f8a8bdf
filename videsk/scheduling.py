"""Everything a customer can do: each read beside the writes that outdate it.

This file is the documentation of the cache: which answers are remembered, under which key, in which
group, for how long, and what outdates them. What it asks of Videsk is on Videsk's calendar page;
what it returns is JSON, simplified.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

import strict_json
from videsk.client import Request, VideskClient
from videsk.errand import client_at_hand
from videsk.errors import (
    VideskBusyError,
    VideskClosedError,
    VideskFailedError,
    VideskRefusedError,
    VideskUnsoundError,
)
from videsk.kinds import SERVICES, Kind
from videsk.simplify import rename_ids, with_users
from videsk.touch import AVAILABILITY, Write, group, touched

if TYPE_CHECKING:
    from cache.policy import Window
    from cache.reader import Reader, Reading
    from spans import Span

log = logging.getLogger("videsk_proxy.scheduling")

REQUEST_SECONDS = 25.0
"""A client's whole request, all pages and waits: the router of a Heroku-like host gives it 30."""

MAX_PAGES = 100


@dataclass(frozen=True)
class Windows:
    """How long each kind of answer is remembered."""

    services: "Window"
    dates: "Window"
    hours: "Window"


class Scheduling:
    """Reads go through the cache; bookings and the customer's own appointment never do."""

    def __init__(self, client: VideskClient, cache: "Reader", windows: Windows) -> None:
        self._client = client
        self._cache = cache
        self._windows = windows

    def services(self) -> "Reading":
        """All services, of every page. No write of a customer's changes them."""
        return self._read("services", (), self._windows.services, self._fetch_services)

    def form(self, segment: str, version: str) -> "Reading":
        """A form's fields, and the captcha to show with it. No write of a customer's changes it."""
        key = f"form:{segment}:{version}"
        request = Request("GET", f"/forms/{segment}", params={"version": version}, what=key)
        return self._read(
            key, (), self._windows.services, lambda seconds: self._fetch_object(request, seconds)
        )

    def dates(
        self,
        kind: Kind,
        ident: str,
        month: "Span",
        ask_from: str,
        seconds: float = REQUEST_SECONDS,
    ) -> "Reading":
        """The free days of a month: each day's first instant."""
        window = self._windows.dates
        return self._availability("dates", window, kind, ident, month, ask_from, seconds)

    def hours(
        self, kind: Kind, ident: str, day: "Span", ask_from: str, seconds: float = REQUEST_SECONDS
    ) -> "Reading":
        """The starts of a day's free hours."""
        window = self._windows.hours
        return self._availability("hours", window, kind, ident, day, ask_from, seconds)

    def book(self, kind: Kind, ident: str, booking: Mapping[str, Any]) -> bytes:
        """Book an hour by service, where Videsk picks the agent, or by user."""
        where = Write(**{"service": booking.get("service"), kind.singular: ident})
        return self._write(f"/schedule/{kind.singular}/{ident}", booking, where)

    def cancel(self, token: str, cancellation: Mapping[str, Any]) -> bytes:
        """Cancel the appointment that the actionToken belongs to."""
        return self._write("/schedule/cancel", cancellation, Write(), token)

    def reschedule(self, token: str, move: Mapping[str, Any]) -> bytes:
        """Move the appointment that the actionToken belongs to; its tokens die."""
        return self._write("/schedule/reschedule", move, Write(), token)

    def changed_elsewhere(self, service: str | None, user: str | None) -> None:
        """Videsk tells that an appointment was made or canceled, perhaps not by us."""
        self._outdate(Write(service=service, user=user))

    def appointment(self, token: str) -> bytes:
        """The appointment that the accessToken belongs to."""
        return self._send(Request("GET", "/schedule/info", token=token))

    def _availability(
        self,
        what: str,
        window: "Window",
        kind: Kind,
        ident: str,
        span: "Span",
        ask_from: str,
        seconds: float,
    ) -> "Reading":
        path = f"/{kind.plural}/{ident}/{what}"
        key = f"{what}:{kind.plural}:{ident}:{span.name}:{span.zone}"
        params = {"date": ask_from, "timezone": span.zone}
        request = Request("GET", path, params=params, what=key)
        return self._read(
            key,
            (AVAILABILITY, group(kind.singular, ident)),
            window,
            lambda left: self._fetch_list(request, left),
            seconds,
        )

    def _read(
        self,
        key: str,
        groups: Sequence[str],
        window: "Window",
        fetch: Callable[[float], bytes],
        seconds: float = REQUEST_SECONDS,
    ) -> "Reading":
        """Read through the cache, so that nobody pays for who else asks for the same.

        Where another client's request leads, its read is queued behind that client's other reads.
        It leaves in this client's turn, if that is sooner. Where it is refused for want of a place,
        this client tries for one of its own.
        """
        end, client, leads = monotonic() + seconds, client_at_hand(), False

        def lead(left: float) -> bytes:
            nonlocal leads
            leads = True
            return fetch(left)

        def on_wait() -> None:
            if not leads:
                self._client.promote(client, key)

        def read() -> "Reading":
            left = end - monotonic()
            return self._cache.read(key, groups, window, lead, seconds=left, on_wait=on_wait)

        try:
            return read()
        except VideskClosedError:
            raise
        except VideskBusyError:
            if leads:
                raise
        return read()

    def _write(
        self, path: str, body: Mapping[str, Any], where: Write, token: str | None = None
    ) -> bytes:
        """Do it once, and outdate what it may have changed: after Videsk's answer and before ours.

        That is after a success, after a 409 (somebody else was there before), and where it is not
        known whether it happened. Cancel and reschedule tell the service's title in their answers.
        """
        try:
            answer = self._client.send(
                Request("POST", path, body=body, token=token), REQUEST_SECONDS
            )
        except VideskRefusedError as refusal:
            if refusal.status == 409 or refusal.status >= 500:
                self._outdate(where)
            raise
        except VideskFailedError as failure:
            if failure.outcome_unknown:
                self._outdate(where)
            raise
        title = answer.get("service") if token and isinstance(answer, dict) else None
        self._outdate(Write(where.service, where.user, title))
        return strict_json.dumps(rename_ids(answer))

    def _outdate(self, write: Write) -> None:
        """A list past its TTL counts as unknown: an agent may have joined a service since."""
        listed = self._cache.peek("services", (), self._windows.services)
        self._cache.outdate(touched(write, strict_json.loads(listed) if listed else None))

    def _send(self, request: Request) -> bytes:
        return strict_json.dumps(rename_ids(self._client.send(request, REQUEST_SECONDS)))

    def _fetch_list(self, request: Request, seconds: float) -> bytes:
        items, _ = _unwrap(self._client.send(request, seconds))
        return strict_json.dumps(rename_ids(items))

    def _fetch_object(self, request: Request, seconds: float) -> bytes:
        answer = self._client.send(request, seconds)
        if not isinstance(answer, dict):
            raise VideskUnsoundError
        return strict_json.dumps(rename_ids(answer))

    def _fetch_services(self, seconds: float) -> bytes:
        """All pages, one after the other. Raises VideskUnsoundError where they do not end.

        The page size is Videsk's own: the next page starts after what has come.
        """
        end = monotonic() + seconds
        services: list[Any] = []
        for _ in range(MAX_PAGES):
            params = {"$skip": len(services)} if services else None
            request = Request("GET", f"/{SERVICES.plural}", params=params, what="services")
            page, total = _unwrap(self._client.send(request, end - monotonic()))
            services += page
            if not page or len(services) >= total:
                break
        else:
            raise VideskUnsoundError
        if not all(isinstance(service, dict) for service in services):
            raise VideskUnsoundError
        return strict_json.dumps([with_users(rename_ids(service)) for service in services])


def _unwrap(answer: Any) -> tuple[list[Any], float]:
    """A list and how long the whole is: a bare array, or a Feathers page of `data` and `total`.

    Raises VideskUnsoundError for anything else.
    """
    if isinstance(answer, list):
        return answer, len(answer)
    if isinstance(answer, dict) and isinstance(answer.get("data"), list):
        total = answer.get("total")
        return answer["data"], total if isinstance(total, int | float) else len(answer["data"])
    raise VideskUnsoundError

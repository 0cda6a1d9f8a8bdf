"""Everything a customer can do: each read beside the writes that outdate it.

This file is the documentation of the cache: which answers are remembered, under which key, and for
how long. What it asks of Videsk is on Videsk's calendar page; what it returns is JSON, simplified.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

import strict_json
from videsk.client import Request, VideskClient
from videsk.errors import VideskUnsoundError
from videsk.kinds import SERVICES, Kind
from videsk.simplify import rename_ids, with_users

if TYPE_CHECKING:
    from cache.policy import Window
    from cache.reader import Reader, Reading
    from schemas.spans import Span

REQUEST_SECONDS = 25
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
        """All services, of every page."""
        return self._cache.read("services", self._windows.services, self._fetch_services)

    def dates(self, kind: Kind, ident: str, month: "Span", ask_from: str) -> "Reading":
        """The free days of a month: each day's first instant."""
        key = f"dates:{kind.plural}:{ident}:{month.name}:{month.zone}"
        request = _availability(kind, ident, "dates", ask_from, month.zone)
        return self._cache.read(key, self._windows.dates, lambda: self._fetch_list(request))

    def hours(self, kind: Kind, ident: str, day: "Span", ask_from: str) -> "Reading":
        """The starts of a day's free hours."""
        key = f"hours:{kind.plural}:{ident}:{day.name}:{day.zone}"
        request = _availability(kind, ident, "hours", ask_from, day.zone)
        return self._cache.read(key, self._windows.hours, lambda: self._fetch_list(request))

    def book(self, kind: Kind, ident: str, booking: Mapping[str, Any]) -> bytes:
        """Book an hour by service, where Videsk picks the agent, or by user."""
        return self._do(Request("POST", f"/schedule/{kind.singular}/{ident}", body=booking))

    def cancel(self, token: str, cancellation: Mapping[str, Any]) -> bytes:
        """Cancel the appointment that the actionToken belongs to."""
        return self._do(Request("POST", "/schedule/cancel", body=cancellation, token=token))

    def reschedule(self, token: str, move: Mapping[str, Any]) -> bytes:
        """Move the appointment that the actionToken belongs to; its tokens die."""
        return self._do(Request("POST", "/schedule/reschedule", body=move, token=token))

    def appointment(self, token: str) -> bytes:
        """The appointment that the accessToken belongs to."""
        return self._do(Request("GET", "/schedule/info", token=token))

    def _do(self, request: Request) -> bytes:
        return strict_json.dumps(rename_ids(self._client.send(request, REQUEST_SECONDS)))

    def _fetch_list(self, request: Request) -> bytes:
        items, _ = _unwrap(self._client.send(request, REQUEST_SECONDS))
        return strict_json.dumps(rename_ids(items))

    def _fetch_services(self) -> bytes:
        """All pages, one after the other. Raises VideskUnsoundError where they do not end.

        The page size is Videsk's own: the next page starts after what has come.
        """
        deadline = monotonic() + REQUEST_SECONDS
        services: list[Any] = []
        for _ in range(MAX_PAGES):
            params = {"$skip": len(services)} if services else None
            answer = self._client.send(
                Request("GET", f"/{SERVICES.plural}", params=params), deadline - monotonic()
            )
            page, total = _unwrap(answer)
            services += page
            if not page or len(services) >= total:
                break
        else:
            raise VideskUnsoundError
        if not all(isinstance(service, dict) for service in services):
            raise VideskUnsoundError
        return strict_json.dumps([with_users(rename_ids(service)) for service in services])


def _availability(kind: Kind, ident: str, what: str, ask_from: str, zone: str) -> Request:
    path = f"/{kind.plural}/{ident}/{what}"
    return Request("GET", path, params={"date": ask_from, "timezone": zone})


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

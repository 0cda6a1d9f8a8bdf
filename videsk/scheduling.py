"""Everything a customer can do: each read beside the writes that invalidate it.

This file is the documentation of the cache: which answers are remembered, under which key, in which
group, for how long, and what invalidates them. What it asks of Videsk is on Videsk's calendar page;
what it returns is JSON, simplified.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from common import strict_json
from common.request_context import current_client
from videsk.client import VideskClient
from videsk.errors import (
    VideskCircuitOpenError,
    VideskFailedError,
    VideskInvalidResponseError,
    VideskRateLimitError,
    VideskResponseError,
)
from videsk.invalidation import AVAILABILITY, Write, affected_groups, group
from videsk.normalize import rename_ids, unwrap, with_users
from videsk.resources import SERVICES, ResourceKind
from videsk.transport import Request

if TYPE_CHECKING:
    from cache.freshness import FreshnessPolicy
    from cache.read_through import CachedResult, ReadThroughCache
    from common.date_ranges import Period

log = logging.getLogger("videsk_proxy.scheduling")

REQUEST_SECONDS = 25.0
"""A client's whole request, all pages and waits: the router of a Heroku-like host gives it 30."""

MAX_PAGES = 100


@dataclass(frozen=True)
class FreshnessPolicies:
    """How long each kind of answer is remembered."""

    services: "FreshnessPolicy"
    dates: "FreshnessPolicy"
    hours: "FreshnessPolicy"


class Scheduling:
    """Reads go through the cache; bookings and the customer's own appointment never do."""

    def __init__(
        self, client: VideskClient, cache: "ReadThroughCache", policies: FreshnessPolicies
    ) -> None:
        self._client = client
        self._cache = cache
        self._policies = policies

    def services(self) -> "CachedResult":
        """All services, of every page. No write of a customer's changes them."""
        return self._read("services", (), self._policies.services, self._fetch_services)

    def form(self, segment: str, version: str) -> "CachedResult":
        """A form's fields, and the captcha to show with it. No write of a customer's changes it."""
        key = f"form:{segment}:{version}"
        request = Request("GET", f"/forms/{segment}", params={"version": version}, read_key=key)
        return self._read(
            key, (), self._policies.services, lambda seconds: self._fetch_object(request, seconds)
        )

    def dates(
        self,
        kind: ResourceKind,
        ident: str,
        month: "Period",
        query_instant: str,
        seconds: float = REQUEST_SECONDS,
    ) -> "CachedResult":
        """The free days of a month: each day's first instant."""
        policy = self._policies.dates
        return self._availability("dates", policy, kind, ident, month, query_instant, seconds)

    def hours(
        self,
        kind: ResourceKind,
        ident: str,
        day: "Period",
        query_instant: str,
        seconds: float = REQUEST_SECONDS,
    ) -> "CachedResult":
        """The starts of a day's free hours."""
        policy = self._policies.hours
        return self._availability("hours", policy, kind, ident, day, query_instant, seconds)

    def book(self, kind: ResourceKind, ident: str, booking: Mapping[str, Any]) -> bytes:
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
        self._invalidate(Write(service=service, user=user))

    def appointment(self, token: str) -> bytes:
        """The appointment that the accessToken belongs to."""
        return self._send(Request("GET", "/schedule/info", token=token))

    def _availability(
        self,
        what: str,
        policy: "FreshnessPolicy",
        kind: ResourceKind,
        ident: str,
        period: "Period",
        query_instant: str,
        seconds: float,
    ) -> "CachedResult":
        path = f"/{kind.plural}/{ident}/{what}"
        key = f"{what}:{kind.plural}:{ident}:{period.name}:{period.zone}"
        params = {"date": query_instant, "timezone": period.zone}
        request = Request("GET", path, params=params, read_key=key)
        return self._read(
            key,
            (AVAILABILITY, group(kind.singular, ident)),
            policy,
            lambda left: self._fetch_list(request, left),
            seconds,
        )

    def _read(
        self,
        key: str,
        groups: Sequence[str],
        policy: "FreshnessPolicy",
        fetch: Callable[[float], bytes],
        seconds: float = REQUEST_SECONDS,
    ) -> "CachedResult":
        """Read through the cache, so that nobody pays for who else asks for the same.

        Where another client's request leads, its read is queued behind that client's other reads.
        It leaves in this client's turn, if that is sooner. Where it is refused for want of a place,
        this client tries for one of its own.
        """
        end, client, leads = monotonic() + seconds, current_client(), False

        def lead(left: float) -> bytes:
            nonlocal leads
            leads = True
            return fetch(left)

        def on_wait() -> None:
            if not leads:
                self._client.promote(client, key)

        def read() -> "CachedResult":
            left = end - monotonic()
            return self._cache.read(key, groups, policy, lead, seconds=left, on_wait=on_wait)

        try:
            return read()
        except VideskCircuitOpenError:
            raise
        except VideskRateLimitError:
            if leads:
                raise
        return read()

    def _write(
        self, path: str, body: Mapping[str, Any], where: Write, token: str | None = None
    ) -> bytes:
        """Send a write once, and invalidate what it may have changed: after Videsk's response and
        before ours.

        That is after a success, after a 409 (somebody else was there before), and where it is not
        known whether it happened. Cancel and reschedule tell the service's title in their answers.
        """
        try:
            answer = self._client.send(
                Request("POST", path, body=body, token=token), REQUEST_SECONDS
            )
        except VideskResponseError as refusal:
            if refusal.status == 409 or refusal.status >= 500:
                self._invalidate(where)
            raise
        except VideskFailedError as failure:
            if failure.outcome_unknown:
                self._invalidate(where)
            raise
        title = answer.get("service") if token and isinstance(answer, dict) else None
        self._invalidate(Write(where.service, where.user, title))
        return strict_json.dumps(rename_ids(answer))

    def _invalidate(self, write: Write) -> None:
        """A list past its TTL counts as unknown: an agent may have joined a service since."""
        listed = self._cache.get_if_fresh("services", (), self._policies.services)
        self._cache.invalidate(
            affected_groups(write, strict_json.loads(listed) if listed else None)
        )

    def _send(self, request: Request) -> bytes:
        return strict_json.dumps(rename_ids(self._client.send(request, REQUEST_SECONDS)))

    def _fetch_list(self, request: Request, seconds: float) -> bytes:
        items, _ = unwrap(self._client.send(request, seconds))
        return strict_json.dumps(rename_ids(items))

    def _fetch_object(self, request: Request, seconds: float) -> bytes:
        answer = self._client.send(request, seconds)
        if not isinstance(answer, dict):
            raise VideskInvalidResponseError
        return strict_json.dumps(rename_ids(answer))

    def _fetch_services(self, seconds: float) -> bytes:
        """Paginate: fetch all pages. Raises VideskInvalidResponseError where they do not end.

        The page size is Videsk's own: the next page starts after what has come.
        """
        end = monotonic() + seconds
        services: list[Any] = []
        for _ in range(MAX_PAGES):
            params = {"$skip": len(services)} if services else None
            request = Request("GET", f"/{SERVICES.plural}", params=params, read_key="services")
            page, total = unwrap(self._client.send(request, end - monotonic()))
            services += page
            if not page or len(services) >= total:
                break
        else:
            raise VideskInvalidResponseError
        if not all(isinstance(service, dict) for service in services):
            raise VideskInvalidResponseError
        return strict_json.dumps([with_users(rename_ids(service)) for service in services])

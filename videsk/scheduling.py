"""Scheduling: cached reads of services, dates and hours beside the writes that invalidate them.

Each read names its cache key, groups, freshness policy and fetch. All methods return normalized
JSON (normalize.py).
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from cache.freshness import FreshnessPolicy
from cache.read_through import CachedResult, ReadThroughCache
from cache.store import ALL_ENTRIES
from cache.tiers import CacheRequest
from common import strict_json
from common.date_ranges import Period
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
from videsk.normalize import add_users, rename_ids, unwrap
from videsk.resources import SERVICES, ResourceKind
from videsk.transport import Request

log = logging.getLogger("videsk_proxy.scheduling")

REQUEST_SECONDS = 25.0
"""A client's whole request with all pages and waits. Heroku's router ends it after 30 s."""

MAX_PAGES = 100
"""About 5 s of the default rate limit. A list that does not end must not use up more of it."""


@dataclass(eq=False)
class Scheduling:
    """Reads go through the cache; bookings and the customer's own appointment never do.

    `policies`: of `services` (and forms), `dates` and `hours`.
    """

    client: VideskClient
    cache: ReadThroughCache
    policies: Mapping[str, FreshnessPolicy]

    def services(self) -> CachedResult:
        """Return all services, of every page. No write invalidates them."""
        return self._read("services", (), self.policies["services"], self._fetch_services)

    def form(self, segment: str, version: str) -> CachedResult:
        """Return a form's fields and its captcha. No write invalidates them."""
        key = f"form:{segment}:{version}"
        request = Request("GET", f"/forms/{segment}", params={"version": version}, read_key=key)

        def fetch(seconds: float) -> bytes:
            form = self.client.send(request, seconds)
            if not isinstance(form, dict):
                raise VideskInvalidResponseError
            return strict_json.dumps(rename_ids(form))

        return self._read(key, (), self.policies["services"], fetch)

    def dates(
        self,
        kind: ResourceKind,
        ident: str,
        month: Period,
        query_instant: str,
        *,
        seconds: float = REQUEST_SECONDS,
    ) -> CachedResult:
        """Return the free days of a month: each day's first instant."""
        return self._availability("dates", kind, ident, month, query_instant, seconds)

    def hours(
        self,
        kind: ResourceKind,
        ident: str,
        day: Period,
        query_instant: str,
        *,
        seconds: float = REQUEST_SECONDS,
    ) -> CachedResult:
        """Return the starts of a day's free hours."""
        return self._availability("hours", kind, ident, day, query_instant, seconds)

    def book(
        self,
        kind: ResourceKind,
        ident: str,
        booking: Mapping[str, Any],
        seconds: float = REQUEST_SECONDS,
    ) -> bytes:
        """Book an hour of a service, whose user Videsk picks, or of a user."""
        write = Write(**{"service": booking.get("service"), kind.singular: ident})
        return self._write(f"/schedule/{kind.singular}/{ident}", booking, write, seconds=seconds)

    def cancel(self, token: str, cancellation: Mapping[str, Any]) -> bytes:
        """Cancel the appointment of this actionToken."""
        return self._write("/schedule/cancel", cancellation, Write(), token)

    def reschedule(self, token: str, move: Mapping[str, Any]) -> bytes:
        """Move the appointment of this actionToken, which becomes invalid."""
        return self._write("/schedule/reschedule", move, Write(), token)

    def invalidate_availability(self, service: str | None, user: str | None) -> None:
        """Invalidate what an appointment made or canceled elsewhere affects, for the webhook."""
        self._invalidate(Write(service=service, user=user))

    def invalidate_everything(self) -> None:
        """Invalidate services and forms too, which no write does."""
        self.cache.invalidate([ALL_ENTRIES])

    def appointment(self, token: str) -> bytes:
        """Return the appointment of this accessToken. Not cached."""
        request = Request("GET", "/schedule/info", token=token)
        return strict_json.dumps(rename_ids(self.client.send(request, REQUEST_SECONDS)))

    def _availability(
        self,
        endpoint: str,
        kind: ResourceKind,
        ident: str,
        period: Period,
        query_instant: str,
        seconds: float,
    ) -> CachedResult:
        path = f"/{kind.plural}/{ident}/{endpoint}"
        key = f"{endpoint}:{kind.plural}:{ident}:{period.name}:{period.zone}"
        params = {"date": query_instant, "timezone": period.zone}
        request = Request("GET", path, params=params, read_key=key)

        def fetch(seconds: float) -> bytes:
            items, _ = unwrap(self.client.send(request, seconds))
            return strict_json.dumps(rename_ids(items))

        groups = AVAILABILITY, group(kind.singular, ident)
        return self._read(key, groups, self.policies[endpoint], fetch, seconds)

    def _read(
        self,
        key: str,
        groups: Sequence[str],
        policy: FreshnessPolicy,
        fetch: Callable[[float], bytes],
        seconds: float = REQUEST_SECONDS,
    ) -> CachedResult:
        """Read through the cache, without waiting longer because another client leads the fetch.

        The leader's fetch is queued behind that client's other reads. It is promoted to this
        client's turn if that is sooner. If it gets a VideskRateLimitError, this client retries with
        a turn of its own.
        """
        end, client, is_leader = monotonic() + seconds, current_client(), False

        def lead(left: float) -> bytes:
            nonlocal is_leader
            is_leader = True
            return fetch(left)

        def on_wait() -> None:
            if not is_leader:
                self.client.promote(client, key)

        request = CacheRequest(key, groups, policy, lead, on_wait)
        try:
            return self.cache.read(request, seconds)
        except VideskCircuitOpenError:
            raise
        except VideskRateLimitError:
            if is_leader:
                raise
        return self.cache.read(request, end - monotonic())

    def _write(
        self,
        path: str,
        body: Mapping[str, Any],
        write: Write,
        token: str | None = None,
        seconds: float = REQUEST_SECONDS,
    ) -> bytes:
        """Send a write once, and invalidate what it affects: after Videsk's response, before ours.

        A 409 invalidates too, because the hour was taken elsewhere, and so does an unknown outcome.
        The responses to cancel and reschedule contain the service's title.
        """
        request = Request("POST", path, body=body, token=token)
        try:
            response = self.client.send(request, seconds)
        except VideskResponseError as error:
            if error.status == 409 or error.status >= 500:
                self._invalidate(write)
            raise
        except VideskFailedError as error:
            if error.outcome_unknown or isinstance(error, VideskInvalidResponseError):
                self._invalidate(write)  # whatever a response that cannot be read means
            raise
        title = response.get("service") if token and isinstance(response, dict) else None
        self._invalidate(replace(write, title=title))
        return strict_json.dumps(rename_ids(response))

    def _invalidate(self, write: Write) -> None:
        """A stale list of services counts as unknown: a user may have joined a service since."""
        body = self.cache.get_if_fresh("services", (), self.policies["services"])
        services = strict_json.loads(body) if body else None
        self.cache.invalidate(affected_groups(write, services))

    def _fetch_services(self, seconds: float) -> bytes:
        """Paginate through all services. Raises VideskInvalidResponseError after MAX_PAGES.

        Videsk sets the page size, so each page starts after the items received so far.
        """
        end = monotonic() + seconds
        services: list[Any] = []
        for _ in range(MAX_PAGES):
            params = {"$skip": len(services)} if services else None
            request = Request("GET", f"/{SERVICES.plural}", params=params, read_key="services")
            page, total = unwrap(self.client.send(request, end - monotonic()))
            services += page
            if not page or len(services) >= total:
                break
        else:
            raise VideskInvalidResponseError
        if not all(isinstance(service, dict) for service in services):
            raise VideskInvalidResponseError
        return strict_json.dumps([add_users(rename_ids(service)) for service in services])

"""Read-through cache with stale-while-revalidate and single flight.

Stale-while-revalidate: https://www.rfc-editor.org/rfc/rfc5861.

The life of an entry:

    fetched ─► FRESH: served ─► STALE: served while one background refresh runs ─► EXPIRED
       └────── invalidated by a write: a miss, whatever its age ──────┘

Entries are shared by all processes through Redis. The fallback while Redis is unavailable is a
store in this process.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import gevent
from cachetools import TTLCache

from cache.freshness import Freshness, FreshnessPolicy, decide, ttl
from cache.near_cache import NearCache
from cache.shared_single_flight import LeaderDiedError, Lookup
from cache.single_flight import SingleFlight
from cache.store import Entry, Store
from cache.tiers import CacheRequest, Fetch, LocalCache, SharedCache, Tier
from common.instrumentation import Instrumentation
from common.local_fallback import LocalFallback
from common.request_context import REQUEST_CONTEXT, RequestContext

log = logging.getLogger("videsk_proxy.cache")

T = TypeVar("T")

REFRESH_SECONDS = 25.0
"""The longest a background refresh may take."""

WAIT_SECONDS = 0.25
"""After this long a miss calls its `on_wait`. Most misses are faster."""

REFRESH_PAUSE_SECONDS = 1.0
"""From the end of a refresh to the next one of that entry in this process, also after a failure."""

MAX_PAUSES = 10_000
"""About 2 MB of keys. The oldest pauses end first."""


FAR_FUTURE = 1e12
"""Seconds since the epoch: no entry is requested later. Lua does not parse "inf" everywhere."""


@dataclass(frozen=True)
class CachedResult:
    """A JSON body, when it was requested and until when it is fresh (seconds since the epoch), and
    its Cache-Status (https://www.rfc-editor.org/rfc/rfc9211).

    Unless it is `storable`, no cache may store it
    (https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.5).
    """

    body: bytes
    requested_at: float
    fresh_until: float
    cache_status: str
    storable: bool = True


class ReadThroughCache:
    """Reads through `shared`, and through `local` if that is None or unavailable."""

    def __init__(
        self,
        shared: SharedCache | None,
        local: Store,
        near_cache: NearCache[Any],
        instrumentation: Instrumentation,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shared = shared
        self._local = LocalCache(local)
        self._near_cache = near_cache
        self._instrumentation = instrumentation
        self._clock = clock
        self._fallback = LocalFallback(shared.redis if shared else None, local.clear)
        self._flights: SingleFlight[CachedResult] = SingleFlight()
        self._refreshing: set[tuple[str, bytes]] = set()
        self._refreshed: TTLCache[str, None] = TTLCache(MAX_PAUSES, REFRESH_PAUSE_SECONDS)

    def read(self, request: CacheRequest, seconds: float) -> CachedResult:
        """Return the entry if it may be served, else the outcome of one fetch for all callers.

        Raises what the fetch raises, and SingleFlightTimeoutError after `seconds` as a follower.
        """
        end = time.monotonic() + seconds
        return self._run(lambda tier: self._read(tier, request, end))

    def get_if_fresh(
        self, key: str, groups: Sequence[str], policy: FreshnessPolicy
    ) -> bytes | None:
        """Return the body stored under `key` if it is fresh. Never fetches, never returns a stale
        body: a decision based on it must not depend on when it was last read.
        """
        entry = self._run(lambda tier: tier.get(key, groups))
        is_fresh = entry and decide(self._age(entry), policy) is Freshness.FRESH
        return entry.body if entry and is_fresh else None

    def invalidate(self, groups: Iterable[str]) -> None:
        """Invalidate the groups' entries. When this returns, no process serves them any more."""
        names = sorted(groups)
        log.debug("invalidated: %d groups", len(names))
        self._instrumentation.count_invalidated(len(names))

        def invalidate(tier: Tier) -> bool:
            tier.invalidate(names)
            return tier is self._shared

        in_redis = self._run(invalidate)
        while self._shared and not in_redis and not self._shared.redis.unavailable:
            # Redis is back, and its own invalidation at reconnect may have run before this one.
            in_redis = self._run(invalidate)
        self._near_cache.clear()
        if in_redis:
            self._near_cache.wait_for_leases()

    def _run(self, action: Callable[[Tier], T]) -> T:
        first: Tier = self._shared or self._local
        return self._fallback.run_calls(lambda _: action(first), lambda: action(self._local))

    def _read(self, tier: Tier, request: CacheRequest, end: float) -> CachedResult:
        lookup = self._look_up(tier, request)
        if lookup.entry:
            return self._hit(tier, request, lookup.entry)
        waiting = gevent.spawn_later(WAIT_SECONDS, request.on_wait)
        try:
            return self._fetch(tier, Fetch(request, lookup, end, self._clock))
        finally:
            waiting.kill(block=False)

    def _look_up(self, tier: Tier, request: CacheRequest, dead_leader: bytes = b"") -> Lookup:
        policy = request.policy
        while True:
            usable_after = FAR_FUTURE
            if policy.is_cacheable:
                usable_after = self._clock() - policy.usable_seconds
            lookup = tier.look_up(request, usable_after, dead_leader)
            # An entry may have expired while this waited for Redis. The next lookup rejects it.
            entry = lookup.entry
            if not entry or decide(self._age(entry), policy) is not Freshness.EXPIRED:
                return lookup

    def _age(self, entry: Entry) -> float:
        return self._clock() - entry.requested_at

    def _hit(self, tier: Tier, request: CacheRequest, entry: Entry) -> CachedResult:
        age_seconds = self._age(entry)
        status = f"hit; ttl={ttl(age_seconds, request.policy)}"
        if decide(age_seconds, request.policy) is not Freshness.FRESH:
            self._refresh(tier, request, entry.stamp)
            status += "; detail=stale"
        return _result(entry, request, status)

    def _fetch(self, tier: Tier, fetch: Fetch) -> CachedResult:
        """Return the outcome of one fetch for all callers in this process: of its own, if this
        process leads, else of the leader's.
        """
        request, leader = fetch.request, fetch.lookup.leader

        def lead_or_follow() -> CachedResult:
            try:
                entry, cache_status = tier.fetch(fetch)
            except LeaderDiedError:
                lookup = self._look_up(tier, request, leader)
                if lookup.entry:
                    return self._hit(tier, request, lookup.entry)
                return self._fetch(tier, replace(fetch, lookup=lookup))
            return _result(Entry.from_bytes(entry), request, cache_status)

        if fetch.lookup.is_elected:
            return self._flights.lead(leader, lead_or_follow)
        result, joined = self._flights.do(leader, lead_or_follow, fetch.seconds_left)
        return replace(result, cache_status="fwd=miss; collapsed") if joined else result

    def _refresh(self, tier: Tier, request: CacheRequest, stamp: bytes) -> None:
        """Start a background refresh, unless one is running or ended a moment ago."""
        if (request.key, stamp) in self._refreshing or request.key in self._refreshed:
            return
        self._refreshing.add((request.key, stamp))
        started_by = REQUEST_CONTEXT.get()
        context = started_by.for_refresh() if started_by else None
        gevent.spawn(self._run_refresh, tier, request, stamp, context)

    def _run_refresh(
        self, tier: Tier, request: CacheRequest, stamp: bytes, context: RequestContext | None
    ) -> None:
        REQUEST_CONTEXT.set(context)
        end = time.monotonic() + REFRESH_SECONDS
        fresh_after = self._clock() - request.policy.fresh_seconds
        try:
            lookup = tier.look_up(request, fresh_after, is_refresh=True)
            if lookup.is_elected:
                self._fetch(tier, Fetch(request, lookup, end, self._clock, is_refresh=True))
        except Exception as error:  # noqa: BLE001 - no request waits for it: the stale entry stays
            resource = request.key.partition(":")[0]  # the rest comes from a client
            log.info("%s not refreshed: %s", resource, type(error).__name__)
        finally:
            self._refreshing.discard((request.key, stamp))
            self._refreshed[request.key] = None


def _result(entry: Entry, request: CacheRequest, cache_status: str) -> CachedResult:
    fresh_until = entry.requested_at + request.policy.fresh_seconds
    return CachedResult(entry.body, entry.requested_at, fresh_until, cache_status)

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
from functools import partial
from typing import Any, TypeVar

import gevent
from cachetools import TTLCache

from cache.freshness import Freshness, FreshnessPolicy, decide, ttl
from cache.near_cache import NearCache
from cache.shared_single_flight import FlightKey, FlightResult, SharedSingleFlight
from cache.single_flight import SingleFlight
from cache.store import Entry, Store, read_entry
from common.instrumentation import Instrumentation
from common.local_fallback import LocalFallback
from common.request_context import REQUEST_CONTEXT, RequestContext
from common.resilient_redis import ResilientRedis

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


@dataclass(frozen=True)
class CacheRequest:
    """What to read. `groups`: those of the entry, the narrowest last. `fetch` is given the seconds
    it may take. `on_wait` is called once, in a greenlet, if a miss takes longer than WAIT_SECONDS.
    """

    key: str
    groups: Sequence[str]
    policy: FreshnessPolicy
    fetch: Callable[[float], bytes]
    on_wait: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class SharedCache:
    """What all processes share in Redis: entries, and the single flight of fetches."""

    redis: ResilientRedis
    store: Store
    flights: SharedSingleFlight

    def current_version(self) -> bytes:
        """Return a token that changes when anything is invalidated, and at each outage: after one,
        entries and token may be old. Raises RedisUnavailableError.
        """
        outages = self.redis.outages  # read first, so that an outage meanwhile counts
        return b"%d %b" % (outages, self.redis.call(self.store.current_version))

    def lookup(self, key: str, groups: Sequence[str]) -> tuple[Entry | None, bytes]:
        return self.redis.call(lambda: self.store.lookup(key, groups))

    def invalidate(self, groups: Iterable[str]) -> None:
        self.redis.call(lambda: self.store.invalidate(groups))


Tier = SharedCache | Store
"""All processes' cache, or as the fallback this process's store. Their methods are alike."""


@dataclass(frozen=True)
class _Fetch:
    """The fetch of a request after a miss under `stamp`, until `end` (time.monotonic())."""

    request: CacheRequest
    stamp: bytes
    end: float
    clock: Callable[[], float]

    def recheck(self, stored: bytes | None) -> bytes | None:
        """Return what is stored by now if it is fresh: another process may just have fetched it."""
        entry = read_entry(self.request.key, stored, self.stamp)
        is_fresh = entry and _is_fresh(entry, self.request.policy, self.clock())
        return stored if is_fresh else None

    def prepare(self, store: Store) -> None:
        store.prepare_fetch(self.request.groups)

    def fetch(self) -> bytes:
        requested_at = self.clock()
        body = self.request.fetch(self.end - time.monotonic())
        return Entry(requested_at, self.stamp, body).to_bytes()

    def put(self, store: Store, entry: bytes) -> None:
        request = self.request
        if request.policy.is_cacheable:
            store.put(request.key, request.groups, entry, request.policy.keep_seconds)


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
        self._local = local
        self._near_cache = near_cache
        self._instrumentation = instrumentation
        self._clock = clock
        self._fallback = LocalFallback(shared.redis if shared else None, local.clear)
        self._flights: SingleFlight[CachedResult] = SingleFlight()
        self._refreshing: set[FlightKey] = set()
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
        entry, _ = self._run(lambda tier: tier.lookup(key, groups))
        return entry.body if entry and _is_fresh(entry, policy, self._clock()) else None

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
        first = self._shared or self._local
        return self._fallback.run_calls(lambda _: action(first), lambda: action(self._local))

    def _read(self, tier: Tier, request: CacheRequest, end: float) -> CachedResult:
        entry, stamp = tier.lookup(request.key, request.groups)
        flight = FlightKey(request.key, stamp)
        if entry:
            age_seconds = self._clock() - entry.requested_at
            freshness = decide(age_seconds, request.policy)
            status = f"hit; ttl={ttl(age_seconds, request.policy)}"
            if freshness is Freshness.FRESH:
                return _result(entry, request, status)
            if freshness is Freshness.STALE:
                self._refresh(tier, request, flight)
                return _result(entry, request, f"{status}; detail=stale")
        waiting = gevent.spawn_later(WAIT_SECONDS, request.on_wait)
        try:
            result, joined = self._flights.do(
                flight,
                lambda: self._fetch_once(tier, request, flight, end),
                end - time.monotonic(),
            )
        finally:
            waiting.kill(block=False)
        return replace(result, cache_status="fwd=miss; collapsed") if joined else result

    def _fetch_once(
        self, tier: Tier, request: CacheRequest, flight: FlightKey, end: float
    ) -> CachedResult:
        """Lead this process's flight: fetch, unless another process fetches the same."""
        fetch = _Fetch(request, flight.stamp, end, self._clock)
        if isinstance(tier, SharedCache):
            result = tier.flights.do(flight, fetch, end - time.monotonic())
        else:
            fetch.prepare(tier)
            result = FlightResult(fetch.fetch(), collapsed=False, stored=True)
            fetch.put(tier, result.entry)
        is_stored = result.stored and request.policy.is_cacheable
        detail = "; collapsed" if result.collapsed else "; stored" if is_stored else ""
        return _result(Entry.from_bytes(result.entry), request, f"fwd=miss{detail}")

    def _refresh(self, tier: Tier, request: CacheRequest, flight: FlightKey) -> None:
        """Start a background refresh, unless one is running or ended a moment ago."""
        if flight not in self._refreshing and request.key not in self._refreshed:
            self._refreshing.add(flight)
            started_by = REQUEST_CONTEXT.get()
            context = started_by.for_refresh() if started_by else None
            gevent.spawn(self._run_refresh, tier, request, flight, context)

    def _run_refresh(
        self, tier: Tier, request: CacheRequest, flight: FlightKey, context: RequestContext | None
    ) -> None:
        REQUEST_CONTEXT.set(context)
        end = time.monotonic() + REFRESH_SECONDS
        try:
            if isinstance(tier, SharedCache):
                tier.flights.refresh(flight, _Fetch(request, flight.stamp, end, self._clock))
            else:  # a request that misses meanwhile joins this flight, as it does in Redis
                fetch = partial(self._fetch_once, tier, request, flight, end)
                self._flights.do(flight, fetch, REFRESH_SECONDS)
        except Exception as error:  # noqa: BLE001 - no request waits for it: the stale entry stays
            resource = request.key.partition(":")[0]  # the rest comes from a client
            log.info("%s not refreshed: %s", resource, type(error).__name__)
        finally:
            self._refreshing.discard(flight)
            self._refreshed[request.key] = None


def _is_fresh(entry: Entry, policy: FreshnessPolicy, now: float) -> bool:
    return decide(now - entry.requested_at, policy) is Freshness.FRESH


def _result(entry: Entry, request: CacheRequest, cache_status: str) -> CachedResult:
    fresh_until = entry.requested_at + request.policy.fresh_seconds
    return CachedResult(entry.body, entry.requested_at, fresh_until, cache_status)

"""A read-through cache with stale-while-revalidate (RFC 5861) and single flight.

Independent of what is fetched. The life of an entry:

    fetched ─► FRESH: served ─► STALE: served, while one refresh runs behind the scenes ─► EXPIRED
       └────────── invalidated by a write: not there at all, whatever its age ──────────┘

All of this happens in Redis, for all processes; while Redis is away, in this process alone.
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
from cache.shared_single_flight import FlightKey, SharedSingleFlight
from cache.single_flight import SingleFlight
from cache.store import Entry, Store, read_entry
from common.instrumentation import Instrumentation
from common.resilient_redis import LocalFallback, RedisUnavailableError, ResilientRedis

log = logging.getLogger("videsk_proxy.cache")

T = TypeVar("T")

REFRESH_SECONDS = 25.0
"""For one whole refresh behind the scenes."""

WAIT_SECONDS = 0.25
"""A miss that takes longer has its `on_wait` called: most do not."""

REFRESH_PAUSE_SECONDS = 1.0
"""From the end of a refresh to the next of that entry in one process, whatever came of it."""

MAX_PAUSES = 10_000
"""About 2 MB of keys; then the oldest pauses end."""


@dataclass(frozen=True)
class CachedResult:
    """A JSON answer, when it was asked for and until when it is fresh (seconds since the epoch),
    and how it came about in the words of RFC 9211 (Cache-Status).

    Where it is not `storable`, no cache may store it (RFC 9111, section 5.2.2.5).
    """

    body: bytes
    asked_at: float
    fresh_until: float
    cache_status: str
    storable: bool = True


@dataclass(frozen=True)
class CacheRequest:
    """What is asked for: under which key, in which groups (its service or user, and wider ones),
    for how long the answer may be served, how to fetch it in so many seconds, and what to do once
    that takes long.
    """

    key: str
    groups: Sequence[str]
    policy: FreshnessPolicy
    fetch: Callable[[float], bytes]
    on_wait: Callable[[], None]


@dataclass(frozen=True)
class SharedCache:
    """Redis: where all processes remember, and agree on who fetches."""

    redis: ResilientRedis
    store: Store
    flights: SharedSingleFlight

    def current_version(self) -> bytes:
        """A token that changes after any group's did, and when Redis was lost: what it holds by
        then may be older, and so may its token. Raises RedisUnavailableError.
        """
        outages = self.redis.outages  # before the request: one that is lost meanwhile counts
        return b"%d %b" % (outages, self.redis.call(self.store.current_version))


class ReadThroughCache:
    """Reads through `shared`, and through `local` where that is None or away.

    `clock` tells seconds since the epoch.
    """

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
        self._refreshing: set[tuple[str, bytes]] = set()
        self._refreshed: TTLCache[str, None] = TTLCache(MAX_PAUSES, REFRESH_PAUSE_SECONDS)

    def read(
        self,
        key: str,
        groups: Sequence[str],
        policy: FreshnessPolicy,
        fetch: Callable[[float], bytes],
        *,
        seconds: float,
        on_wait: Callable[[], None] = lambda: None,
    ) -> CachedResult:
        """The entry if it may be served, else what one fetch returns to all who ask meanwhile.

        `fetch` is given the seconds it may take. `on_wait` is called once, in a greenlet, if the
        answer is not there after WAIT_SECONDS. Raises what `fetch` raises, and
        SingleFlightTimeoutError after `seconds` of waiting for another's.
        """
        request = CacheRequest(key, groups, policy, fetch, on_wait)
        end = time.monotonic() + seconds
        return self._run(lambda shared: self._read(shared, request, end))

    def get_if_fresh(
        self, key: str, groups: Sequence[str], policy: FreshnessPolicy
    ) -> bytes | None:
        """Return the body stored under `key` if it is fresh. Never fetches, never returns a stale
        body: what is decided by it must not depend on how long ago it was last read.
        """
        entry, _ = self._run(lambda shared: self._lookup(shared, key, groups))
        return entry.body if entry and self._freshness(entry, policy) is Freshness.FRESH else None

    def invalidate(self, groups: Iterable[str]) -> None:
        """When this returns, no reader in any process gets what these groups' entries have held."""
        names = sorted(groups)
        log.debug("invalidated: %d groups", len(names))
        self._instrumentation.invalidated(len(names))

        def invalidate(shared: SharedCache | None) -> SharedCache | None:
            if shared:
                shared.redis.call(lambda: shared.store.invalidate(names))
            else:
                self._local.invalidate(names)
            return shared

        for_all = self._run(invalidate)
        while self._shared and not for_all and not self._shared.redis.unavailable:
            # Redis is back, and its own invalidation at reconnect may have run before this one.
            for_all = self._run(invalidate)
        self._near_cache.clear()
        if for_all:
            self._near_cache.wait_for_leases()

    def _run(self, action: Callable[[SharedCache | None], T]) -> T:
        """Run the action on Redis or, without it, on the local store."""
        return self._fallback.run_calls(lambda _: action(self._shared), lambda: action(None))

    def _lookup(
        self, shared: SharedCache | None, key: str, groups: Sequence[str]
    ) -> tuple[Entry | None, bytes]:
        if shared:
            return shared.redis.call(lambda: shared.store.lookup(key, groups))
        return self._local.lookup(key, groups)

    def _freshness(self, entry: Entry, policy: FreshnessPolicy) -> Freshness:
        return decide(self._clock() - entry.asked_at, policy)

    def _read(self, shared: SharedCache | None, request: CacheRequest, end: float) -> CachedResult:
        entry, stamp = self._lookup(shared, request.key, request.groups)
        if entry:
            age_seconds = self._clock() - entry.asked_at
            freshness = decide(age_seconds, request.policy)
            status = f"hit; ttl={ttl(age_seconds, request.policy)}"
            if freshness is Freshness.FRESH:
                return _result(entry, request, status)
            if freshness is Freshness.STALE:
                self._refresh(shared, request, stamp)
                return _result(entry, request, f"{status}; detail=stale")
        waiting = gevent.spawn_later(WAIT_SECONDS, request.on_wait)
        try:
            result, joined = self._flights.do(
                (request.key, stamp),
                lambda: self._fetch_once(shared, request, stamp, end),
                end - time.monotonic(),
            )
        finally:
            waiting.kill(block=False)
        return replace(result, cache_status="fwd=miss; collapsed") if joined else result

    def _fetch_once(
        self, shared: SharedCache | None, request: CacheRequest, stamp: bytes, end: float
    ) -> CachedResult:
        """Fetch for this process, and for all others too unless one of them does."""
        stored = False

        def fetch() -> bytes:
            nonlocal stored
            outcome, stored = self._fetch(shared, request, stamp, end)
            return outcome

        if not shared:
            outcome, collapsed = fetch(), False
        else:
            flight, seconds = FlightKey(request.key, stamp), end - time.monotonic()
            recheck = self._recheck(request, stamp)
            outcome, collapsed = shared.flights.do(flight, recheck, fetch, seconds)
        how = "; collapsed" if collapsed else "; stored" if stored else ""
        return _result(Entry.from_bytes(outcome), request, f"fwd=miss{how}")

    def _recheck(
        self, request: CacheRequest, stamp: bytes
    ) -> Callable[[bytes | None], bytes | None]:
        """What the store holds by now, if that is fresh: another's work of a moment ago."""

        def recheck(stored: bytes | None) -> bytes | None:
            entry = read_entry(request.key, stored, stamp)
            if entry and self._freshness(entry, request.policy) is Freshness.FRESH:
                return stored
            return None

        return recheck

    def _fetch(
        self, shared: SharedCache | None, request: CacheRequest, stamp: bytes, end: float
    ) -> tuple[bytes, bool]:
        """Return the entry as stored, and whether it was stored. A failure of Redis does not raise:
        Videsk's response is used even where it cannot be stored.
        """
        asked_at = self._clock()
        entry = Entry(asked_at, stamp, request.fetch(end - time.monotonic()))
        to_put = request.key, request.groups, entry, request.policy.keep_seconds
        stored = request.policy.is_cacheable
        if stored and shared:
            try:
                shared.redis.call(lambda: shared.store.put(*to_put))
            except RedisUnavailableError:
                stored = False
        elif stored:
            self._local.put(*to_put)
        return entry.to_bytes(), stored

    def _refresh(self, shared: SharedCache | None, request: CacheRequest, stamp: bytes) -> None:
        """Start one refresh behind the scenes, unless one is under way or ended a moment ago."""
        if (request.key, stamp) not in self._refreshing and request.key not in self._refreshed:
            self._refreshing.add((request.key, stamp))
            gevent.spawn(self._run_refresh, shared, request, stamp)

    def _run_refresh(self, shared: SharedCache | None, request: CacheRequest, stamp: bytes) -> None:
        end = time.monotonic() + REFRESH_SECONDS
        name = (request.key, stamp)
        try:
            if shared:
                shared.flights.refresh(
                    FlightKey(request.key, stamp),
                    self._recheck(request, stamp),
                    lambda: self._fetch(shared, request, stamp, end)[0],
                )
            else:  # who misses meanwhile waits for this flight, as in Redis
                fetch = partial(self._fetch_once, None, request, stamp, end)
                self._flights.do(name, fetch, REFRESH_SECONDS)
        except Exception as error:  # noqa: BLE001 - no request waits for it: the old entry stays
            what = request.key.partition(":")[0]  # the rest is what somebody asked for
            log.info("%s not refreshed: %s", what, type(error).__name__)
        finally:
            self._refreshing.discard(name)
            self._refreshed[request.key] = None


def _result(entry: Entry, request: CacheRequest, cache_status: str) -> CachedResult:
    fresh_until = entry.asked_at + request.policy.fresh_seconds
    return CachedResult(entry.body, entry.asked_at, fresh_until, cache_status)

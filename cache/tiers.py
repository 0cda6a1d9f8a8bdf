"""Where entries are cached and fetched once: for all processes in Redis, or in this process alone.

The tier of this process is the fallback while Redis is unavailable. A Tier's methods are alike.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cache.freshness import FreshnessPolicy
from cache.shared_single_flight import Lookup, SharedSingleFlight
from cache.store import Entry, Store
from common.resilient_redis import ResilientRedis


@dataclass(frozen=True)
class CacheRequest:
    """What to read. `groups`: those of the entry, the narrowest last. `fetch` is given the seconds
    it may take. `on_wait` is called, in a greenlet, if a miss takes long.
    """

    key: str
    groups: Sequence[str]
    policy: FreshnessPolicy
    fetch: Callable[[float], bytes]
    on_wait: Callable[[], None] = lambda: None

    def put(self, store: Store, entry: bytes) -> None:
        """Store the entry, if entries of this kind are cached at all."""
        if self.policy.is_cacheable:
            store.put(self.key, self.groups, entry, self.policy.keep_seconds)


@dataclass(frozen=True)
class Fetch:
    """A fetch for a request, by or after `lookup`, until `end` (time.monotonic())."""

    request: CacheRequest
    lookup: Lookup
    end: float
    clock: Callable[[], float]
    is_refresh: bool = False

    @property
    def seconds_left(self) -> float:
        return self.end - time.monotonic()

    def run(self) -> bytes:
        requested_at = self.clock()
        body = self.request.fetch(self.seconds_left)
        return Entry(requested_at, self.lookup.stamp, body).to_bytes()


@dataclass(frozen=True)
class SharedCache:
    """What all processes share in Redis. Every method may raise RedisUnavailableError."""

    redis: ResilientRedis
    store: Store
    flights: SharedSingleFlight

    def current_version(self) -> bytes:
        """Return a token that changes when anything is invalidated, and at each outage: after one,
        entries and token may be old.
        """
        outages = self.redis.outages  # read first, so that an outage meanwhile counts
        return b"%d %b" % (outages, self.redis.call(self.store.current_version))

    def get(self, key: str, groups: Sequence[str]) -> Entry | None:
        return self.redis.call(lambda: self.store.lookup(key, groups)[0])

    def look_up(
        self,
        request: CacheRequest,
        requested_after: float,
        dead_leader: bytes = b"",
        *,
        is_refresh: bool = False,
    ) -> Lookup:
        return self.flights.look_up(
            request.key, request.groups, requested_after, dead_leader, is_refresh=is_refresh
        )

    def fetch(self, fetch: Fetch) -> tuple[bytes, str]:
        """Lead or follow, and return the entry and its Cache-Status. May raise LeaderDiedError."""
        request, lookup = fetch.request, fetch.lookup
        if not lookup.is_elected:
            entry = self.flights.follow(lookup.leader, fetch.seconds_left)
            return entry, "fwd=miss; collapsed"
        entry, is_stored = self.flights.lead(
            request.key, lookup.leader, fetch.run, request.put, is_refresh=fetch.is_refresh
        )
        return entry, _fetched(is_stored=is_stored and request.policy.is_cacheable)

    def invalidate(self, groups: Iterable[str]) -> None:
        self.redis.call(lambda: self.store.invalidate(groups))


@dataclass(frozen=True)
class LocalCache:
    """What this process caches alone."""

    store: Store

    def get(self, key: str, groups: Sequence[str]) -> Entry | None:
        return self.store.lookup(key, groups)[0]

    def look_up(
        self,
        request: CacheRequest,
        requested_after: float,
        dead_leader: bytes = b"",  # noqa: ARG002 - no other process leads
        *,
        is_refresh: bool = False,
    ) -> Lookup:
        """A refresh is elected. Of requests that miss, none is: the first to fetch leads."""
        entry, stamp = self.store.lookup(request.key, request.groups)
        if entry and entry.requested_at > requested_after:
            return Lookup(entry, stamp)
        return Lookup(None, stamp, b"%b %b" % (request.key.encode(), stamp), is_refresh)

    def fetch(self, fetch: Fetch) -> tuple[bytes, str]:
        request = fetch.request
        self.store.prepare_fetch(request.groups)
        entry = fetch.run()
        request.put(self.store, entry)
        return entry, _fetched(is_stored=request.policy.is_cacheable)

    def invalidate(self, groups: Iterable[str]) -> None:
        self.store.invalidate(groups)


Tier = SharedCache | LocalCache


def _fetched(*, is_stored: bool) -> str:
    return "fwd=miss; stored" if is_stored else "fwd=miss"

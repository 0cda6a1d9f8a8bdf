"""Near cache and store: another process reads at every moment of a write."""

from collections.abc import Callable
from typing import Any

import pytest

from cache.near_cache import NearCache
from cache.store import ALL_ENTRIES, Entry, ProcessBackend, Store, process_store
from cache.tiers import SharedCache
from tests.unit.cache.simulation import FakeResilientRedis

KEY, GROUPS = "hours", ("availability", "service:a")
MANY_GROUPS = [f"service:{number:024x}" for number in range(74)]
"""redis-py sends a pipeline in chunks of about 6,000 bytes. These groups need more than one."""


class InterruptibleBackend(ProcessBackend):
    """A backend in which another process acts after a write, as is possible in Redis without MULTI."""

    def __init__(self) -> None:
        super().__init__()
        self.disturb: Callable[[], object] = lambda: None

    def set(self, key: str, value: object, timeout: Any = None) -> bool | None:
        done = super().set(key, value, timeout)
        self.disturb()
        return done


class ReadThroughCache:
    """A process that reads from the near cache, or else from the store, like the fast path and the app."""

    def __init__(self, store: Store) -> None:
        self.near_cache: NearCache[bytes] = NearCache(store.current_version)
        self._store = store

    def read(self) -> bytes | None:
        """Return None if the store has no entry, so that Videsk would be called."""
        item = self.near_cache.get(KEY)
        if item is not None:
            return item
        version = self.near_cache.version
        entry, _ = self._store.lookup(KEY, GROUPS)
        if entry:
            self.near_cache.put(KEY, entry.body, 1e12, version, 1)
        return entry.body if entry else None


@pytest.mark.parametrize("group", [*GROUPS, ALL_ENTRIES])
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_read_at_any_moment_of_a_write_leaves_nothing_outdated_in_the_near_cache(
    group: str, place: str
) -> None:
    backend = InterruptibleBackend()
    store = Store(backend)
    reader = ReadThroughCache(store)
    _, stamp = store.lookup(KEY, GROUPS)
    store.put(KEY, GROUPS, Entry(1_795_000_000, stamp, b"old").to_bytes(), 60)
    reader.read()
    assert reader.read() == b"old"
    reads: list[bytes | None] = []
    backend.disturb = lambda: reads.append(reader.read())
    others = MANY_GROUPS[:5]
    store.invalidate([group, *others] if place == "first" else [*others, group])
    assert len(reads) >= 7
    assert reader.read() is None


def test_the_near_cache_is_dropped_after_an_outage_even_if_the_version_is_the_same() -> None:
    """The token is the same if Redis is restored from a snapshot."""
    store, resilient_redis = process_store(), FakeResilientRedis()
    typed_redis: Any = resilient_redis
    flights: Any = None
    near_cache: NearCache[str] = NearCache(SharedCache(typed_redis, store, flights).current_version)
    near_cache.get("key")
    near_cache.put("key", "from before", 1e12, near_cache.version, 1)
    assert near_cache.get("key") == "from before"
    resilient_redis.lose()
    assert near_cache.get("another key") is None
    near_cache.put("key", "of this process alone", 1e12, near_cache.version, 1)
    resilient_redis.unavailable = False
    assert near_cache.get("key") is None


@pytest.mark.parametrize("back", [True, False])
def test_an_outage_while_the_version_is_read_counts(back: bool) -> None:
    store, resilient_redis = process_store(), FakeResilientRedis()
    typed_redis: Any = resilient_redis
    flights: Any = None
    current_version = SharedCache(typed_redis, store, flights).current_version
    before = current_version()
    read_version = store.current_version

    def lost_meanwhile() -> bytes:
        resilient_redis.lose()
        resilient_redis.unavailable = not back
        return read_version()

    store.current_version = lost_meanwhile  # type: ignore[method-assign]
    assert current_version() == before
    store.current_version = read_version  # type: ignore[method-assign]
    resilient_redis.unavailable = False
    assert current_version() != before

"""The tiers of the cache: how each looks an entry up, and fetches it if it is not there."""

import time
from dataclasses import replace
from typing import Any

import pytest

from cache.freshness import FreshnessPolicy
from cache.shared_single_flight import Lookup
from cache.store import Entry, process_store
from cache.tiers import CacheRequest, Fetch, LocalCache, SharedCache
from tests.unit.cache.simulation import FakeResilientRedis

NOW = 1_795_000_000.0
CACHED, NOT_CACHED = FreshnessPolicy(10, 20), FreshnessPolicy(0, 20)


def request_for(policy: FreshnessPolicy) -> CacheRequest:
    return CacheRequest("hours", ("user:a",), policy, lambda seconds: b"[%d]" % round(seconds))


def fetch_for(request: CacheRequest, lookup: Lookup) -> Fetch:
    return Fetch(request, lookup, time.monotonic() + 5, lambda: NOW)


@pytest.mark.parametrize(
    ("policy", "status", "is_found"),
    [(CACHED, "fwd=miss; stored", True), (NOT_CACHED, "fwd=miss", False)],
)
def test_the_local_tier_fetches_and_stores(
    policy: FreshnessPolicy, status: str, is_found: bool
) -> None:
    tier, request = LocalCache(process_store()), request_for(policy)
    lookup = tier.look_up(request, NOW - 30)
    assert (lookup.entry, lookup.is_elected) == (None, False)
    assert lookup.leader == b"hours " + lookup.stamp
    entry = Entry(NOW, lookup.stamp, b"[5]")
    assert tier.fetch(fetch_for(request, lookup)) == (entry.to_bytes(), status)
    if is_found:
        assert tier.look_up(request, NOW - 30) == Lookup(entry, lookup.stamp)
        assert tier.get("hours", ["user:a"]) == entry
    else:
        assert tier.get("hours", ["user:a"]) is None


def test_the_local_tier_finds_no_entry_that_is_too_old_or_was_invalidated() -> None:
    tier, request = LocalCache(process_store()), request_for(CACHED)
    lookup = tier.look_up(request, NOW - 30)
    tier.fetch(fetch_for(request, lookup))
    assert tier.look_up(request, NOW, is_refresh=True).is_elected
    assert tier.look_up(request, NOW - 1, is_refresh=True).entry
    tier.invalidate(["user:a"])
    after = tier.look_up(request, NOW - 1)
    assert after.entry is None
    assert after.stamp != lookup.stamp


class Flights:
    """A SharedSingleFlight whose followers get [2]."""

    def __init__(self, *, is_stored: bool) -> None:
        self.is_stored = is_stored
        self.put: Any = None

    def follow(self, leader: bytes, seconds: float) -> bytes:
        assert leader == b"leader"
        assert 4 < seconds <= 5
        return b"[2]"

    def lead(
        self, key: str, leader: bytes, fetch: Any, put: Any, *, is_refresh: bool
    ) -> tuple[bytes, bool]:
        assert (key, leader, is_refresh) == ("hours", b"leader", True)
        self.put = put
        return fetch(), self.is_stored


@pytest.mark.parametrize(
    ("policy", "is_stored", "status"),
    [
        (CACHED, True, "fwd=miss; stored"),
        (CACHED, False, "fwd=miss"),
        (NOT_CACHED, True, "fwd=miss"),
    ],
)
def test_the_elected_caller_fetches_and_the_others_follow(
    policy: FreshnessPolicy, is_stored: bool, status: str
) -> None:
    flights: Any = Flights(is_stored=is_stored)
    redis: Any = FakeResilientRedis()
    store = process_store()
    tier, request = SharedCache(redis, store, flights), request_for(policy)
    elected = fetch_for(request, Lookup(None, b"stamp", b"leader", is_elected=True))
    entry = Entry(NOW, b"stamp", b"[5]").to_bytes()
    assert tier.fetch(replace(elected, is_refresh=True)) == (entry, status)
    flights.put(store, entry)
    assert store._backend.get_many("hours") == [entry if policy is CACHED else None]
    following = fetch_for(request, Lookup(None, b"stamp", b"leader"))
    assert tier.fetch(following) == (b"[2]", "fwd=miss; collapsed")


def test_an_outage_changes_the_version() -> None:
    redis: Any = FakeResilientRedis()
    tier = SharedCache(redis, process_store(), Any)  # type: ignore[arg-type]
    version = tier.current_version()
    assert tier.current_version() == version
    redis.outages += 1
    assert tier.current_version() != version
    changed = tier.current_version()
    tier.invalidate([])
    assert tier.current_version() != changed

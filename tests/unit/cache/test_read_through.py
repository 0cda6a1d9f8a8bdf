"""ReadThroughCache in one process without Redis: what it serves, and how often it fetches."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from cachetools import TTLCache
from gevent.event import Event

from cache.freshness import FreshnessPolicy
from cache.near_cache import NearCache
from cache.read_through import (
    REFRESH_PAUSE_SECONDS,
    CachedResult,
    ReadThroughCache,
)
from cache.shared_single_flight import LeaderDiedError, Lookup
from cache.store import Entry, Store, process_store
from cache.tiers import CacheRequest, SharedCache
from tests.fakes import NoInstrumentation
from tests.timing import TIMING
from tests.unit.cache.simulation import FakeResilientRedis

POLICY = FreshnessPolicy(10, 1000)


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pause_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of the pauses after a refresh."""
    clock = Clock()
    monkeypatch.setattr("cache.read_through.TTLCache", partial(TTLCache, timer=clock))
    return clock


@pytest.fixture
def read_through(clock: Clock, pause_clock: Clock) -> ReadThroughCache:
    return new_read_through(clock)


def new_read_through(clock: Clock) -> ReadThroughCache:
    store = process_store()
    near_cache: NearCache[Any] = NearCache(store.current_version)
    return ReadThroughCache(None, store, near_cache, NoInstrumentation(), clock)


@pytest.mark.parametrize(
    ("age_seconds", "peeked"), [(0, b"[1]"), (9.9, b"[1]"), (10, None), (11, None)]
)
def test_peek_returns_a_fresh_entry_only(
    read_through: ReadThroughCache, clock: Clock, age_seconds: float, peeked: bytes | None
) -> None:
    assert read_through.get_if_fresh("services", (), POLICY) is None
    read_through.read(CacheRequest("services", (), POLICY, lambda _: b"[1]"), 1)
    clock.now += age_seconds
    assert read_through.get_if_fresh("services", (), POLICY) == peeked


def test_peek_returns_nothing_if_caching_is_disabled(read_through: ReadThroughCache) -> None:
    """With a TTL of 0, the store may still have an entry from before a restart with another TTL."""
    read_through.read(CacheRequest("services", (), POLICY, lambda _: b"[1]"), 1)
    assert read_through.get_if_fresh("services", (), FreshnessPolicy(0, 1000)) is None


class SlowVidesk:
    """A Videsk that responds when a test allows it, and counts fetches."""

    def __init__(self) -> None:
        self.fetches = 0
        self.may_answer = Event()

    def fetch(self, seconds: float) -> bytes:
        self.fetches += 1
        number = self.fetches
        assert self.may_answer.wait(10)
        if number == 3:
            raise ValueError("no")
        return b"[%d]" % number


@pytest.fixture
def videsk() -> SlowVidesk:
    return SlowVidesk()


@pytest.fixture
def read(
    read_through: ReadThroughCache, clock: Clock, videsk: SlowVidesk
) -> Callable[[], CachedResult]:
    """Return a function that reads a stale entry, [1], while Videsk does not respond."""
    read = partial(
        read_through.read, CacheRequest("hours", ("service:a",), POLICY, videsk.fetch), 5
    )
    videsk.may_answer.set()
    assert read().body == b"[1]"
    clock.now += 11
    videsk.may_answer.clear()
    return read


def test_a_running_refresh_is_not_started_again_however_long_it_takes(
    read: Callable[[], CachedResult], videsk: SlowVidesk, pause_clock: Clock
) -> None:
    for _ in range(50):
        reading = read()
        pause_clock.now += REFRESH_PAUSE_SECONDS + 0.01
        gevent.sleep(0.002)
        assert (reading.body, reading.cache_status) == (b"[1]", "hit; ttl=-1; detail=stale")
    assert videsk.fetches == 2
    videsk.may_answer.set()
    gevent.sleep(0.02)
    assert (read().body, videsk.fetches) == (b"[2]", 2)


@TIMING
def test_a_miss_gets_the_outcome_of_a_running_refresh(
    read: Callable[[], CachedResult], videsk: SlowVidesk, clock: Clock
) -> None:
    read()
    gevent.sleep(0.02)
    clock.now += 1000
    with ThreadPoolExecutor(1) as pool:
        miss = pool.submit(read)
        gevent.sleep(0.05)
        videsk.may_answer.set()
        gevent.sleep(0.02)
        assert miss.result(5).body == b"[2]"
        assert miss.result(5).cache_status == "fwd=miss; collapsed"
    assert videsk.fetches == 2


def test_the_next_refresh_starts_after_a_pause(
    read: Callable[[], CachedResult], videsk: SlowVidesk, clock: Clock, pause_clock: Clock
) -> None:
    videsk.may_answer.set()
    read()
    gevent.sleep(0.02)
    clock.now += 11
    pause_clock.now += REFRESH_PAUSE_SECONDS - 0.01
    assert read().body == b"[2]"
    gevent.sleep(0)
    assert videsk.fetches == 2, "no refresh within the pause"
    pause_clock.now += 0.02
    for _ in range(3):
        assert read().body == b"[2]"
        gevent.sleep(0)
    assert videsk.fetches == 3, "a failed refresh is not retried within the pause"
    pause_clock.now += REFRESH_PAUSE_SECONDS + 0.01
    read()
    gevent.sleep(0.02)
    assert (read().body, videsk.fetches) == (b"[4]", 4)


def test_a_refresh_from_before_a_write_does_not_block_one_after_it(
    read_through: ReadThroughCache,
    read: Callable[[], CachedResult],
    videsk: SlowVidesk,
    clock: Clock,
) -> None:
    read()
    gevent.sleep(0.02)
    read_through.invalidate(["service:a"])
    again = partial(
        read_through.read, CacheRequest("hours", ("service:a",), POLICY, lambda _: b"[9]"), 5
    )
    assert again().cache_status == "fwd=miss; stored"
    clock.now += 11
    assert again().cache_status == "hit; ttl=-1; detail=stale"
    gevent.sleep(0.02)
    assert again().cache_status == "hit; ttl=10"
    assert videsk.fetches == 2, "the first refresh is still running"
    videsk.may_answer.set()
    gevent.sleep(0.02)
    assert again().body == b"[9]", "it fetched data from before the write"


def test_the_number_of_stored_pauses_is_limited(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.read_through.MAX_PAUSES", 3)
    read_through = new_read_through(clock)
    for number in range(20):
        read = partial(
            read_through.read, CacheRequest(f"hours:{number}", (), POLICY, lambda _: b"[]"), 5
        )
        read()
        clock.now += 11
        assert "stale" in read().cache_status
        gevent.sleep(0)
    assert 1 <= len(read_through._refreshed) <= 3
    assert not read_through._refreshing


def test_local_entries_of_an_outage_are_dropped_at_the_next_outage(
    clock: Clock,
) -> None:
    """Another process may have changed the data between the two outages."""
    link: Any = FakeResilientRedis()
    store = process_store()
    flights: Any = SimpleNamespace(look_up=lambda *_, **__: link.call(pytest.fail))
    near_cache: NearCache[Any] = NearCache(store.current_version)
    read_through = ReadThroughCache(
        SharedCache(link, store, flights), process_store(), near_cache, NoInstrumentation(), clock
    )
    bodies = iter([b"[1]", b"[2]"])
    read = partial(read_through.read, CacheRequest("hours", (), POLICY, lambda _: next(bodies)), 1)
    link.lose()
    assert [read().body, read().body] == [b"[1]", b"[1]"]
    link.unavailable = False
    link.lose()
    assert [read().body, read().body] == [b"[2]", b"[2]"]


class Flights:
    """A SharedSingleFlight that returns these lookups, one after the other. Its followers wait."""

    def __init__(self, *lookups: Lookup, is_stored: bool = True) -> None:
        self.lookups = list(lookups)
        self.dead_leaders: list[bytes] = []
        self.dies = Event()
        self.outcome = Event()
        self._is_stored = is_stored

    def look_up(
        self, key: str, groups: Any, after: float, dead_leader: bytes, *, is_refresh: bool
    ) -> Lookup:
        self.dead_leaders.append(dead_leader)
        return self.lookups.pop(0)

    def lead(
        self,
        key: str,
        leader: bytes,
        fetch: Callable[[], bytes],
        put: Callable[[Store, bytes], None],
        *,
        is_refresh: bool,
    ) -> tuple[bytes, bool]:
        entry = fetch()
        self.outcome.set()
        return entry, self._is_stored

    def follow(self, leader: bytes, seconds: float) -> bytes:
        if self.dies.is_set():
            raise LeaderDiedError
        assert self.outcome.wait(5)
        return Entry(1.0, b"stamp", b"[1]").to_bytes()


ELECTED = Lookup(None, b"stamp", b"leader", is_elected=True)
FOLLOWING = Lookup(None, b"stamp", b"leader")


def shared_read_through(flights: Flights, clock: Clock) -> ReadThroughCache:
    store, typed_flights, link = process_store(), flights, FakeResilientRedis()
    shared = SharedCache(link, store, typed_flights)  # type: ignore[arg-type]
    near_cache: NearCache[Any] = NearCache(store.current_version)
    return ReadThroughCache(shared, process_store(), near_cache, NoInstrumentation(), clock)


def status(read_through: ReadThroughCache) -> tuple[bytes, str]:
    result = read_through.read(CacheRequest("hours", (), POLICY, lambda _: b"[1]"), 5)
    return result.body, result.cache_status


def test_a_response_that_could_not_be_stored_is_not_marked_as_stored(clock: Clock) -> None:
    read_through = shared_read_through(Flights(ELECTED, is_stored=False), clock)
    assert status(read_through) == (b"[1]", "fwd=miss")


def test_the_elected_caller_fetches_even_if_a_follower_joined_before_it(clock: Clock) -> None:
    """Redis elected it first, but the follower's response arrived first."""
    flights = Flights(FOLLOWING, ELECTED, FOLLOWING)
    read_through = shared_read_through(flights, clock)
    follower = gevent.spawn(status, read_through)
    gevent.sleep(0)
    assert status(read_through) == (b"[1]", "fwd=miss; stored")
    assert follower.get(timeout=5) == (b"[1]", "fwd=miss; collapsed")


def test_an_entry_that_expires_while_redis_responds_is_not_served(clock: Clock) -> None:
    expired = Lookup(Entry(clock.now - 1010, b"stamp", b"[2]"), b"stamp")
    read_through = shared_read_through(Flights(expired, ELECTED), clock)
    assert status(read_through) == (b"[1]", "fwd=miss; stored")


def test_a_dead_leader_is_named_at_the_next_lookup(clock: Clock) -> None:
    flights = Flights(FOLLOWING, ELECTED)
    flights.dies.set()
    assert status(shared_read_through(flights, clock)) == (b"[1]", "fwd=miss; stored")
    assert flights.dead_leaders == [b"", b"leader"]


def test_the_follower_of_a_dead_leader_gets_an_entry_that_was_stored_since(clock: Clock) -> None:
    stored = Lookup(Entry(clock.now, b"stamp", b"[2]"), b"stamp")
    flights = Flights(FOLLOWING, stored)
    flights.dies.set()
    assert status(shared_read_through(flights, clock)) == (b"[2]", "hit; ttl=10")


def test_a_result_has_the_time_of_its_request_and_its_freshness(
    read_through: ReadThroughCache, clock: Clock
) -> None:
    def fetch(seconds: float) -> bytes:
        assert 0.5 < seconds <= 1
        clock.now += 3
        return b"[]"

    requested_at = clock.now
    for _ in range(2):
        reading = read_through.read(CacheRequest("hours", (), POLICY, fetch), 1)
        assert (reading.requested_at, reading.fresh_until) == (requested_at, requested_at + 10)
        assert reading.storable
    assert reading.cache_status == "hit; ttl=7"

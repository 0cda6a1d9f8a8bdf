"""Reader in one process, without Redis: what it serves, and how often it fetches."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import gevent
import pytest
from gevent.event import Event

from cache.freshness import FreshnessPolicy
from cache.near_cache import NearCache
from cache.read_through import CachedResult, CacheRequest, ReadThroughCache, SharedCache
from cache.shared_single_flight import Fetch, FlightKey, FlightResult
from cache.store import process_store
from tests.fakes import NoInstrumentation
from tests.unit.cache.simulation import Link

WINDOW = FreshnessPolicy(10, 1000)


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(clock: Clock) -> ReadThroughCache:
    return reader_with(clock)


def reader_with(clock: Clock) -> ReadThroughCache:
    store = process_store()
    near_cache: NearCache[Any] = NearCache(store.current_version)
    return ReadThroughCache(None, store, near_cache, NoInstrumentation(), clock)


@pytest.mark.parametrize(
    ("age_seconds", "peeked"), [(0, b"[1]"), (9.9, b"[1]"), (10, None), (11, None)]
)
def test_peek_returns_a_fresh_entry_only(
    reader: ReadThroughCache, clock: Clock, age_seconds: float, peeked: bytes | None
) -> None:
    assert reader.get_if_fresh("services", (), WINDOW) is None
    reader.read(CacheRequest("services", (), WINDOW, lambda _: b"[1]"), 1)
    clock.now += age_seconds
    assert reader.get_if_fresh("services", (), WINDOW) == peeked


def test_peek_returns_nothing_where_nothing_is_cached(reader: ReadThroughCache) -> None:
    """A TTL of 0: the store may hold an entry of before a restart with another TTL."""
    reader.read(CacheRequest("services", (), WINDOW, lambda _: b"[1]"), 1)
    assert reader.get_if_fresh("services", (), FreshnessPolicy(0, 1000)) is None


class SlowVidesk:
    """Answers when it is let, and counts."""

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
    clock: Clock, videsk: SlowVidesk, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], CachedResult]:
    """Reads an entry that was [1] at first and is stale now; Videsk does not answer."""
    monkeypatch.setattr("cache.read_through.REFRESH_PAUSE_SECONDS", 0.05)
    reader = reader_with(clock)
    read = partial(reader.read, CacheRequest("hours", ("service:a",), WINDOW, videsk.fetch), 5)
    videsk.may_answer.set()
    assert read().body == b"[1]"
    clock.now += 11
    videsk.may_answer.clear()
    return read


def read_for(seconds: float, read: Callable[[], CachedResult]) -> list[CachedResult]:
    end, readings = time.monotonic() + seconds, []
    while time.monotonic() < end:
        readings.append(read())
        gevent.sleep(0.005)
    return readings


def test_a_refresh_under_way_is_not_started_again_however_long_it_takes(
    read: Callable[[], CachedResult], videsk: SlowVidesk
) -> None:
    for reading in read_for(0.4, read):
        assert (reading.body, reading.cache_status) == (b"[1]", "hit; ttl=-1; detail=stale")
    assert videsk.fetches == 2
    videsk.may_answer.set()
    gevent.sleep(0.02)
    assert (read().body, videsk.fetches) == (b"[2]", 2)


def test_a_miss_gets_the_outcome_of_the_refresh_that_is_under_way(
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


def test_a_refresh_that_has_ended_is_followed_by_the_next_after_a_pause(
    read: Callable[[], CachedResult], videsk: SlowVidesk, clock: Clock
) -> None:
    videsk.may_answer.set()
    read()
    gevent.sleep(0.02)
    clock.now += 11
    assert read().body == b"[2]"
    gevent.sleep(0)
    assert videsk.fetches == 2, "it is within the pause"
    gevent.sleep(0.06)
    for _ in range(3):
        assert read().body == b"[2]"
        gevent.sleep(0)
    assert videsk.fetches == 3, "it failed, and is not tried again within the pause"
    gevent.sleep(0.06)
    read()
    gevent.sleep(0.02)
    assert (read().body, videsk.fetches) == (b"[4]", 4)


def test_a_refresh_from_before_a_write_does_not_keep_one_after_it_from_being_started(
    reader: ReadThroughCache, read: Callable[[], CachedResult], videsk: SlowVidesk, clock: Clock
) -> None:
    read()
    gevent.sleep(0.06)
    reader.invalidate(["service:a"])
    again = partial(reader.read, CacheRequest("hours", ("service:a",), WINDOW, lambda _: b"[9]"), 5)
    assert again().cache_status == "fwd=miss; stored"
    clock.now += 11
    assert again().cache_status == "hit; ttl=-1; detail=stale"
    gevent.sleep(0.02)
    assert again().cache_status == "hit; ttl=10"
    assert videsk.fetches == 2, "the first refresh is under way still"
    videsk.may_answer.set()
    gevent.sleep(0.02)
    assert again().body == b"[9]", "what it has fetched is from before the write"


def test_the_pauses_of_many_entries_fill_no_memory(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.read_through.MAX_PAUSES", 3)
    reader = reader_with(clock)
    for number in range(20):
        read = partial(reader.read, CacheRequest(f"hours:{number}", (), WINDOW, lambda _: b"[]"), 5)
        read()
        clock.now += 11
        assert "stale" in read().cache_status
        gevent.sleep(0)
    assert 1 <= len(reader._refreshed) <= 3
    assert not reader._refreshing


def test_local_entries_of_an_outage_are_dropped_at_the_next_outage(
    clock: Clock,
) -> None:
    """Between the two losses another process may have changed it."""
    link: Any = Link()
    store = process_store()
    flights: Any = None
    near_cache: NearCache[Any] = NearCache(store.current_version)
    reader = ReadThroughCache(
        SharedCache(link, store, flights), process_store(), near_cache, NoInstrumentation(), clock
    )
    bodies = iter([b"[1]", b"[2]"])
    read = partial(reader.read, CacheRequest("hours", (), WINDOW, lambda _: next(bodies)), 1)
    link.lose()
    assert [read().body, read().body] == [b"[1]", b"[1]"]
    link.unavailable = False
    link.lose()
    assert [read().body, read().body] == [b"[2]", b"[2]"]


def test_an_answer_that_could_not_be_stored_is_not_called_stored(clock: Clock) -> None:
    link: Any = Link()
    store = process_store()
    flights: Any = Alone()
    near_cache: NearCache[Any] = NearCache(store.current_version)
    reader = ReadThroughCache(
        SharedCache(link, store, flights), process_store(), near_cache, NoInstrumentation(), clock
    )

    reading = reader.read(CacheRequest("hours", (), WINDOW, lambda _: b"[1]"), 1)
    assert (reading.body, reading.cache_status) == (b"[1]", "fwd=miss")


class Alone:
    """SharedSingleFlight without other processes, which loses Redis during the fetch."""

    def do(self, flight: FlightKey, fetch: Fetch, seconds: float) -> FlightResult:
        return FlightResult(fetch.fetch(), collapsed=False, stored=False)


def test_a_result_has_the_time_of_its_request_and_its_freshness(
    reader: ReadThroughCache, clock: Clock
) -> None:
    def fetch(seconds: float) -> bytes:
        assert 0.5 < seconds <= 1
        clock.now += 3
        return b"[]"

    requested_at = clock.now
    for _ in range(2):
        reading = reader.read(CacheRequest("hours", (), WINDOW, fetch), 1)
        assert (reading.requested_at, reading.fresh_until) == (requested_at, requested_at + 10)
        assert reading.storable
    assert reading.cache_status == "hit; ttl=7"

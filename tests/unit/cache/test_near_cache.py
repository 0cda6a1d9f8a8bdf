"""The near cache never serves entries that were invalidated before the read."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock

import gevent
import pytest
from cachetools import FIFOCache

from cache import near_cache
from cache.near_cache import NearCache
from common.resilient_redis import RedisUnavailableError
from tests.e2e.fleet import concurrently
from tests.timing import TIMING

FAR_FUTURE = 1e12


class FakeRedis:
    """A Redis with the version token. A read of it takes `seconds`."""

    def __init__(self) -> None:
        self.version = b"t0"
        self.reads = 0
        self.way: Callable[[], float] = lambda: 0.0
        self.unavailable = False

    def current_version(self) -> bytes:
        self.reads += 1
        time.sleep(self.way())
        if self.unavailable:
            raise RedisUnavailableError
        version = self.version
        time.sleep(self.way())
        return version


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


def filled_near_cache(
    redis: FakeRedis, lease_seconds: float = 10.0, **clocks: Callable[[], float]
) -> NearCache[str]:
    """Return a near cache with a response under `key`."""
    cache: NearCache[str] = NearCache(redis.current_version, lease_seconds, **clocks)
    assert cache.get("key") is None
    cache.put("key", "answer", FAR_FUTURE, cache.version, 1)
    return cache


def test_during_the_lease_responses_are_served_without_reading_the_version(
    redis: FakeRedis,
) -> None:
    cache = filled_near_cache(redis)
    assert [cache.get("key") for _ in range(100)] == ["answer"] * 100
    assert redis.reads == 1
    assert cache.get("another key") is None


def test_after_the_lease_one_read_of_the_version_serves_all_waiters(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    now[0], redis.way = 10.0, lambda: 0.01
    assert concurrently([partial(cache.get, "key")] * 50) == ["answer"] * 50
    assert redis.reads == 2


def test_a_follower_of_a_late_version_reads_it_again(redis: FakeRedis) -> None:
    """The version was read before the follower's call, so a write may have happened in between."""
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    now[0] = 10.0

    def late() -> float:
        now[0] += 6  # the round trip takes longer than the lease
        return 0.01

    redis.way = late
    assert concurrently([partial(cache.get, "key")] * 2) == ["answer"] * 2
    assert redis.reads == 3


def test_a_lease_in_use_is_renewed_before_it_expires(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    now[0] = 7.4
    assert [cache.get("key") for _ in range(10)] == ["answer"] * 10
    gevent.sleep(0)
    assert redis.reads == 1, "only in the last quarter of the lease"
    now[0] = 7.6
    assert [cache.get("key") for _ in range(10)] == ["answer"] * 10
    gevent.sleep(0)
    assert redis.reads == 2
    now[0], redis.unavailable = 17.4, True
    assert cache.get("key") == "answer"
    gevent.sleep(0)
    assert cache.get("key") == "answer", "a failure is detected only when the lease has expired"
    now[0] = 17.7
    assert cache.get("key") is None


@TIMING
def test_far_from_redis_concurrent_gets_read_the_version_twice_at_most(redis: FakeRedis) -> None:
    cache = filled_near_cache(redis, lease_seconds=0.005)
    time.sleep(0.01)
    redis.way, redis.reads = lambda: 0.2, 0
    with ThreadPoolExecutor(100) as pool:
        first = pool.submit(cache.get, "key")
        time.sleep(0.02)  # the others call while it reads the version
        others = [pool.submit(cache.get, "key") for _ in range(99)]
        assert {future.result() for future in [first, *others]} == {"answer"}
    assert redis.reads <= 3, "one more for calls that a busy machine delays"


def test_a_miss_does_not_read_the_version(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    now[0] = 10.0
    assert cache.get("another key") is None
    assert redis.reads == 1


def test_a_new_version_drops_everything(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    redis.version, now[0] = b"t1", 10.0
    assert cache.get("key") is None


def test_without_a_lease_every_get_reads_the_version(redis: FakeRedis) -> None:
    cache = filled_near_cache(redis, lease_seconds=0)
    assert (cache.get("key"), cache.get("key"), redis.reads) == ("answer", "answer", 3)
    redis.version = b"t1"
    assert cache.get("key") is None


def test_a_response_read_under_an_older_version_is_not_stored(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    before = cache.version
    redis.version, now[0] = b"t1", 10.0
    cache.get("key")
    cache.put("key", "old answer", FAR_FUTURE, before, 1)
    assert cache.get("key") is None


def test_a_response_being_read_during_a_clear_is_not_stored(redis: FakeRedis) -> None:
    cache = filled_near_cache(redis)
    before = cache.version
    cache.clear()
    cache.put("key", "old answer", FAR_FUTURE, before, 1)
    assert cache.get("key") is None


def test_a_version_read_that_started_before_a_clear_gives_no_lease(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])

    def dropped_meanwhile() -> float:
        cache.clear()
        return 0.0

    now[0], redis.way = 10.0, dropped_meanwhile
    assert (cache.get("key"), cache.version) == (None, b"")


def test_nothing_is_served_while_redis_is_unavailable(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    redis.unavailable, now[0] = True, 10.0
    assert cache.get("key") is None
    redis.unavailable = False
    assert cache.get("key") is None
    assert redis.reads == 3


@pytest.mark.parametrize(
    ("seconds", "reads"), [(9.9, 1), (10.0, 2), (10.1, 2)], ids=["before", "at", "after"]
)
def test_a_lease_runs_from_the_start_of_the_version_read(
    redis: FakeRedis, seconds: float, reads: int
) -> None:
    now = [100.0]

    def a_while() -> float:
        now[0] += 3  # the round trip, which counts
        return 0.0

    redis.way = a_while
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    redis.way = lambda: 0.0
    now[0] = 100.0 + seconds
    assert cache.get("key") == "answer"
    assert redis.reads == reads


@TIMING
def test_a_writer_waits_for_the_longest_possible_lease(redis: FakeRedis) -> None:
    for seconds in (0.0, 0.05):
        near_cache: NearCache[str] = NearCache(redis.current_version, seconds)
        started = time.monotonic()
        near_cache.wait_for_leases()
        assert seconds <= time.monotonic() - started < seconds + 0.5


def test_replaced_and_dropped_responses_free_memory(
    redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_cache, "MAX_BYTES", 2 * (near_cache.OVERHEAD_BYTES + 10))
    cache = filled_near_cache(redis, lease_seconds=0)
    for _ in range(5):
        cache.put("key", "again", FAR_FUTURE, cache.version, 10)
    cache.put("other", "other", FAR_FUTURE, cache.version, 10)
    assert (cache.get("key"), cache.get("other")) == ("again", "other")
    redis.version = b"t1"
    assert cache.get("key") is None
    for key in ("key", "other"):
        cache.put(key, "new", FAR_FUTURE, cache.version, 10)
    assert (cache.get("key"), cache.get("other")) == ("new", "new")


def test_it_can_be_cleared_during_a_read(redis: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by another thread, between the look-up of a key and the read of its value."""
    cache = filled_near_cache(redis)
    contains = FIFOCache.__contains__

    def clear_after_lookup(items: FIFOCache[object, object], key: object) -> bool:
        found = contains(items, key)
        cache.clear()
        return found

    monkeypatch.setattr(FIFOCache, "__contains__", clear_after_lookup)
    assert cache.get("key") is None


def test_a_response_is_not_served_after_it_expires(redis: FakeRedis) -> None:
    wall = [100.0]
    cache: NearCache[str] = NearCache(redis.current_version, 10.0, clock=lambda: wall[0])
    cache.get("key")
    cache.put("key", "answer", 105.0, cache.version, 1)
    wall[0] = 104.9
    assert cache.get("key") == "answer"
    wall[0] = 105.0
    assert cache.get("key") is None


def test_the_number_of_responses_is_limited(
    redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_cache, "MAX_BYTES", 3 * (near_cache.OVERHEAD_BYTES + 1))
    cache = filled_near_cache(redis)
    for number in range(3):
        cache.put(number, str(number), FAR_FUTURE, cache.version, 1)
    assert [cache.get(key) for key in ("key", 0, 1, 2)] == [None, "0", "1", "2"]
    cache.put(1, "one", FAR_FUTURE, cache.version, 1)
    cache.put(3, "three", FAR_FUTURE, cache.version, near_cache.OVERHEAD_BYTES)
    assert [cache.get(key) for key in (0, 1, 2, 3)] == [None, "one", None, "three"]


@pytest.mark.parametrize("seed", range(5))
def test_no_read_returns_data_from_before_an_acknowledged_write(seed: int) -> None:
    """Four processes share a store. Writers wait for the lease. Delays are up to twice the lease."""
    rng = random.Random(seed)
    redis, lease = FakeRedis(), 0.005
    redis.way = lambda: rng.random() * lease
    videsk_availability, answered = [0], [0]
    processes: list[NearCache[int]] = [NearCache(redis.current_version, lease) for _ in range(4)]
    hits, old, writing = [0], [0], Lock()
    started = time.monotonic()

    def goes_on() -> bool:
        """Whether to continue: for 0.6 s, and on a busy machine until there were enough events."""
        seconds = time.monotonic() - started
        return seconds < 0.6 or (seconds < 30 and (hits[0] <= 100 or videsk_availability[0] <= 10))

    def read(process: NearCache[int]) -> None:
        while goes_on():
            known_before = answered[0]
            version = process.version
            found = process.get("key")
            if found is None:
                with writing:
                    value = videsk_availability[
                        0
                    ]  # a miss: read the store now, and return it a little later
                time.sleep(redis.way())
                process.put("key", value, FAR_FUTURE, version, 1)
            else:
                hits[0] += 1
                old[0] += found < known_before
            time.sleep(rng.random() * 0.0005)

    def write(process: NearCache[int]) -> None:
        while goes_on():
            time.sleep(rng.random() * 0.03)
            with writing:
                videsk_availability[0] += 1
                written = videsk_availability[0]
                redis.version = b"t%d" % written
            process.clear()
            process.wait_for_leases()
            answered[0] = max(answered[0], written)

    readers = [partial(read, process) for process in processes for _ in range(3)]
    concurrently([*readers, *(partial(write, process) for process in processes[:2])])
    assert old[0] == 0
    assert hits[0] > 100
    assert videsk_availability[0] > 10

"""The near cache: nothing is served from it that was invalidated before the question."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock

import gevent
import pytest

from cache import near_cache
from cache.near_cache import NearCache
from common.resilient_redis import RedisUnavailableError
from tests.e2e.fleet import concurrently

FAR = 1e12


class Redis:
    """Where the token is, after so many seconds on the way there and back."""

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
def redis() -> Redis:
    return Redis()


def filled(
    redis: Redis, lease_seconds: float = 10.0, **clocks: Callable[[], float]
) -> NearCache[str]:
    """It holds an answer under `key`."""
    near: NearCache[str] = NearCache(redis.current_version, lease_seconds, **clocks)
    assert near.get("key") is None
    near.put("key", "answer", FAR, near.version, 1)
    return near


def test_an_answer_is_served_without_asking_while_the_lease_holds(redis: Redis) -> None:
    near = filled(redis)
    assert [near.get("key") for _ in range(100)] == ["answer"] * 100
    assert redis.reads == 1
    assert near.get("another key") is None


def test_after_the_lease_one_read_of_the_version_serves_all_waiters(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    now[0], redis.way = 10.0, lambda: 0.01
    assert concurrently([partial(near.get, "key")] * 50) == ["answer"] * 50
    assert redis.reads == 2


def test_a_follower_of_a_late_version_reads_it_again(redis: Redis) -> None:
    """It was read before the followers' call, and a write may have come in between."""
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    now[0] = 10.0

    def late() -> float:
        now[0] += 6  # there and back: longer than the lease
        return 0.01

    redis.way = late
    assert concurrently([partial(near.get, "key")] * 2) == ["answer"] * 2
    assert redis.reads == 3


def test_a_lease_in_use_is_renewed_before_it_expires(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    now[0] = 4.9
    assert [near.get("key") for _ in range(10)] == ["answer"] * 10
    gevent.sleep(0)
    assert redis.reads == 1, "in the last half only"
    now[0] = 5.1
    assert [near.get("key") for _ in range(10)] == ["answer"] * 10
    gevent.sleep(0)
    assert redis.reads == 2
    now[0], redis.unavailable = 14.9, True
    assert near.get("key") == "answer"
    gevent.sleep(0)
    assert near.get("key") == "answer", "a failure is only noticed when the lease has expired"
    now[0] = 15.2
    assert near.get("key") is None


def test_far_from_redis_concurrent_gets_read_the_version_twice_at_most(redis: Redis) -> None:
    near = filled(redis, lease_seconds=0.005)
    time.sleep(0.01)
    redis.way, redis.reads = lambda: 0.1, 0
    with ThreadPoolExecutor(100) as pool:
        first = pool.submit(near.get, "key")
        time.sleep(0.05)  # the others come while it reads the version
        others = [pool.submit(near.get, "key") for _ in range(99)]
        assert {future.result() for future in [first, *others]} == {"answer"}
    assert redis.reads <= 3, "one more for those that the machine delays"


def test_what_is_not_kept_costs_no_question(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    now[0] = 10.0
    assert near.get("another key") is None
    assert redis.reads == 1


def test_a_new_token_drops_everything(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    redis.version, now[0] = b"t1", 10.0
    assert near.get("key") is None


def test_without_a_lease_every_get_reads_the_version(redis: Redis) -> None:
    near = filled(redis, lease_seconds=0)
    assert (near.get("key"), near.get("key"), redis.reads) == ("answer", "answer", 3)
    redis.version = b"t1"
    assert near.get("key") is None


def test_a_response_read_under_an_older_version_is_not_stored(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    before = near.version
    redis.version, now[0] = b"t1", 10.0
    near.get("key")
    near.put("key", "old answer", FAR, before, 1)
    assert near.get("key") is None


def test_a_response_being_read_during_a_clear_is_not_stored(redis: Redis) -> None:
    near = filled(redis)
    before = near.version
    near.clear()
    near.put("key", "old answer", FAR, before, 1)
    assert near.get("key") is None


def test_a_question_under_way_when_all_was_dropped_gives_no_lease(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])

    def dropped_meanwhile() -> float:
        near.clear()
        return 0.0

    now[0], redis.way = 10.0, dropped_meanwhile
    assert (near.get("key"), near.version) == (None, b"")


def test_nothing_is_served_while_redis_is_unavailable(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    redis.unavailable, now[0] = True, 10.0
    assert near.get("key") is None
    redis.unavailable = False
    assert near.get("key") is None
    assert redis.reads == 3


@pytest.mark.parametrize(
    ("seconds", "reads"), [(9.9, 1), (10.0, 2), (10.1, 2)], ids=["before", "at", "after"]
)
def test_a_lease_holds_from_the_question_on_and_is_over_at_its_end(
    redis: Redis, seconds: float, reads: int
) -> None:
    now = [100.0]

    def a_while() -> float:
        now[0] += 3  # on the way there and back, which counts
        return 0.0

    redis.way = a_while
    near = filled(redis, monotonic=lambda: now[0])
    redis.way = lambda: 0.0
    now[0] = 100.0 + seconds
    assert near.get("key") == "answer"
    assert redis.reads == reads


def test_a_writer_waits_as_long_as_any_lease_may_hold(redis: Redis) -> None:
    for seconds in (0.0, 0.05):
        near_cache: NearCache[str] = NearCache(redis.current_version, seconds)
        started = time.monotonic()
        near_cache.wait_for_leases()
        assert seconds <= time.monotonic() - started < seconds + 0.5


def test_what_is_replaced_or_dropped_makes_room(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_cache, "MAX_BYTES", 2 * (near_cache.OVERHEAD_BYTES + 10))
    near = filled(redis, lease_seconds=0)
    for _ in range(5):
        near.put("key", "again", FAR, near.version, 10)
    near.put("other", "other", FAR, near.version, 10)
    assert (near.get("key"), near.get("other")) == ("again", "other")
    redis.version = b"t1"
    assert near.get("key") is None
    for key in ("key", "other"):
        near.put(key, "new", FAR, near.version, 10)
    assert (near.get("key"), near.get("other")) == ("new", "new")


def test_an_answer_is_not_served_past_its_time(redis: Redis) -> None:
    wall = [100.0]
    near: NearCache[str] = NearCache(redis.current_version, 10.0, clock=lambda: wall[0])
    near.get("key")
    near.put("key", "answer", 105.0, near.version, 1)
    wall[0] = 104.9
    assert near.get("key") == "answer"
    wall[0] = 105.0
    assert near.get("key") is None


def test_it_holds_so_many_and_no_more(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_cache, "MAX_BYTES", 3 * (near_cache.OVERHEAD_BYTES + 1))
    near = filled(redis)
    for number in range(3):
        near.put(number, str(number), FAR, near.version, 1)
    assert [near.get(key) for key in ("key", 0, 1, 2)] == [None, "0", "1", "2"]
    near.put(1, "one", FAR, near.version, 1)
    near.put(3, "three", FAR, near.version, near_cache.OVERHEAD_BYTES)
    assert [near.get(key) for key in (0, 1, 2, 3)] == [None, "one", None, "three"]


@pytest.mark.parametrize("seed", range(5))
def test_no_read_returns_what_an_acknowledged_write_has_changed(seed: int) -> None:
    """Four processes, one store, writers who wait for the lease; ways of up to twice the lease."""
    dice = random.Random(seed)
    redis, lease = Redis(), 0.005
    redis.way = lambda: dice.random() * lease
    videsk_availability, answered = [0], [0]
    processes: list[NearCache[int]] = [NearCache(redis.current_version, lease) for _ in range(4)]
    hits, old, writing = [0], [0], Lock()
    started = time.monotonic()

    def goes_on() -> bool:
        """For 0.6 s, and on a busy machine until it has shown something."""
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
                    ]  # not from the near cache: what the store holds now, returned a little later
                time.sleep(redis.way())
                process.put("key", value, FAR, version, 1)
            else:
                hits[0] += 1
                old[0] += found < known_before
            time.sleep(dice.random() * 0.0005)

    def write(process: NearCache[int]) -> None:
        while goes_on():
            time.sleep(dice.random() * 0.03)
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

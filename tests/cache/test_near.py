"""The near cache: nothing is served from it that was outdated before the question."""

import random
import time
from collections.abc import Callable
from functools import partial
from threading import Lock

import pytest

from cache import near
from cache.near import Near
from redis_link import RedisAwayError
from tests.journeys.fleet import at_once

FAR = 1e12


class Redis:
    """Where the token is, after so many seconds on the way there and back."""

    def __init__(self) -> None:
        self.token = b"t0"
        self.asked = 0
        self.way: Callable[[], float] = lambda: 0.0
        self.away = False

    def changes(self) -> bytes:
        self.asked += 1
        time.sleep(self.way())
        if self.away:
            raise RedisAwayError
        token = self.token
        time.sleep(self.way())
        return token


@pytest.fixture
def redis() -> Redis:
    return Redis()


def filled(redis: Redis, lease_seconds: float = 10.0, **clocks: Callable[[], float]) -> Near[str]:
    """It holds an answer under `key`."""
    kept: Near[str] = Near(redis.changes, lease_seconds, **clocks)
    assert kept.get("key") is None
    kept.put("key", "answer", FAR, kept.token, 1)
    return kept


def test_an_answer_is_served_without_asking_while_the_lease_holds(redis: Redis) -> None:
    kept = filled(redis)
    assert [kept.get("key") for _ in range(100)] == ["answer"] * 100
    assert redis.asked == 1
    assert kept.get("another key") is None


def test_after_the_lease_one_question_answers_for_all_who_wait(redis: Redis) -> None:
    now = [0.0]
    kept = filled(redis, monotonic=lambda: now[0])
    now[0], redis.way = 10.0, lambda: 0.01
    assert at_once([partial(kept.get, "key")] * 50) == ["answer"] * 50
    assert redis.asked == 2


def test_who_joined_a_question_that_came_back_too_late_asks_again(redis: Redis) -> None:
    """It was asked before their own question, and a write may lie between."""
    now = [0.0]
    kept = filled(redis, monotonic=lambda: now[0])
    now[0] = 10.0

    def late() -> float:
        now[0] += 6  # there and back: longer than the lease
        return 0.01

    redis.way = late
    assert at_once([partial(kept.get, "key")] * 2) == ["answer"] * 2
    assert redis.asked == 3


def test_what_is_not_kept_costs_no_question(redis: Redis) -> None:
    now = [0.0]
    kept = filled(redis, monotonic=lambda: now[0])
    now[0] = 10.0
    assert kept.get("another key") is None
    assert redis.asked == 1


def test_a_new_token_drops_everything(redis: Redis) -> None:
    now = [0.0]
    kept = filled(redis, monotonic=lambda: now[0])
    redis.token, now[0] = b"t1", 10.0
    assert kept.get("key") is None


def test_without_a_lease_the_token_is_asked_for_each_time(redis: Redis) -> None:
    kept = filled(redis, lease_seconds=0)
    assert (kept.get("key"), kept.get("key"), redis.asked) == ("answer", "answer", 3)
    redis.token = b"t1"
    assert kept.get("key") is None


def test_what_was_asked_for_under_an_older_token_is_not_kept(redis: Redis) -> None:
    now = [0.0]
    kept = filled(redis, monotonic=lambda: now[0])
    before = kept.token
    redis.token, now[0] = b"t1", 10.0
    kept.get("key")
    kept.put("key", "old answer", FAR, before, 1)
    assert kept.get("key") is None


def test_what_was_being_asked_for_when_all_was_dropped_is_not_kept(redis: Redis) -> None:
    kept = filled(redis)
    before = kept.token
    kept.drop()
    kept.put("key", "old answer", FAR, before, 1)
    assert kept.get("key") is None


def test_a_question_under_way_when_all_was_dropped_gives_no_lease(redis: Redis) -> None:
    now = [0.0]
    kept = filled(redis, monotonic=lambda: now[0])

    def dropped_meanwhile() -> float:
        kept.drop()
        return 0.0

    now[0], redis.way = 10.0, dropped_meanwhile
    assert (kept.get("key"), kept.token) == (None, b"")


def test_while_redis_is_away_nothing_is_served(redis: Redis) -> None:
    now = [0.0]
    kept = filled(redis, monotonic=lambda: now[0])
    redis.away, now[0] = True, 10.0
    assert kept.get("key") is None
    redis.away = False
    assert kept.get("key") is None
    assert redis.asked == 3


@pytest.mark.parametrize(
    ("seconds", "asked"), [(9.9, 1), (10.0, 2), (10.1, 2)], ids=["before", "at", "after"]
)
def test_a_lease_holds_from_the_question_on_and_is_over_at_its_end(
    redis: Redis, seconds: float, asked: int
) -> None:
    now = [100.0]

    def a_while() -> float:
        now[0] += 3  # on the way there and back, which counts
        return 0.0

    redis.way = a_while
    kept = filled(redis, monotonic=lambda: now[0])
    redis.way = lambda: 0.0
    now[0] = 100.0 + seconds
    assert kept.get("key") == "answer"
    assert redis.asked == asked


def test_a_writer_waits_as_long_as_any_lease_may_hold(redis: Redis) -> None:
    for seconds in (0.0, 0.05):
        near: Near[str] = Near(redis.changes, seconds)
        started = time.monotonic()
        near.wait_for_others()
        assert seconds <= time.monotonic() - started < seconds + 0.5


def test_what_is_replaced_or_dropped_makes_room(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "MOST_BYTES", 2 * (near.OVERHEAD_BYTES + 10))
    kept = filled(redis, lease_seconds=0)
    for _ in range(5):
        kept.put("key", "again", FAR, kept.token, 10)
    kept.put("other", "other", FAR, kept.token, 10)
    assert (kept.get("key"), kept.get("other")) == ("again", "other")
    redis.token = b"t1"
    assert kept.get("key") is None
    for key in ("key", "other"):
        kept.put(key, "new", FAR, kept.token, 10)
    assert (kept.get("key"), kept.get("other")) == ("new", "new")


def test_an_answer_is_not_served_past_its_time(redis: Redis) -> None:
    wall = [100.0]
    kept: Near[str] = Near(redis.changes, 10.0, clock=lambda: wall[0])
    kept.get("key")
    kept.put("key", "answer", 105.0, kept.token, 1)
    wall[0] = 104.9
    assert kept.get("key") == "answer"
    wall[0] = 105.0
    assert kept.get("key") is None


def test_it_holds_so_many_and_no_more(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "MOST_BYTES", 3 * (near.OVERHEAD_BYTES + 1))
    kept = filled(redis)
    for number in range(3):
        kept.put(number, str(number), FAR, kept.token, 1)
    assert [kept.get(key) for key in ("key", 0, 1, 2)] == [None, "0", "1", "2"]
    kept.put(1, "one", FAR, kept.token, 1)
    kept.put(3, "three", FAR, kept.token, near.OVERHEAD_BYTES)
    assert [kept.get(key) for key in (0, 1, 2, 3)] == [None, "one", None, "three"]


@pytest.mark.parametrize("seed", range(5))
def test_nobody_reads_what_an_answered_write_has_changed(seed: int) -> None:
    """Four processes, one store, writers who wait for the lease; ways of up to twice the lease."""
    dice = random.Random(seed)
    redis, lease = Redis(), 0.005
    redis.way = lambda: dice.random() * lease
    truth, answered = [0], [0]
    processes: list[Near[int]] = [Near(redis.changes, lease) for _ in range(4)]
    hits, old, writing = [0], [0], Lock()
    started = time.monotonic()

    def goes_on() -> bool:
        """For 0.6 s, and on a busy machine until it has shown something."""
        seconds = time.monotonic() - started
        return seconds < 0.6 or (seconds < 30 and (hits[0] <= 100 or truth[0] <= 10))

    def read(process: Near[int]) -> None:
        while goes_on():
            known_before = answered[0]
            token = process.token
            found = process.get("key")
            if found is None:
                with writing:
                    value = truth[0]  # the long way: what the store holds now, told a little later
                time.sleep(redis.way())
                process.put("key", value, FAR, token, 1)
            else:
                hits[0] += 1
                old[0] += found < known_before
            time.sleep(dice.random() * 0.0005)

    def write(process: Near[int]) -> None:
        while goes_on():
            time.sleep(dice.random() * 0.03)
            with writing:
                truth[0] += 1
                written = truth[0]
                redis.token = b"t%d" % written
            process.drop()
            process.wait_for_others()
            answered[0] = max(answered[0], written)

    readers = [partial(read, process) for process in processes for _ in range(3)]
    at_once([*readers, *(partial(write, process) for process in processes[:2])])
    assert old[0] == 0
    assert hits[0] > 100
    assert truth[0] > 10

"""Corners of the near cache that a mutation run found untested."""

import time
from threading import Thread

import pytest

from cache import near_cache
from cache.near_cache import NearCache
from tests.unit.cache.test_near_cache import FAR, Redis, filled, redis

__all__ = ["redis"]


def test_the_version_is_read_each_time_without_a_lease(redis: Redis) -> None:
    near: NearCache[str] = NearCache(redis.current_version)
    near.get("key")
    near.put("key", "answer", FAR, near.version, 1)
    assert [near.get("key") for _ in range(3)] == ["answer"] * 3
    assert redis.reads == 4


def test_an_answer_of_an_older_token_does_not_displace_the_one_of_now(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    before = near.version
    redis.version, now[0] = b"t1", 10.0
    near.get("key")
    near.put("key", "new answer", FAR, near.version, 1)
    near.put("key", "old answer", FAR, before, 1)
    assert near.get("key") == "new answer"


def test_a_question_under_way_gives_no_lease_whichever_drop_it_met(redis: Redis) -> None:
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    for _ in range(3):
        near.clear()

        def dropped_meanwhile() -> float:
            near.clear()
            return 0.0

        now[0], redis.way = now[0] + 10.0, dropped_meanwhile
        assert (near.get("key"), near.version) == (None, b"")
        redis.way = lambda: 0.0


def test_after_a_clear_the_version_is_read_whatever_the_clock(redis: Redis) -> None:
    near = filled(redis, monotonic=lambda: 0.5)
    near.clear()
    assert near.get("key") is None
    assert (redis.reads, near.version) == (2, b"t0")


def test_a_follower_of_a_failed_version_read_continues_without_it(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_cache, "VERSION_SECONDS", 0.05)
    now = [0.0]
    near = filled(redis, monotonic=lambda: now[0])
    now[0] = 10.0
    elapsed: list[float] = []

    def ask_meanwhile() -> float:
        if not elapsed:
            elapsed.append(0)
            redis.way = lambda: 0.0
            started = time.monotonic()
            thread = Thread(target=lambda: responses.append(near.get("key")))
            thread.start()
            thread.join(5)
            elapsed[0] = time.monotonic() - started
        return 0.0

    responses: list[str | None] = []
    redis.way = ask_meanwhile
    near.get("key")
    assert responses == [None]
    assert 0.05 <= elapsed[0] < 3


def test_so_many_bytes_are_kept_and_no_more(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_cache, "OVERHEAD_BYTES", 0)
    monkeypatch.setattr(near_cache, "MAX_BYTES", 10)
    near = filled(redis)
    for number in range(30):
        near.put(number, "answer", FAR, near.version, 1)
    assert [number for number in range(30) if near.get(number)] == list(range(20, 30))

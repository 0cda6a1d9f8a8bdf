"""Corner cases of the near cache that mutation testing found untested."""

import time
from threading import Thread

import pytest

from cache import near_cache
from cache.near_cache import NearCache
from tests.unit.cache.test_near_cache import FAR_FUTURE, FakeRedis, filled_near_cache, redis

__all__ = ["redis"]


def test_the_version_is_read_each_time_without_a_lease(redis: FakeRedis) -> None:
    cache: NearCache[str] = NearCache(redis.current_version)
    cache.get("key")
    cache.put("key", "answer", FAR_FUTURE, cache.version, 1)
    assert [cache.get("key") for _ in range(3)] == ["answer"] * 3
    assert redis.reads == 4


def test_a_response_of_an_older_version_does_not_replace_the_current_one(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    before = cache.version
    redis.version, now[0] = b"t1", 10.0
    cache.get("key")
    cache.put("key", "new answer", FAR_FUTURE, cache.version, 1)
    cache.put("key", "old answer", FAR_FUTURE, before, 1)
    assert cache.get("key") == "new answer"


def test_a_version_read_during_any_drop_gives_no_lease(redis: FakeRedis) -> None:
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    for _ in range(3):
        cache.clear()

        def dropped_meanwhile() -> float:
            cache.clear()
            return 0.0

        now[0], redis.way = now[0] + 10.0, dropped_meanwhile
        assert (cache.get("key"), cache.version) == (None, b"")
        redis.way = lambda: 0.0


def test_after_a_clear_the_version_is_read_at_any_clock_value(redis: FakeRedis) -> None:
    cache = filled_near_cache(redis, monotonic=lambda: 0.5)
    cache.clear()
    assert cache.get("key") is None
    assert (redis.reads, cache.version) == (2, b"t0")


def test_a_follower_of_a_failed_version_read_continues_without_it(
    redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_cache, "VERSION_SECONDS", 0.05)
    now = [0.0]
    cache = filled_near_cache(redis, monotonic=lambda: now[0])
    now[0] = 10.0
    elapsed: list[float] = []

    def ask_meanwhile() -> float:
        if not elapsed:
            elapsed.append(0)
            redis.way = lambda: 0.0
            started = time.monotonic()
            thread = Thread(target=lambda: responses.append(cache.get("key")))
            thread.start()
            thread.join(5)
            elapsed[0] = time.monotonic() - started
        return 0.0

    responses: list[str | None] = []
    redis.way = ask_meanwhile
    cache.get("key")
    assert responses == [None]
    assert 0.05 <= elapsed[0] < 3


def test_the_size_in_bytes_is_limited(redis: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_cache, "OVERHEAD_BYTES", 0)
    monkeypatch.setattr(near_cache, "MAX_BYTES", 10)
    cache = filled_near_cache(redis)
    for number in range(30):
        cache.put(number, "answer", FAR_FUTURE, cache.version, 1)
    assert [number for number in range(30) if cache.get(number)] == list(range(20, 30))

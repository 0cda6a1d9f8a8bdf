"""Calls fail fast during an outage. With a real Redis: tests/e2e/redis/test_resilient_redis.py."""

import time
from types import SimpleNamespace

import pytest
from redis import ConnectionError as RedisConnectionError

from common import resilient_redis
from common.resilient_redis import (
    CONNECTIONS,
    RECONNECT_SECONDS,
    RedisUnavailableError,
    ResilientRedis,
)

URL = "redis://127.0.0.1:1"
"""A port where nothing listens."""


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> ResilientRedis:
    """Return a ResilientRedis without health checks, so that no thread outlives the test."""
    monkeypatch.setattr(ResilientRedis, "_run_health_checks", lambda self: None)
    return ResilientRedis(URL, verify_tls=True)


def lose(redis: ResilientRedis) -> None:
    with pytest.raises(RedisUnavailableError):
        redis.call(redis.client.ping)


def test_a_call_returns_what_its_action_returns(redis: ResilientRedis) -> None:
    assert redis.call(lambda: b"value") == b"value"
    assert (redis.unavailable, redis.outages) == (False, 0)


def test_after_a_failed_call_no_action_is_started(redis: ResilientRedis) -> None:
    outages: list[int] = []
    redis.on_outage(lambda: outages.append(redis.outages))
    lose(redis)
    for _ in range(3):
        with pytest.raises(RedisUnavailableError):
            redis.call(lambda: pytest.fail("it was begun"))
    assert (redis.unavailable, redis.outages, outages) == (True, 1, [1])


@pytest.mark.parametrize("error", [RedisConnectionError(), OSError()])
def test_errors_of_redis_and_the_network_are_an_outage(
    redis: ResilientRedis, error: Exception
) -> None:
    def action() -> None:
        raise error

    with pytest.raises(RedisUnavailableError):
        redis.call(action)
    assert redis.unavailable


def test_an_exception_of_the_caller_is_not_an_outage_and_frees_its_connection(
    redis: ResilientRedis,
) -> None:
    for _ in range(CONNECTIONS + 1):
        with pytest.raises(ZeroDivisionError):
            redis.call(lambda: 1 / 0)
    assert not redis.unavailable


def test_an_outage_is_measured_from_the_last_response(redis: ResilientRedis) -> None:
    before = time.monotonic()
    redis.call(lambda: None)
    responded = time.monotonic()
    time.sleep(0.01)
    lose(redis)
    assert before <= redis.last_response_at <= responded


def test_a_write_waits_for_redis_only_shortly_after_its_last_response(
    redis: ResilientRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, waits = [redis.last_response_at], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    assert redis.wait_for_reconnect(), "Redis is available"
    lose(redis)
    now[0] = redis.last_response_at
    monkeypatch.setattr(
        resilient_redis, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    )
    assert not redis.wait_for_reconnect()
    assert RECONNECT_SECONDS <= sum(waits) < RECONNECT_SECONDS + 0.1
    waits.clear()
    assert not redis.wait_for_reconnect()
    assert not waits

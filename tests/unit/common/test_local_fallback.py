"""Redis, or the process while Redis is unavailable."""

from typing import Any

import pytest

from common.local_fallback import LocalFallback
from common.resilient_redis import ResilientRedis

URL = "redis://127.0.0.1:1"
"""A port where nothing listens."""


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> ResilientRedis:
    """Return a ResilientRedis without health checks, so that no thread outlives the test."""
    monkeypatch.setattr(ResilientRedis, "_run_health_checks", lambda self: None)
    return ResilientRedis(URL, verify_tls=True)


def no_local() -> str:
    raise AssertionError("Redis is available")


def test_a_fallback_uses_redis_while_it_is_available(redis: ResilientRedis) -> None:
    fallback = LocalFallback(redis)
    assert fallback.run(lambda client: client is redis.client, no_local) is True


def test_without_redis_a_fallback_is_local() -> None:
    called: list[int] = []
    fallback = LocalFallback(None, lambda: called.append(1))
    assert fallback.run(lambda _: "remote", lambda: "local") == "local"
    assert not called, "it is not an outage"


def test_in_each_outage_on_outage_runs_before_the_first_local_action(
    redis: ResilientRedis,
) -> None:
    log: list[str] = []
    fallback = LocalFallback(redis, lambda: log.append("outage"))
    remote: Any = lambda client: client.ping()  # noqa: E731
    for _ in range(2):
        for _ in range(2):
            fallback.run(remote, lambda: log.append("local"))
        redis.unavailable = False
    assert log == ["outage", "local", "local"] * 2

"""One background refresh for all processes, and single flight while Redis is unavailable."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from cache.shared_single_flight import SharedSingleFlight
from cache.store import ALL_ENTRIES, redis_store
from common.resilient_redis import RedisUnavailableError, ResilientRedis
from tests.e2e.redis.two_processes import (
    Process,
    key,
    processes,
    redis_clients,
    wait_until,
)
from tests.processes import free_port, local_redis_url
from videsk.errors import VideskErrors, VideskResponseError

__all__ = ["key", "processes", "redis_clients"]
REFUSED = VideskResponseError(409, b"{}", "application/json", {})


def test_one_refresh_runs_for_both_processes_and_misses_get_its_outcome(
    processes: tuple[Process, Process], key: str
) -> None:
    a, b = processes
    with ThreadPoolExecutor(2) as pool:
        refresh = pool.submit(a.refresh, key)
        assert a.begun.wait(5)
        b.refresh(key)
        follower = pool.submit(b.read, key)
        time.sleep(0.05)
        a.may_end.set()
        refresh.result(5)
        assert follower.result(5) == (b"value", True)
    assert (a.calls, b.calls) == (1, 0)


def test_a_failed_refresh_is_not_retried_within_the_pause(
    processes: tuple[Process, Process], redis: Redis, key: str
) -> None:
    a, b = processes
    a.may_end.set()
    b.may_end.set()
    with pytest.raises(VideskResponseError):
        a.refresh(key, lambda: a.fetch(REFUSED))
    left = redis.pttl(f"tests:pause:{key}")
    assert 500 < left <= 1000, "docs/guarantees.md#g3: a second, minus the time since the failure"
    for process in processes:
        process.refresh(key)
        redis_store(redis, "tests:").invalidate([ALL_ENTRIES])
        process.refresh(key)
    assert (a.calls, b.calls) == (1, 0)
    assert b.read(key)[0] == b"value", "a pause of refreshes does not apply to misses"
    redis.delete(f"tests:pause:{key}")
    a.refresh(key)
    assert (a.calls, b.calls) == (2, 1)


def test_neither_a_failed_read_nor_a_successful_refresh_sets_a_pause(
    processes: tuple[Process, Process], redis: Redis, key: str
) -> None:
    a, _ = processes
    a.may_end.set()
    with pytest.raises(VideskResponseError):
        a.read(key, lambda: a.fetch(REFUSED))
    a.refresh(key)
    a.refresh(key)
    assert a.calls == 3
    held = list(redis.scan_iter())
    assert held
    assert all(redis.pttl(key) > 0 for key in held), "every key expires"


def test_without_redis_it_raises_before_the_fetch(key: str) -> None:
    resilient_redis = ResilientRedis(local_redis_url(free_port()), verify_tls=True)
    process = Process(SharedSingleFlight(resilient_redis, "tests:", VideskErrors()))
    with pytest.raises(RedisUnavailableError):
        process.read(key)
    with pytest.raises(RedisUnavailableError):
        process.refresh(key)
    assert process.calls == 0


def test_losing_redis_during_the_fetch_does_not_affect_the_result(
    processes: tuple[Process, Process], redis_clients: list[ResilientRedis], key: str
) -> None:
    a, _ = processes
    a.may_end.set()

    def fetch_during_outage() -> bytes:
        redis_clients[0]._mark_unavailable("a test")
        return a.fetch()

    assert a.read(key, fetch_during_outage) == (b"value", False)
    wait_until(lambda: not redis_clients[0].unavailable)

"""Background refreshes over all processes, and single flight while Redis is unavailable."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from cache.shared_single_flight import FlightKey, SharedSingleFlight
from common.resilient_redis import RedisUnavailableError, ResilientRedis
from tests.e2e.redis.two_processes import Process, both, flight, links, nothing, until
from tests.processes import free_port, local_redis_url
from videsk.errors import VideskErrors, VideskResponseError

__all__ = ["both", "flight", "links"]
REFUSED = VideskResponseError(409, b"{}", "application/json", {})


def test_one_refresh_runs_for_both_processes_and_misses_get_its_outcome(
    both: tuple[Process, Process], flight: FlightKey
) -> None:
    a, b = both
    with ThreadPoolExecutor(2) as pool:
        refresh = pool.submit(a.refresh, flight, nothing, a.fetch)
        assert a.begun.wait(5)
        b.refresh(flight, nothing, b.fetch)
        follower = pool.submit(b.do, flight, nothing, b.fetch, 5)
        time.sleep(0.05)
        a.may_end.set()
        refresh.result(5)
        assert follower.result(5) == (b"value", True)
    assert (a.calls, b.calls) == (1, 0)


def test_a_failed_refresh_is_not_retried_within_the_pause(
    both: tuple[Process, Process], redis: Redis, flight: FlightKey
) -> None:
    a, b = both
    a.may_end.set()
    b.may_end.set()
    with pytest.raises(VideskResponseError):
        a.refresh(flight, nothing, lambda: a.fetch(REFUSED))
    left = redis.pttl(f"tests:pause:{flight.key}")
    assert 500 < left <= 1000, (
        "docs/guarantees.md#g3: a second, less what the test itself has taken"
    )
    later = FlightKey(flight.key, b"of.later")
    for process in both:
        process.refresh(flight, nothing, process.fetch)
        process.refresh(later, nothing, process.fetch)
    assert (a.calls, b.calls) == (1, 0)
    assert b.do(flight, nothing, b.fetch, 5)[0] == b"value", "a miss is no refresh"
    redis.delete(f"tests:pause:{flight.key}")
    a.refresh(flight, nothing, a.fetch)
    assert (a.calls, b.calls) == (2, 1)


def test_a_read_that_failed_and_a_refresh_that_did_not_make_no_pause(
    both: tuple[Process, Process], redis: Redis, flight: FlightKey
) -> None:
    a, _ = both
    a.may_end.set()
    with pytest.raises(VideskResponseError):
        a.do(flight, nothing, lambda: a.fetch(REFUSED), 5)
    a.refresh(flight, nothing, a.fetch)
    a.refresh(flight, nothing, a.fetch)
    assert a.calls == 3
    held = list(redis.scan_iter())
    assert held
    assert all(redis.pttl(key) > 0 for key in held), "all of it expires"


def test_without_redis_it_is_said_before_the_fetch(flight: FlightKey) -> None:
    link = ResilientRedis(local_redis_url(free_port()), verify_tls=True)
    process = Process(SharedSingleFlight(link, "tests:", VideskErrors()))
    with pytest.raises(RedisUnavailableError):
        process.do(flight, nothing, process.fetch, 5)
    with pytest.raises(RedisUnavailableError):
        process.refresh(flight, nothing, process.fetch)
    assert process.calls == 0


def test_redis_lost_during_the_fetch_spoils_no_answer(
    both: tuple[Process, Process], links: list[ResilientRedis], flight: FlightKey
) -> None:
    a, _ = both
    a.may_end.set()

    def fetch_while_it_dies() -> bytes:
        links[0]._mark_unavailable("a test")
        return a.fetch()

    assert a.do(flight, nothing, fetch_while_it_dies, 5) == (b"value", False)
    until(lambda: not links[0].unavailable)

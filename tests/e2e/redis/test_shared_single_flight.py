"""One fetch for all processes, tested with two of them as threads over a real Redis."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import gevent
import pytest
from redis import Redis

from cache.outcome_poller import POLL_SECONDS
from cache.shared_single_flight import FlightKey
from cache.single_flight import SingleFlightTimeoutError
from tests.e2e.redis.two_processes import (
    Process,
    flight,
    never_stored,
    processes,
    redis_clients,
    return_stored,
)
from videsk.errors import (
    VideskBrokenError,
    VideskCircuitOpenError,
    VideskError,
    VideskErrors,
    VideskFailedError,
    VideskInvalidResponseError,
    VideskNoSocketError,
    VideskRateLimitError,
    VideskResponseError,
    VideskTimeoutError,
    VideskUnreachableError,
)

__all__ = ["flight", "processes", "redis_clients"]
REFUSED = VideskResponseError(
    409, '{"message": "¡Ocupado! 予約 \U0001f600 \\ud800"}'.encode(), "application/json", {"A": "1"}
)
ERRORS: list[VideskError] = [
    REFUSED,
    VideskResponseError(503, b"null", None, {"Retry-After": "7", "Ratelimit-Limit": "20"}),
    VideskUnreachableError(),
    VideskBrokenError(),
    VideskInvalidResponseError(),
    VideskTimeoutError(),
    VideskRateLimitError(3.2),
    VideskCircuitOpenError(0.1),
    VideskNoSocketError(1),
]


def test_one_fetch_serves_both_processes(
    processes: tuple[Process, Process], flight: FlightKey
) -> None:
    a, b = processes
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(a.do, flight, never_stored, a.fetch, 5)
        assert a.begun.wait(5)
        follower = pool.submit(b.do, flight, never_stored, b.fetch, 5)
        time.sleep(0.1)
        a.may_end.set()
        assert leader.result(5) == (b"value", False)
        assert follower.result(5) == (b"value", True)
    assert (a.calls, b.calls) == (1, 0)


def test_different_keys_or_stamps_do_not_share_a_fetch(
    processes: tuple[Process, Process], flight: FlightKey
) -> None:
    a, b = processes
    b.may_end.set()
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(a.do, flight, never_stored, a.fetch, 5)
        assert a.begun.wait(5)
        for other in (
            FlightKey(flight.key, b"of.later"),
            FlightKey(flight.key + "x", flight.stamp),
        ):
            assert b.do(other, never_stored, b.fetch, 5) == (b"value", False)
        a.may_end.set()
        leader.result(5)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_followers_get_the_leader_s_error(
    processes: tuple[Process, Process], flight: FlightKey, error: VideskError
) -> None:
    a, b = processes
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(a.do, flight, never_stored, lambda: a.fetch(error), 5)
        assert a.begun.wait(5)
        follower = pool.submit(b.do, flight, never_stored, b.fetch, 5)
        time.sleep(0.05)
        a.may_end.set()
        assert leader.exception(5) is error
        raised = follower.exception(5)
    assert type(raised) is type(error)
    assert vars(raised) == vars(error)
    assert b.calls == 0
    b.may_end.set()
    assert b.do(flight, never_stored, b.fetch, 5) == (b"value", False), "the error is not cached"


def test_every_videsk_error_is_in_errors() -> None:
    def kinds(of: type[VideskError]) -> set[type[VideskError]]:
        return {of, *(kind for child in of.__subclasses__() for kind in kinds(child))}

    assert {type(e) for e in ERRORS} == kinds(VideskError) - {VideskError, VideskFailedError}


def test_an_unexpected_exception_reaches_followers_without_its_text() -> None:
    data = VideskErrors.dumps(ValueError("the key, perhaps"))
    assert b"key" not in data
    assert type(VideskErrors.loads(data)) is VideskBrokenError


def test_a_dead_leader_is_replaced(
    processes: tuple[Process, Process], redis: Redis, flight: FlightKey
) -> None:
    a, b = processes
    a.may_end.set()
    b.may_end.set()
    redis.set(f"tests:flight:{flight.key}:{flight.stamp.decode()}", b"dead", px=300)
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        outcomes = [pool.submit(p.do, flight, return_stored, p.fetch, 5) for p in processes]
        values = [outcome.result(5)[0] for outcome in outcomes]
    assert values == [b"value"] * 2
    assert 0.25 < time.monotonic() - started < 2


def test_a_live_leader_keeps_its_lock_and_a_dead_one_blocks_for_at_most_5_s(
    processes: tuple[Process, Process], redis: Redis, flight: FlightKey
) -> None:
    """Whenever it dies, the rest of its lock's TTL plus the longest poll interval is below 5 s."""
    a, _ = processes
    left: list[int] = []

    def fetch() -> bytes:
        while len(left) < 30:
            left.append(redis.pttl(f"tests:flight:{flight.key}:{flight.stamp.decode()}"))
            gevent.sleep(0.1)
        return b"value"

    a.do(flight, never_stored, fetch, 5)
    assert max(left) + 1000 * POLL_SECONDS[1] < 5000
    assert min(left) > 2500, "it is renewed long before it expires"


def test_a_follower_times_out(
    processes: tuple[Process, Process], redis: Redis, flight: FlightKey
) -> None:
    a, _ = processes
    redis.set(f"tests:flight:{flight.key}:{flight.stamp.decode()}", b"busy", px=3000)
    with pytest.raises(SingleFlightTimeoutError):
        a.do(flight, never_stored, a.fetch, 0.1)
    assert a.calls == 0


def test_a_leader_that_finishes_late_does_not_release_the_next_leader_s_lock(
    processes: tuple[Process, Process], redis: Redis, flight: FlightKey
) -> None:
    a, b = processes
    lock = f"tests:flight:{flight.key}:{flight.stamp.decode()}"
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(a.do, flight, never_stored, lambda: a.fetch(b"late"), 5)
        assert a.begun.wait(5)
        redis.delete(lock)  # as if it had expired
        following = pool.submit(b.do, flight, never_stored, b.fetch, 5)
        assert b.begun.wait(5)
        owner = redis.get(lock)
        a.may_end.set()
        assert late.result(5) == (b"late", False)
        assert redis.get(lock) == owner
        b.may_end.set()
        assert following.result(5) == (b"value", False)
    assert redis.get(lock) is None


def test_a_leader_that_finds_a_new_entry_does_not_fetch(
    processes: tuple[Process, Process], redis: Redis, flight: FlightKey
) -> None:
    a, _ = processes
    redis.set(f"tests:{flight.key}", b"stored")
    assert a.do(flight, return_stored, a.fetch, 5) == (b"stored", True)
    a.refresh(flight, return_stored, a.fetch)
    assert a.calls == 0
    assert redis.keys("tests:flight:*") == [], "the lock is released"


def test_followers_get_an_entry_that_the_leader_found(
    processes: tuple[Process, Process], redis: Redis, flight: FlightKey
) -> None:
    a, b = processes
    checking, may_continue = threading.Event(), threading.Event()

    def recheck_slowly(stored: bytes | None) -> bytes | None:
        checking.set()
        assert may_continue.wait(5)
        return stored

    redis.set(f"tests:{flight.key}", b"stored")
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(a.do, flight, recheck_slowly, a.fetch, 5)
        assert checking.wait(5)
        follower = pool.submit(b.do, flight, never_stored, b.fetch, 5)
        time.sleep(0.05)
        may_continue.set()
        assert leader.result(5) == follower.result(5) == (b"stored", True)

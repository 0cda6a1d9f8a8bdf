"""One fetch at a time in the process, tested with real threads."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from cache.single_flight import SingleFlight, SingleFlightTimeoutError
from tests.timing import TIMING

pytestmark = TIMING
MANY = 30
Outcomes = list[Future[tuple[str, bool]]]


class Fetch:
    """A fetch that runs until a test ends it, and counts its calls."""

    def __init__(self, outcome: str | BaseException = "value") -> None:
        self.outcome = outcome
        self.calls = 0
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.calls += 1
        self.begun.set()
        assert self.may_end.wait(10)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def concurrently(flights: SingleFlight[str], fetch: Fetch, end: Callable[[], object]) -> Outcomes:
    """Start MANY callers, and let the fetch end when all of them are waiting."""
    arrived = threading.Semaphore(0)

    def do() -> tuple[str, bool]:
        arrived.release()
        return flights.do("name", fetch, 10)

    with ThreadPoolExecutor(MANY) as pool:
        outcomes = [pool.submit(do) for _ in range(MANY)]
        for _ in range(MANY):
            assert arrived.acquire(timeout=10)
        assert fetch.begun.wait(10)
        time.sleep(0.05)  # from starting to waiting
        end()
    return outcomes


def test_many_callers_get_the_value_of_one_call() -> None:
    flights: SingleFlight[str] = SingleFlight()
    fetch = Fetch()
    outcomes = concurrently(flights, fetch, fetch.may_end.set)
    assert fetch.calls == 1
    assert sorted(outcome.result() for outcome in outcomes) == [
        ("value", False),
        *[("value", True)] * (MANY - 1),
    ]
    assert not flights._in_progress


@pytest.mark.parametrize(
    "error", [ValueError("no"), TimeoutError("slow"), KeyboardInterrupt()], ids=repr
)
def test_many_callers_get_the_error_of_one_call(error: BaseException) -> None:
    flights: SingleFlight[str] = SingleFlight()
    fetch = Fetch(error)
    outcomes = concurrently(flights, fetch, fetch.may_end.set)
    assert fetch.calls == 1
    assert [outcome.exception() for outcome in outcomes] == [error] * MANY
    assert not flights._in_progress


@pytest.mark.parametrize("first", ["value", ValueError("no")])
def test_a_call_after_the_end_starts_a_new_fetch(first: str | BaseException) -> None:
    flights: SingleFlight[str] = SingleFlight()
    for outcome in (first, "second"):
        fetch = Fetch(outcome)
        fetch.may_end.set()
        if isinstance(outcome, str):
            assert flights.do("name", fetch, 10) == (outcome, False)
        else:
            with pytest.raises(ValueError, match="no"):
                flights.do("name", fetch, 10)
        assert fetch.calls == 1


def test_fetches_with_different_names_do_not_wait_for_each_other() -> None:
    flights: SingleFlight[str] = SingleFlight()
    slow, quick = Fetch("slow"), Fetch("quick")
    quick.may_end.set()
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(flights.do, ("name", b"stamp"), slow, 10)
        assert slow.begun.wait(10)
        assert ("name", b"stamp") in flights._in_progress
        assert flights.do(("name", b"another stamp"), quick, 10) == ("quick", False)
        slow.may_end.set()
        assert leader.result(10) == ("slow", False)


@pytest.mark.parametrize("seconds", [0.05, 0, -1])
def test_a_follower_times_out_and_the_leader_continues(seconds: float) -> None:
    flights: SingleFlight[str] = SingleFlight()
    fetch = Fetch()
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(flights.do, "name", fetch, 10)
        assert fetch.begun.wait(10)
        started = time.monotonic()
        with pytest.raises(SingleFlightTimeoutError):
            flights.do("name", fetch, seconds)
        assert time.monotonic() - started < 2
        fetch.may_end.set()
        assert leader.result(10) == ("value", False)
    assert fetch.calls == 1


def test_a_caller_that_must_lead_leads_and_later_callers_follow_it() -> None:
    flights: SingleFlight[str] = SingleFlight()
    old, new, unused = Fetch("old"), Fetch("new"), Fetch()
    with ThreadPoolExecutor(3) as pool:
        replaced = pool.submit(flights.do, "name", old, 10)
        assert old.begun.wait(10)
        leader = pool.submit(flights.lead, "name", new)
        assert new.begun.wait(10)
        old.may_end.set()
        assert replaced.result(10) == ("old", False)
        follower = pool.submit(flights.do, "name", unused, 10)
        time.sleep(0.05)  # from starting to waiting
        new.may_end.set()
        assert leader.result(10) == "new"
        assert follower.result(10) == ("new", True)
    assert unused.calls == 0
    assert not flights._in_progress

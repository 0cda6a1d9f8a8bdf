"""What a process does as leader and as follower. Over Redis: tests/e2e/redis."""

from collections.abc import Callable
from typing import Any

import pytest

from cache import shared_single_flight
from cache.shared_single_flight import FlightKey, SharedSingleFlight
from common.resilient_redis import RedisUnavailableError
from tests.fakes import unavailable_redis
from videsk.errors import VideskErrors, VideskTimeoutError

FLIGHT = FlightKey("hours", b"stamp")


class Redis:
    """A ResilientRedis and its client. `leader`: who leads already; `stored`: the cached entry.

    Its scripts do what their Lua does with the lock, and keep the arguments of the last one.
    """

    def __init__(self, leader: bytes = b"", stored: bytes | None = None) -> None:
        self.leader = leader
        self.stored = stored
        self.paused = False
        self.outcomes: dict[str, bytes] = {}
        self.pauses: list[int] = []
        self.client = self

    def call(self, action: Callable[[], Any]) -> Any:
        return action()

    def register_script(self, text: str) -> Callable[[list[str], list[Any]], Any]:
        scripts = {shared_single_flight._ELECT: self.take, shared_single_flight._END: self.end}
        return scripts.get(text, lambda keys, args: None)

    def take(self, keys: list[str], args: list[Any]) -> list[Any]:
        us, _, is_refresh = args
        if self.paused and is_refresh:
            return [b"", None]
        self.leader = self.leader or us
        return [self.leader, self.stored]

    def end(self, keys: list[str], args: list[Any]) -> None:
        leader, outcome, _, pause, _ = args
        assert leader == self.leader
        self.leader = b""
        self.outcomes[keys[1]] = outcome
        self.pauses.append(pause)

    def mget(self, names: list[str]) -> list[bytes | None]:
        return [self.outcomes.get(name, self.leader or None) for name in names]


def flights(redis: Any) -> SharedSingleFlight:
    return SharedSingleFlight(redis, "tests:", VideskErrors())


def nothing(stored: bytes | None) -> None:
    """The stored entry cannot be used."""


def as_stored(stored: bytes | None) -> bytes | None:
    return stored


def no_fetch() -> bytes:
    raise AssertionError("nothing is to be fetched")


def fail() -> bytes:
    raise VideskTimeoutError


def test_the_leader_fetches_and_publishes_the_outcome() -> None:
    redis = Redis()
    assert flights(redis).do(FLIGHT, nothing, lambda: b"value", 5) == (b"value", False)
    (outcome,) = redis.outcomes.values()
    assert outcome.endswith(b"value")
    assert not redis.leader


def test_a_follower_gets_the_leader_s_outcome_or_its_error() -> None:
    for fetch, expected in ((lambda: b"value", b"value"), (fail, None)):
        redis = Redis()
        try:
            flights(redis).do(FLIGHT, nothing, fetch, 5)
        except VideskTimeoutError:
            assert not expected
        (outcome,) = redis.outcomes.values()
        redis.leader = b"another"
        redis.outcomes = {"tests:outcome:another": outcome}
        if expected:
            assert flights(redis).do(FLIGHT, nothing, no_fetch, 5) == (expected, True)
        else:
            with pytest.raises(VideskTimeoutError):
                flights(redis).do(FLIGHT, nothing, no_fetch, 5)


def test_an_entry_that_was_stored_meanwhile_is_used() -> None:
    redis = Redis(stored=b"stored")
    assert flights(redis).do(FLIGHT, as_stored, no_fetch, 5) == (b"stored", True)
    flights(redis).refresh(FLIGHT, as_stored, no_fetch)
    assert not redis.leader, "and the lead is given up"


def test_a_refresh_is_one_of_all_processes_and_pauses_after_a_failure() -> None:
    redis = Redis(leader=b"another")
    flights(redis).refresh(FLIGHT, nothing, no_fetch)
    redis.leader = b""
    flights(redis).refresh(FLIGHT, nothing, lambda: b"value")
    with pytest.raises(VideskTimeoutError):
        flights(redis).refresh(FLIGHT, nothing, fail)
    with pytest.raises(VideskTimeoutError):
        flights(redis).do(FLIGHT, nothing, fail, 5)
    assert redis.pauses == [0, 1, 0], "after a failed refresh only"
    redis.paused = True
    flights(redis).refresh(FLIGHT, nothing, no_fetch)


def test_in_an_outage_it_raises_before_the_fetch() -> None:
    with pytest.raises(RedisUnavailableError):
        flights(unavailable_redis()).do(FLIGHT, nothing, no_fetch, 5)
    with pytest.raises(RedisUnavailableError):
        flights(unavailable_redis()).refresh(FLIGHT, nothing, no_fetch)


def test_an_outage_during_the_fetch_spoils_no_response() -> None:
    redis: Any = Redis()

    def fetch() -> bytes:
        redis.call = unavailable_redis().call
        return b"value"

    assert flights(redis).do(FLIGHT, nothing, fetch, 5) == (b"value", False)

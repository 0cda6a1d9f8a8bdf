"""Leaders and followers in a shared single flight. With a real Redis: tests/e2e/redis."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from cache import shared_single_flight
from cache.shared_single_flight import FlightKey, SharedSingleFlight
from common.resilient_redis import RedisUnavailableError
from tests.fakes import PlainFetch, Recheck, unavailable_redis
from videsk.errors import VideskErrors, VideskTimeoutError

FLIGHT = FlightKey("hours", b"stamp")


class Redis:
    """A fake ResilientRedis and client. `leader`: the current leader. `stored`: the cached entry.

    Its scripts change the lock as the Lua scripts do. The arguments of the last one are stored.
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
        return lambda keys, args: None

    @contextmanager
    def pipeline(self, *, transaction: bool) -> Iterator["Redis"]:
        self.results: list[Any] = []
        yield self

    def eval(self, script: str, _: int, *keys_and_args: Any) -> None:
        scripts = {shared_single_flight._ELECT: self.take, shared_single_flight._END: self.end}
        self.results.append(scripts[script](keys_and_args[:3], keys_and_args[3:]))

    def execute(self) -> list[Any]:
        return self.results

    def take(self, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        us, _, is_refresh = args
        if self.paused and is_refresh:
            return [b"", None]
        self.leader = self.leader or us
        return [self.leader, self.stored]

    def end(self, keys: Sequence[str], args: Sequence[Any]) -> None:
        leader, outcome, _, pause, _ = args
        assert leader == self.leader
        self.leader = b""
        self.outcomes[keys[1]] = outcome
        self.pauses.append(pause)

    def mget(self, names: list[str]) -> list[bytes | None]:
        return [self.outcomes.get(name, self.leader or None) for name in names]


def single_flight_of(redis: Any) -> SharedSingleFlight:
    return SharedSingleFlight(redis, "tests:", VideskErrors())


def do(redis: Any, recheck: Recheck, fetch: Callable[[], bytes]) -> tuple[bytes, bool]:
    """Return the entry, and whether another process fetched it."""
    result = single_flight_of(redis).do(FLIGHT, PlainFetch(recheck, fetch), 5)
    return result.entry, result.collapsed


def refresh(redis: Any, recheck: Recheck, fetch: Callable[[], bytes]) -> None:
    single_flight_of(redis).refresh(FLIGHT, PlainFetch(recheck, fetch))


def never_stored(stored: bytes | None) -> None:
    """Reject any stored entry."""


def return_stored(stored: bytes | None) -> bytes | None:
    return stored


def no_fetch() -> bytes:
    raise AssertionError("nothing is to be fetched")


def fail() -> bytes:
    raise VideskTimeoutError


def test_the_leader_fetches_and_publishes_the_outcome() -> None:
    redis = Redis()
    assert do(redis, never_stored, lambda: b"value") == (b"value", False)
    (outcome,) = redis.outcomes.values()
    assert outcome.endswith(b"value")
    assert not redis.leader


def test_a_follower_gets_the_leader_s_outcome_or_its_error() -> None:
    for fetch, expected in ((lambda: b"value", b"value"), (fail, None)):
        redis = Redis()
        try:
            do(redis, never_stored, fetch)
        except VideskTimeoutError:
            assert not expected
        (outcome,) = redis.outcomes.values()
        redis.leader = b"another"
        redis.outcomes = {"tests:outcome:another": outcome}
        if expected:
            assert do(redis, never_stored, no_fetch) == (expected, True)
        else:
            with pytest.raises(VideskTimeoutError):
                do(redis, never_stored, no_fetch)


def test_an_entry_that_was_stored_in_the_meantime_is_used() -> None:
    redis = Redis(stored=b"stored")
    assert do(redis, return_stored, no_fetch) == (b"stored", True)
    refresh(redis, return_stored, no_fetch)
    assert not redis.leader, "the lock is released"


def test_one_process_refreshes_and_a_failure_sets_a_pause() -> None:
    redis = Redis(leader=b"another")
    refresh(redis, never_stored, no_fetch)
    redis.leader = b""
    refresh(redis, never_stored, lambda: b"value")
    with pytest.raises(VideskTimeoutError):
        refresh(redis, never_stored, fail)
    with pytest.raises(VideskTimeoutError):
        do(redis, never_stored, fail)
    assert redis.pauses == [0, 1, 0], "only after a failed refresh"
    redis.paused = True
    refresh(redis, never_stored, no_fetch)


def test_in_an_outage_it_raises_before_the_fetch() -> None:
    with pytest.raises(RedisUnavailableError):
        do(unavailable_redis(), never_stored, no_fetch)
    with pytest.raises(RedisUnavailableError):
        refresh(unavailable_redis(), never_stored, no_fetch)


def test_an_outage_during_the_fetch_does_not_affect_the_result() -> None:
    redis: Any = Redis()

    def fetch() -> bytes:
        redis.call = unavailable_redis().call
        return b"value"

    assert do(redis, never_stored, fetch) == (b"value", False)

"""Leaders and followers in a shared single flight. With a real Redis: tests/e2e/redis."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from cache import shared_single_flight
from cache.shared_single_flight import LeaderDiedError, Lookup, SharedSingleFlight
from common.resilient_redis import RedisUnavailableError
from tests.fakes import unavailable_redis
from videsk.errors import VideskErrors, VideskTimeoutError

KEY, GROUPS = "hours", ("user:a",)


class Redis:
    """A fake ResilientRedis and client. `leader`: the current leader. `stored`: the cached entry.

    Its scripts change the lease as the Lua scripts do.
    """

    def __init__(self, stored: bytes | None = None) -> None:
        self.leader = b""
        self.stored = stored
        self.outcomes: dict[str, bytes] = {}
        self.pauses: list[int] = []
        self.keys: list[str] = []
        self.client = self

    def call(self, action: Callable[[], Any]) -> Any:
        return action()

    def register_script(self, text: str) -> Callable[[list[str], list[Any]], Any]:
        return {
            shared_single_flight._LOOK_UP: self.look_up,
            shared_single_flight._RENEW: lambda keys, args: None,
        }[text]

    @contextmanager
    def pipeline(self, *, transaction: bool) -> Iterator["Redis"]:
        yield self

    def eval(self, script: str, number: int, *keys_and_args: Any) -> None:
        assert script == shared_single_flight._END
        self.end(keys_and_args[:number], keys_and_args[number:])

    def execute(self) -> None: ...

    def look_up(self, keys: Sequence[str], args: Sequence[Any]) -> list[bytes]:
        self.keys = list(keys)
        if self.stored:
            return [b"stamp", b"", self.stored]
        if self.leader in (b"", args[4]):
            self.leader = args[0]
        return [b"stamp", self.leader]

    def end(self, keys: Sequence[str], args: Sequence[Any]) -> None:
        leader, outcome, _, pause, _ = args
        assert leader == self.leader
        self.leader = b""
        self.outcomes[keys[2]] = outcome
        self.pauses.append(pause)

    def mget(self, names: list[str]) -> list[bytes | None]:
        """Return values of outcomes and leaders, in turns."""
        return [
            self.outcomes.get(name)
            if number % 2 == 0
            else b"" if name == f"tests:leader:{self.leader.decode()}" else None
            for number, name in enumerate(names)
        ]  # fmt: skip


def single_flight_of(redis: Any) -> SharedSingleFlight:
    return SharedSingleFlight(redis, "tests:", VideskErrors())


def look_up(redis: Any, dead_leader: bytes = b"") -> Lookup:
    return single_flight_of(redis).look_up(KEY, GROUPS, 0.0, dead_leader)


def lead(
    redis: Any, leader: bytes, fetch: Callable[[], bytes], *, is_refresh: bool = False
) -> tuple[bytes, bool]:
    """Lead a flight whose entry is not cacheable."""
    flights = single_flight_of(redis)
    return flights.lead(KEY, leader, fetch, lambda *_: None, is_refresh=is_refresh)


def fail() -> bytes:
    raise VideskTimeoutError


def test_the_first_caller_is_elected_and_the_others_follow_it() -> None:
    redis = Redis()
    elected, following = look_up(redis), look_up(redis)
    assert elected == Lookup(None, b"stamp", redis.leader, is_elected=True)
    assert following == Lookup(None, b"stamp", redis.leader)
    assert redis.keys[0] == "tests:hours"
    assert redis.keys[-2:] == ["tests:generation:everything", "tests:generation:user:a"]
    assert lead(redis, elected.leader, lambda: b"value") == (b"value", True)
    assert not redis.leader
    assert single_flight_of(redis).follow(following.leader, 5) == b"value"


def test_an_entry_needs_no_leader() -> None:
    lookup = look_up(Redis(stored=b"1500 stamp\n[]"))
    assert lookup.entry
    assert (lookup.entry.requested_at, lookup.entry.body) == (1.5, b"[]")
    assert (lookup.leader, lookup.is_elected) == (b"", False)


def test_a_follower_gets_the_leader_s_error() -> None:
    redis = Redis()
    leader = look_up(redis).leader
    with pytest.raises(VideskTimeoutError):
        lead(redis, leader, fail)
    with pytest.raises(VideskTimeoutError):
        single_flight_of(redis).follow(leader, 5)


def test_a_follower_of_a_dead_leader_is_elected() -> None:
    redis = Redis()
    leader = look_up(redis).leader
    with pytest.raises(LeaderDiedError):
        single_flight_of(redis).follow(b"another", 5)
    assert look_up(redis, b"another").leader == leader
    assert look_up(redis, leader).is_elected


def test_a_refresh_that_failed_sets_a_pause() -> None:
    redis = Redis()
    for fetch, is_refresh in [(lambda: b"value", True), (fail, True), (fail, False)]:
        try:
            lead(redis, look_up(redis).leader, fetch, is_refresh=is_refresh)
        except VideskTimeoutError:
            assert fetch is fail
    assert redis.pauses == [0, 1, 0]


def test_in_an_outage_it_raises_before_the_fetch() -> None:
    with pytest.raises(RedisUnavailableError):
        look_up(unavailable_redis())
    with pytest.raises(RedisUnavailableError):
        single_flight_of(unavailable_redis()).follow(b"leader", 5)


def test_an_outage_during_the_fetch_does_not_affect_the_result() -> None:
    redis: Any = Redis()
    leader = look_up(redis).leader

    def fetch() -> bytes:
        redis.call = unavailable_redis().call
        return b"value"

    assert lead(redis, leader, fetch) == (b"value", False)

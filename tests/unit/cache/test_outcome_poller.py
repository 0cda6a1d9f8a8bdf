"""One MGET polls for all waits of a process. Over Redis: tests/e2e/redis/test_outcome_poller.py."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cache.outcome_poller import OutcomePoller
from cache.single_flight import SingleFlightTimeoutError
from common.resilient_redis import RedisUnavailableError
from tests.fakes import unavailable_redis


class Redis:
    """A fake ResilientRedis and client with MGET only."""

    def __init__(self, **values: bytes) -> None:
        self.values = values
        self.polls: list[list[str]] = []
        self.client = self

    def call(self, action: Callable[[], Any]) -> Any:
        return action()

    def mget(self, names: list[str]) -> list[bytes | None]:
        self.polls.append(names)
        return [self.values.get(name) for name in names]


def wait(redis: Any, number: int = 0, seconds: float = 5) -> bytes | None:
    return OutcomePoller(redis).wait_for(f"outcome{number}", f"leader{number}", seconds)


def test_the_outcome_is_returned() -> None:
    assert wait(Redis(outcome0=b"value", leader0=b"")) == b"value"
    assert wait(Redis(outcome0=b"value")) == b"value", "even if the leader has just finished"


def test_a_dead_leader_leaves_no_outcome() -> None:
    assert wait(Redis()) is None


def test_a_wait_ends_in_time() -> None:
    redis = Redis(leader0=b"")
    with pytest.raises(SingleFlightTimeoutError):
        wait(redis, seconds=0.4)
    assert 3 <= len(redis.polls) <= 14, "pauses double, up to 50 ms"


def test_in_an_outage_every_wait_ends() -> None:
    with pytest.raises(RedisUnavailableError):
        wait(unavailable_redis())


def test_waits_share_their_polls() -> None:
    redis: Any = Redis(**{f"leader{number}": b"" for number in range(20)})
    poller = OutcomePoller(redis)
    with ThreadPoolExecutor(20) as pool:
        waits = [pool.submit(poller.wait_for, f"outcome{n}", f"leader{n}", 5) for n in range(20)]
        time.sleep(0.2)
        redis.values |= {f"outcome{n}": b"%d" % n for n in range(20)}
        assert [each.result(5) for each in waits] == [b"%d" % n for n in range(20)]
    assert max(map(len, redis.polls)) == 2 * 20
    assert len(redis.polls) < 3 * 20

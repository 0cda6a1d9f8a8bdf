"""All waits in a process share one MGET at a time, over a real Redis."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from cache.outcome_poller import OutcomePoller
from cache.single_flight import SingleFlightTimeoutError
from common.resilient_redis import RedisUnavailableError, ResilientRedis
from tests.e2e.redis.two_processes import wait_until
from tests.processes import ServerProcess, redis_server

MANY = 100


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """Run a Redis for this file only."""
    with redis_server() as started:
        yield started


@pytest.fixture
def redis(server: ServerProcess) -> Redis:
    redis = Redis(port=server.port)
    redis.flushall()
    return redis


@pytest.fixture(scope="module")
def resilient_redis(server: ServerProcess) -> ResilientRedis:
    return ResilientRedis(server.redis_url, verify_tls=True)


@pytest.fixture
def poller(resilient_redis: ResilientRedis) -> OutcomePoller:
    return OutcomePoller(resilient_redis)


def mgets(redis: Redis) -> int:
    stats: dict[str, dict[str, int]] = redis.info("commandstats")
    return stats.get("cmdstat_mget", {"calls": 0})["calls"]


def polling_threads() -> int:
    return sum("_poll" in thread.name for thread in threading.enumerate())


Wait = Callable[[int], bytes | None]


@pytest.fixture
def wait(poller: OutcomePoller, redis: Redis) -> Wait:
    """Return a function that waits for the outcome of a flight with this number and a live leader."""

    def wait_for(number: int) -> bytes | None:
        redis.set(f"leader:{number}", "")
        return poller.wait_for(f"outcome:{number}", f"leader:{number}", 10)

    return wait_for


def test_many_waits_share_one_mget(poller: OutcomePoller, redis: Redis, wait: Wait) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        waits = [pool.submit(wait, number) for number in range(MANY)]
        wait_until(lambda: len(poller._waits) == MANY)
        time.sleep(0.3)
        before, started = mgets(redis), time.monotonic()
        time.sleep(1)
        polls, seconds = mgets(redis) - before, time.monotonic() - started
        assert not any(future.done() for future in waits)
        redis.mset({f"outcome:{number}": b"%d" % number for number in range(MANY)})
        assert [future.result(5) for future in waits] == [b"%d" % n for n in range(MANY)]
    assert 5 < polls <= 20 * seconds + 2, "20 polls a second for all waits together"
    wait_until(lambda: not polling_threads())
    assert not poller._waits


def test_waits_end_with_an_outcome_or_a_dead_leader(
    poller: OutcomePoller, redis: Redis, wait: Wait
) -> None:
    with ThreadPoolExecutor(3) as pool:
        done, dead, lasting = (pool.submit(wait, number) for number in range(3))
        wait_until(lambda: len(poller._waits) == 3)
        redis.set("outcome:0", b"done")
        redis.delete("leader:1")
        assert (done.result(5), dead.result(5)) == (b"done", None)
        assert not lasting.done()
        with redis.pipeline() as pipe:
            pipe.set("outcome:2", b"its end")
            pipe.delete("leader:2")
            pipe.execute()
        assert lasting.result(5) == b"its end", "an outcome counts even if its leader has ended"


def test_one_follower_times_out_and_the_others_stay(
    poller: OutcomePoller, redis: Redis, wait: Wait
) -> None:
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(wait, 1)
        redis.set("leader:2", "")
        for seconds in (0.2, 0, -1):
            started = time.monotonic()
            with pytest.raises(SingleFlightTimeoutError):
                poller.wait_for("outcome:2", "leader:2", seconds)
            assert seconds - 0.01 < time.monotonic() - started < 2
        redis.set("outcome:1", b"1")
        assert other.result(5) == b"1"


def test_a_failed_poll_raises_in_all_waiters_and_the_next_wait_polls_again(
    poller: OutcomePoller, redis: Redis, wait: Wait, resilient_redis: ResilientRedis
) -> None:
    with ThreadPoolExecutor(5) as pool:
        waits = [pool.submit(wait, number) for number in range(5)]
        wait_until(lambda: len(poller._waits) == 5)
        resilient_redis._mark_unavailable("a test")
        assert {type(future.exception(5)) for future in waits} == {RedisUnavailableError}
    wait_until(lambda: not resilient_redis.unavailable)
    redis.set("outcome:7", b"7")
    assert wait(7) == b"7"


def test_a_new_wait_among_older_ones_is_polled_immediately(
    resilient_redis: ResilientRedis, redis: Redis, wait: Wait
) -> None:
    polled_keys: list[list[str]] = []
    mget = resilient_redis.client.mget
    with ThreadPoolExecutor(2) as pool, pytest.MonkeyPatch.context() as patch:
        old = pool.submit(wait, 1)
        time.sleep(0.3)  # now it is polled every 50 ms

        def recorded_mget(names: list[str]) -> object:
            polled_keys.append(list(names))
            return mget(names)

        patch.setattr(resilient_redis.client, "mget", recorded_mget)
        new = pool.submit(wait, 2)
        time.sleep(0.3)
        redis.mset({"outcome:1": b"1", "outcome:2": b"2"})
        assert (old.result(5), new.result(5)) == (b"1", b"2")
    polls_of_new_wait = [names for names in polled_keys if names == ["outcome:2", "leader:2"]]
    assert len(polls_of_new_wait) >= 3, "polled immediately, after 3 ms and after 6 ms"
    assert all(len(names) in (2, 4) for names in polled_keys)

"""One fetch for all processes, tested with two of them as threads over a real Redis."""

import time
from concurrent.futures import ThreadPoolExecutor

import gevent
import pytest
from redis import Redis

from cache.outcome_poller import POLL_SECONDS
from cache.shared_single_flight import LEASE_MILLISECONDS
from cache.single_flight import SingleFlightTimeoutError
from cache.store import ALL_ENTRIES, NEW_TOKEN_SECONDS, TOKEN_SECONDS, Entry, redis_store
from tests.e2e.redis.two_processes import GROUPS, Process, key, processes, redis_clients
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

__all__ = ["key", "processes", "redis_clients"]
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


def test_one_fetch_serves_both_processes(processes: tuple[Process, Process], key: str) -> None:
    a, b = processes
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(a.read, key)
        assert a.begun.wait(5)
        follower = pool.submit(b.read, key)
        time.sleep(0.1)
        a.may_end.set()
        assert leader.result(5) == (b"value", False)
        assert follower.result(5) == (b"value", True)
    assert (a.calls, b.calls) == (1, 0)


def test_different_keys_do_not_share_a_fetch(processes: tuple[Process, Process], key: str) -> None:
    a, b = processes
    b.may_end.set()
    assert a.look_up(key).is_elected
    assert b.read(key + "x") == (b"value", False)


@pytest.mark.parametrize("group", [ALL_ENTRIES, *GROUPS])
def test_a_read_after_a_write_does_not_follow_a_fetch_from_before_it(
    processes: tuple[Process, Process], redis: Redis, key: str, group: str
) -> None:
    a, b = processes
    b.may_end.set()
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(a.read, key, lambda: a.fetch(b"old"))
        assert a.begun.wait(5)
        follower = pool.submit(b.read, key)
        time.sleep(0.1)
        redis_store(redis, "tests:").invalidate([group])
        assert b.read(key) == (b"value", False)
        assert not follower.done()
        a.may_end.set()
        assert leader.result(5) == (b"old", False)
        assert follower.result(5) == (b"old", True), "it began before the write"
    assert b.calls == 1


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_followers_get_the_leader_s_error(
    processes: tuple[Process, Process], key: str, error: VideskError
) -> None:
    a, b = processes
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(a.read, key, lambda: a.fetch(error))
        assert a.begun.wait(5)
        follower = pool.submit(b.read, key)
        time.sleep(0.05)
        a.may_end.set()
        assert leader.exception(5) is error
        raised = follower.exception(5)
    assert type(raised) is type(error)
    assert vars(raised) == vars(error)
    assert b.calls == 0
    b.may_end.set()
    assert b.read(key) == (b"value", False), "the error is not cached"


def test_every_videsk_error_is_in_errors() -> None:
    def kinds(of: type[VideskError]) -> set[type[VideskError]]:
        return {of, *(kind for child in of.__subclasses__() for kind in kinds(child))}

    assert {type(e) for e in ERRORS} == kinds(VideskError) - {VideskError, VideskFailedError}


def test_an_unexpected_exception_reaches_followers_without_its_text() -> None:
    data = VideskErrors.dumps(ValueError("the key, perhaps"))
    assert b"key" not in data
    assert type(VideskErrors.loads(data)) is VideskBrokenError


def test_a_dead_leader_is_replaced(
    processes: tuple[Process, Process], redis: Redis, key: str
) -> None:
    dead = processes[0].look_up(key).leader.decode()
    for process in processes:
        process.may_end.set()
    for name in (f"tests:flight:{key}", f"tests:leader:{dead}"):
        redis.pexpire(name, 300)
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        reads = [pool.submit(process.read, key) for process in processes]
        assert [read.result(5)[0] for read in reads] == [b"value"] * 2
    assert 0.25 < time.monotonic() - started < 2


def test_a_leader_whose_second_key_was_evicted_is_replaced_at_once(
    processes: tuple[Process, Process], redis: Redis, key: str
) -> None:
    a, b = processes
    b.may_end.set()
    leader = a.look_up(key).leader
    redis.delete(f"tests:leader:{leader.decode()}")
    started = time.monotonic()
    assert b.read(key) == (b"value", False)
    assert time.monotonic() - started < 1


def test_a_live_leader_keeps_its_lease_and_a_dead_one_blocks_for_at_most_5_s(
    processes: tuple[Process, Process], redis: Redis, key: str
) -> None:
    """Whenever it dies, the rest of its lease's TTL plus the longest poll interval is below 5 s."""
    a, _ = processes
    lookup = a.look_up(key)
    left: list[int] = []

    def fetch() -> bytes:
        while len(left) < 60:
            left.append(redis.pttl(f"tests:flight:{key}"))
            left.append(redis.pttl(f"tests:leader:{lookup.leader.decode()}"))
            gevent.sleep(0.1)
        return b"value"

    a.lead(key, lookup, fetch)
    assert max(left) + 1000 * POLL_SECONDS[1] < 5000
    assert min(left) > 2500, "it is renewed long before it expires"
    assert {name.split(b":")[1] for name in redis.scan_iter("tests:*")} == {
        b"generation", b"outcome", key.encode(),
    }, "the lease is released"  # fmt: skip


def test_a_follower_times_out(processes: tuple[Process, Process], key: str) -> None:
    a, b = processes
    a.look_up(key)
    with pytest.raises(SingleFlightTimeoutError):
        b.read(key, seconds=0.1)
    assert b.calls == 0


def test_a_leader_that_finishes_late_does_not_release_the_next_leader_s_lease(
    processes: tuple[Process, Process], redis: Redis, key: str
) -> None:
    a, b = processes
    lease = f"tests:flight:{key}"
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(a.read, key, lambda: a.fetch(b"late"))
        assert a.begun.wait(5)
        redis.delete(lease)  # as if it had expired
        following = pool.submit(b.read, key)
        assert b.begun.wait(5)
        owner = redis.get(lease)
        assert owner
        a.may_end.set()
        assert late.result(5) == (b"late", False)
        assert redis.get(lease) == owner
        b.may_end.set()
        assert following.result(5) == (b"value", False)
    assert redis.get(lease) is None


def test_an_entry_is_found_unless_it_is_too_old_or_was_invalidated(
    processes: tuple[Process, Process], redis: Redis, key: str
) -> None:
    a, _ = processes
    find = a.single_flight.look_up
    lookup = find(key, GROUPS, 1000.0)
    entry = Entry(1000.5, lookup.stamp, b"[1]")
    a.lead(key, lookup, entry.to_bytes)
    for is_refresh in (False, True):
        assert find(key, GROUPS, 1000.0, is_refresh=is_refresh) == (entry, lookup.stamp, b"", False)
    assert find(key, GROUPS, 1000.5).is_elected
    redis_store(redis, "tests:").invalidate(GROUPS)
    assert find(key, GROUPS, 1000.0).is_elected


@pytest.mark.parametrize("stored", [b"", b"no entry", b"1 \n[]", b"9" * 400 + b" %b\n[]"])
def test_an_entry_that_cannot_be_read_is_fetched(
    processes: tuple[Process, Process], redis: Redis, key: str, stored: bytes
) -> None:
    a, _ = processes
    stamp = a.look_up("other").stamp
    redis.set(f"tests:{key}", stored.replace(b"%b", stamp))
    lookup = a.single_flight.look_up(key, GROUPS, 0.0)
    assert lookup.stamp == stamp
    assert lookup.is_elected


def test_the_leader_s_narrowest_token_outlives_its_fetch(
    processes: tuple[Process, Process], redis: Redis, key: str
) -> None:
    a, _ = processes
    narrow, wide = (f"tests:generation:{group}" for group in (*GROUPS, ALL_ENTRIES))
    a.look_up(key)
    assert NEW_TOKEN_SECONDS - 2 < redis.ttl(narrow) <= NEW_TOKEN_SECONDS
    assert TOKEN_SECONDS - 2 < redis.ttl(wide) <= TOKEN_SECONDS
    redis.expire(narrow, 5)
    redis.expire(wide, 5)
    a.look_up(key)
    assert redis.ttl(narrow) <= 5, "only a leader extends it"
    a.look_up("another key")
    assert redis.ttl(narrow) > NEW_TOKEN_SECONDS - 2
    assert redis.ttl(wide) <= 5
    assert redis.pttl(f"tests:flight:{key}") <= LEASE_MILLISECONDS

"""RedisStore with a real Redis: runs the tests of tests/unit/idempotency/test_store.py, and more."""

import pytest
from redis import Redis

from common.resilient_redis import RedisUnavailableError, ResilientRedis
from idempotency.store import UNREADABLE, RedisStore
from tests.processes import ServerProcess, free_port, local_redis_url
from tests.unit.idempotency.test_store import (  # noqa: F401 - pytest runs these with `records` of this file
    DAY,
    finished_record,
    new_record,
    test_a_record_kept_for_0_seconds_is_removed_but_has_an_outcome,
    test_a_token_removes_only_the_record_that_it_is_linked_to,
    test_an_outcome_is_stored_even_if_its_record_was_lost,
    test_finishing_replaces_the_record_and_publishes_the_outcome,
    test_the_first_record_is_stored_and_returned_to_all_others,
)

PREFIX = "tests:"


@pytest.fixture(scope="module")
def resilient_redis(redis_process: ServerProcess) -> ResilientRedis:
    return ResilientRedis(redis_process.redis_url, verify_tls=True)


@pytest.fixture
def redis_store(resilient_redis: ResilientRedis, redis: Redis) -> RedisStore:
    return RedisStore(resilient_redis, PREFIX)


@pytest.fixture
def records(redis_store: RedisStore) -> RedisStore:
    return redis_store


def test_an_owner_can_store_its_own_record_again(
    redis_store: RedisStore,
) -> None:
    """Redis stored it, the connection broke before the response, and the owner retries."""
    first = new_record()
    assert redis_store.begin("a", first, 60) is None
    assert redis_store.begin("a", first, 60) is None
    redis_store.end("a", finished_record(first), DAY, finished_record(first))
    assert redis_store.begin("a", first, 60) is None, "a finished record does not change"
    assert redis_store.begin("a", new_record(), 60) == finished_record(first)


def test_an_outcome_from_another_owner_replaces_nothing(redis_store: RedisStore) -> None:
    first, second = new_record(), new_record()
    redis_store.begin("a", first, 60)
    for keep_seconds in (DAY, 0):
        redis_store.end("a", finished_record(second), keep_seconds, finished_record(second))
        assert redis_store.begin("a", new_record(), 60) == first
        assert redis_store.outcome(second.owner)[0] == finished_record(second)


def test_an_owner_holds_a_renewable_lease_until_it_finishes(
    redis_store: RedisStore, redis: Redis
) -> None:
    first = new_record()
    assert redis_store.outcome(first.owner) == (None, False)
    redis_store.begin("a", first, 60)
    assert redis_store.outcome(first.owner) == (None, True)
    lease = f"{PREFIX}once:lease:{first.owner}"
    assert 3000 < redis.pttl(lease) <= 5000, (
        "docs/guarantees.md#g2: a dead caller blocks others for at most 5 s"
    )
    redis.delete(lease)
    assert redis_store.outcome(first.owner) == (None, False)
    redis_store.renew(first.owner)
    assert redis_store.outcome(first.owner) == (None, True)
    assert 3000 < redis.pttl(lease) <= 5000
    redis_store.end("a", finished_record(first), 60, finished_record(first))
    assert redis_store.outcome(first.owner) == (finished_record(first), False)


def test_every_key_has_a_ttl(redis_store: RedisStore, redis: Redis) -> None:
    first = new_record()
    redis_store.begin("a", first, 60)
    assert 58 < redis.ttl(f"{PREFIX}once:a") <= 60
    redis_store.end("a", finished_record(first), DAY, finished_record(first))
    redis_store.link_token("a-token", "a", 10)
    assert DAY - 2 < redis.ttl(f"{PREFIX}once:a") <= DAY
    assert 28 < redis.ttl(f"{PREFIX}once:outcome:{first.owner}") <= 30
    assert 8 < redis.ttl(f"{PREFIX}once:token:a-token") <= 10
    assert len(redis.keys("tests:*")) == 3


def test_a_client_passed_by_the_caller_is_used_while_redis_is_unavailable(
    redis_store: RedisStore, redis: Redis
) -> None:
    """Reconnect actions pass such a client, before the proxy uses Redis again."""
    unavailable = RedisStore(ResilientRedis(local_redis_url(free_port()), verify_tls=True), PREFIX)
    first = new_record()
    assert unavailable.begin("a", first, 60, redis) is None
    unavailable.end("b", finished_record(first), 60, finished_record(first), redis)
    assert redis_store.begin("a", new_record(), 60) == first
    assert redis_store.begin("b", new_record(), 60) == finished_record(first)
    with pytest.raises(RedisUnavailableError):
        unavailable.begin("a", first, 60)
    assert unavailable.is_unavailable


def test_the_store_is_unavailable_when_redis_is(
    redis_store: RedisStore, resilient_redis: ResilientRedis
) -> None:
    assert redis_store.is_unavailable is resilient_redis.unavailable is False


def test_an_unreadable_record_is_in_doubt_and_not_booked_again(
    redis_store: RedisStore, redis: Redis
) -> None:
    for stored in (b"", b"x", b"0 owner of an older release"):
        redis.set(f"{PREFIX}once:a", stored)
        assert redis_store.begin("a", new_record(), 60) == UNREADABLE

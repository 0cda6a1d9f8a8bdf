"""RedisStore with a real Redis: runs the tests of tests/unit/idempotency/test_store.py, and more."""

import pytest
from redis import Redis

from common.resilient_redis import RedisUnavailableError, ResilientRedis
from idempotency.store import UNREADABLE, RedisStore
from tests.processes import ServerProcess, free_port, local_redis_url
from tests.unit.idempotency.test_store import (  # noqa: F401 - pytest runs these with `kept` of this file
    DAY,
    answered,
    started,
    test_a_token_ends_the_record_that_it_is_linked_to_and_no_other,
    test_an_ending_replaces_the_record_and_publishes_the_outcome,
    test_an_ending_whose_record_is_lost_is_stored_all_the_same,
    test_the_first_record_is_stored_and_returned_to_all_others,
    test_what_is_kept_for_0_seconds_leaves_the_name_free_and_still_has_an_outcome,
)

PREFIX = "tests:"


@pytest.fixture(scope="module")
def resilient_redis(redis_process: ServerProcess) -> ResilientRedis:
    return ResilientRedis(redis_process.redis_url, verify_tls=True)


@pytest.fixture
def in_redis(resilient_redis: ResilientRedis, redis: Redis) -> RedisStore:
    return RedisStore(resilient_redis, PREFIX)


@pytest.fixture
def kept(in_redis: RedisStore) -> RedisStore:
    return in_redis


def test_an_owner_can_store_its_own_record_again(
    in_redis: RedisStore,
) -> None:
    """Redis stored it, the connection broke before the response, and the owner retries."""
    first = started()
    assert in_redis.begin("a", first, 60) is None
    assert in_redis.begin("a", first, 60) is None
    in_redis.end("a", answered(first), DAY, answered(first))
    assert in_redis.begin("a", first, 60) is None, "a finished record does not change"
    assert in_redis.begin("a", started(), 60) == answered(first)


def test_an_outcome_from_another_owner_replaces_nothing(in_redis: RedisStore) -> None:
    first, second = started(), started()
    in_redis.begin("a", first, 60)
    for keep_seconds in (DAY, 0):
        in_redis.end("a", answered(second), keep_seconds, answered(second))
        assert in_redis.begin("a", started(), 60) == first
        assert in_redis.outcome(second.owner)[0] == answered(second)


def test_an_owner_holds_a_renewable_lease_until_it_finishes(
    in_redis: RedisStore, redis: Redis
) -> None:
    first = started()
    assert in_redis.outcome(first.owner) == (None, False)
    in_redis.begin("a", first, 60)
    assert in_redis.outcome(first.owner) == (None, True)
    lease = f"{PREFIX}once:lease:{first.owner}"
    assert 3000 < redis.pttl(lease) <= 5000, (
        "docs/guarantees.md#g2: a dead caller blocks others for at most 5 s"
    )
    redis.delete(lease)
    assert in_redis.outcome(first.owner) == (None, False)
    in_redis.renew(first.owner)
    assert in_redis.outcome(first.owner) == (None, True)
    assert 3000 < redis.pttl(lease) <= 5000
    in_redis.end("a", answered(first), 60, answered(first))
    assert in_redis.outcome(first.owner) == (answered(first), False)


def test_every_key_has_a_ttl(in_redis: RedisStore, redis: Redis) -> None:
    first = started()
    in_redis.begin("a", first, 60)
    assert 58 < redis.ttl(f"{PREFIX}once:a") <= 60
    in_redis.end("a", answered(first), DAY, answered(first))
    in_redis.link_token("a-token", "a", 10)
    assert DAY - 2 < redis.ttl(f"{PREFIX}once:a") <= DAY
    assert 28 < redis.ttl(f"{PREFIX}once:outcome:{first.owner}") <= 30
    assert 8 < redis.ttl(f"{PREFIX}once:token:a-token") <= 10
    assert len(redis.keys("tests:*")) == 3


def test_a_client_passed_by_the_caller_is_used_while_redis_is_unavailable(
    in_redis: RedisStore, redis: Redis
) -> None:
    """Reconnect actions pass such a client, before the proxy uses Redis again."""
    unavailable = RedisStore(ResilientRedis(local_redis_url(free_port()), verify_tls=True), PREFIX)
    first = started()
    assert unavailable.begin("a", first, 60, redis) is None
    unavailable.end("b", answered(first), 60, answered(first), redis)
    assert in_redis.begin("a", started(), 60) == first
    assert in_redis.begin("b", started(), 60) == answered(first)
    with pytest.raises(RedisUnavailableError):
        unavailable.begin("a", first, 60)
    assert unavailable.is_unavailable


def test_the_store_is_unavailable_when_redis_is(
    in_redis: RedisStore, resilient_redis: ResilientRedis
) -> None:
    assert in_redis.is_unavailable is resilient_redis.unavailable is False


def test_an_unreadable_record_is_in_doubt_and_not_booked_again(
    in_redis: RedisStore, redis: Redis
) -> None:
    for stored in (b"", b"x", b"0 owner of an older release"):
        redis.set(f"{PREFIX}once:a", stored)
        assert in_redis.begin("a", started(), 60) == UNREADABLE

"""Which server is the primary. With a real Redis: tests/e2e/redis/test_sentinel.py, test_cluster.py."""

from typing import Any

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import RedisError

from common.redis_primary import (
    Address,
    ClusterPrimary,
    NoPrimaryError,
    PrimaryConnection,
    SentinelPrimary,
    UnknownServiceError,
)

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


class Sentinel:
    """A Sentinel that returns this address, or None if there is no such primary."""

    def __init__(self, names: Address | Exception | None) -> None:
        self.names = names
        self.calls = 0

    def sentinel_get_master_addr_by_name(self, service: str, **_: Any) -> tuple[bytes, int] | None:
        assert service == "service"
        self.calls += 1
        if isinstance(self.names, Exception):
            raise self.names
        return (self.names[0].encode(), self.names[1]) if self.names else None


def primary(*sentinels: Sentinel) -> SentinelPrimary:
    remaining: list[Any] = list(sentinels)
    return SentinelPrimary(remaining, "service")


UNREACHABLE = RedisConnectionError("refused")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((OLD,), OLD),
        ((OLD, NEW, NEW), NEW),
        ((NEW, OLD, NEW), NEW),
        ((UNREACHABLE, NEW, NEW), NEW),
        ((OSError(), NEW, OLD, NEW, NEW), NEW),
    ],
)
def test_the_primary_is_the_one_that_a_majority_returns(
    names: tuple[Any, ...], found: Address
) -> None:
    redis_primary = primary(*map(Sentinel, names))
    redis_primary.find()
    assert redis_primary.address == found


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ((OLD, NEW), NoPrimaryError),
        ((OLD, NEW, UNREACHABLE), RedisConnectionError),
        ((OLD, UNREACHABLE, UNREACHABLE), RedisConnectionError),
        ((OLD, None), NoPrimaryError),
        ((None, None, OLD), UnknownServiceError),
    ],
)
def test_without_a_majority_there_is_no_primary(
    names: tuple[Any, ...], error: type[RedisError]
) -> None:
    redis_primary = primary(*map(Sentinel, names))
    redis_primary.address = OLD
    with pytest.raises(error):
        redis_primary.find()
    assert redis_primary.address is None


def test_a_sentinel_that_fails_is_queried_last_afterwards() -> None:
    away, *others = sentinels = [Sentinel(UNREACHABLE), Sentinel(OLD), Sentinel(OLD)]
    redis_primary = primary(*sentinels)
    for _ in range(3):
        redis_primary.find()
    assert (away.calls, [each.calls for each in others]) == (1, [3, 3])


def test_a_cluster_is_not_queried_while_the_primary_is_known() -> None:
    redis_primary = ClusterPrimary([{"host": "127.0.0.1", "port": 1}])
    redis_primary.address = OLD
    redis_primary.find()
    redis_primary.address = None
    with pytest.raises(RedisConnectionError):
        redis_primary.find()


def test_a_connection_needs_a_known_primary() -> None:
    with pytest.raises(RedisConnectionError, match="not known"):
        PrimaryConnection(primary=primary())._connect()

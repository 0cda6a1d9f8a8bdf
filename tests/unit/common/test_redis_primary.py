"""Which server counts as the primary. Over Redis: tests/e2e/redis/test_sentinel.py, test_cluster.py."""

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
    """A Sentinel that names this address; None: no such primary."""

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
    given: list[Any] = list(sentinels)
    return SentinelPrimary(given, "service")


AWAY = RedisConnectionError("refused")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((OLD,), OLD),
        ((OLD, NEW, NEW), NEW),
        ((NEW, OLD, NEW), NEW),
        ((AWAY, NEW, NEW), NEW),
        ((OSError(), NEW, OLD, NEW, NEW), NEW),
    ],
)
def test_the_primary_is_what_a_majority_names(names: tuple[Any, ...], found: Address) -> None:
    it = primary(*map(Sentinel, names))
    it.find()
    assert it.address == found


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ((OLD, NEW), NoPrimaryError),
        ((OLD, NEW, AWAY), RedisConnectionError),
        ((OLD, AWAY, AWAY), RedisConnectionError),
        ((OLD, None), NoPrimaryError),
        ((None, None, OLD), UnknownServiceError),
    ],
)
def test_without_a_majority_there_is_no_primary(
    names: tuple[Any, ...], error: type[RedisError]
) -> None:
    it = primary(*map(Sentinel, names))
    it.address = OLD
    with pytest.raises(error):
        it.find()
    assert it.address is None


def test_a_sentinel_that_fails_is_the_last_from_then_on() -> None:
    away, *others = sentinels = [Sentinel(AWAY), Sentinel(OLD), Sentinel(OLD)]
    it = primary(*sentinels)
    for _ in range(3):
        it.find()
    assert (away.calls, [each.calls for each in others]) == (1, [3, 3])


def test_a_cluster_is_not_queried_while_the_primary_is_known() -> None:
    it = ClusterPrimary([{"host": "127.0.0.1", "port": 1}])
    it.address = OLD
    it.find()
    it.address = None
    with pytest.raises(RedisConnectionError):
        it.find()


def test_a_connection_needs_a_known_primary() -> None:
    with pytest.raises(RedisConnectionError, match="not known"):
        PrimaryConnection(primary=primary())._connect()

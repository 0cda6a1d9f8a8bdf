"""If there is a replica, it has the record of a booking before the booking is sent to Videsk."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from redis import Redis

from common.resilient_redis import ResilientRedis
from idempotency.attempt import KEEP_SECONDS
from idempotency.store import REPLICATION_MILLISECONDS, Record, RedisStore, new_owner
from tests.e2e.fleet import timed, wait_until
from tests.e2e.redis.topologies import has_synchronized
from tests.forwarder import Forwarder
from tests.processes import ServerProcess, redis_server
from tests.timing import TIMING

pytestmark = TIMING

DELAY_SECONDS = 0.02


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[ServerProcess, ServerProcess, Forwarder]]:
    """Start a primary, its replica, and a Forwarder between them."""
    options = ("--repl-diskless-sync-delay", "0", "--dir", str(tmp_path_factory.mktemp("redis")))
    with redis_server(None, *options) as primary, closing(Forwarder(primary.port)) as forwarder:
        follows = ("--replicaof", f"127.0.0.1 {forwarder.port}")
        with redis_server(None, *options, *follows) as replica:
            wait_until(lambda: has_synchronized([replica]))
            yield primary, replica, forwarder


def begin(store: RedisStore, name: str) -> Record | None:
    return store.begin(name, Record("fingerprint", new_owner()), KEEP_SECONDS)


def store_in(url: str) -> RedisStore:
    resilient_redis = ResilientRedis(url, verify_tls=True)
    wait_until(lambda: resilient_redis.has_replica)
    return RedisStore(resilient_redis, "tests:")


def test_a_record_is_on_a_replica_before_the_booking_is_sent(
    pair: tuple[ServerProcess, ServerProcess, Forwarder],
) -> None:
    primary, replica, forwarder = pair
    store = store_in(primary.redis_url)
    forwarder.delay = DELAY_SECONDS
    for name in [new_owner() for _ in range(3)]:
        assert begin(store, name) is None
        assert Redis(port=replica.port).exists(f"tests:once:{name}")
    assert begin(store, name) is not None, "the record of another request is returned as usual"


def test_a_slow_replica_delays_a_booking_by_at_most_50_ms(
    pair: tuple[ServerProcess, ServerProcess, Forwarder],
) -> None:
    primary, _, forwarder = pair
    store = store_in(primary.redis_url)
    forwarder.delay = 0.5
    existing, seconds = timed(lambda: begin(store, new_owner()))
    assert existing is None
    assert 0.9 * REPLICATION_MILLISECONDS / 1000 <= seconds < 0.3, (
        "much less than the replica's delay"
    )
    forwarder.delay = 0


def test_a_user_without_permission_for_wait_can_book(
    pair: tuple[ServerProcess, ServerProcess, Forwarder],
) -> None:
    primary, _, forwarder = pair
    forwarder.delay = 0
    commands = ["+@all", "-wait"]
    Redis(port=primary.port).acl_setuser(
        "app", enabled=True, passwords="+pass", keys="*", commands=commands
    )
    store = store_in(primary.redis_url.replace("//", "//app:pass@"))
    assert begin(store, "without") is None
    assert not store.is_unavailable

"""The store with a real Redis: runs the tests of tests/unit/cache/test_store.py, and counts commands."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from cache.store import Entry, redis_store
from tests.processes import redis_server
from tests.unit.cache.test_near_cache_and_store import MANY_GROUPS
from tests.unit.cache.test_store import (  # noqa: F401 - pytest runs these with `access` of this file
    GROUPS,
    PREFIX,
    StoreAccess,
    put_entry,
    test_a_lost_token_never_restores_an_old_entry,
    test_a_new_narrow_token_expires_in_a_minute_unless_an_entry_is_stored,
    test_a_new_narrow_token_outlives_a_fetch_that_was_prepared,
    test_a_replaced_token_lives_two_days_after_any_lookup,
    test_an_entry_is_found_after_it_is_put,
    test_an_entry_is_found_although_other_groups_were_invalidated,
    test_an_entry_is_kept_for_its_ttl,
    test_an_entry_is_not_found_after_any_of_its_groups_was_invalidated,
    test_an_entry_without_groups_belongs_to_all_entries,
    test_an_expired_token_does_not_come_back,
    test_the_token_of_all_entries_is_not_a_narrow_one,
    test_two_processes_without_a_version_agree_on_one,
    test_unreadable_bytes_are_not_an_entry,
)


@pytest.fixture
def access(redis: Redis) -> StoreAccess:
    return StoreAccess(
        redis_store(redis, PREFIX),
        lambda key, value: redis.set(PREFIX + key, value),
        lambda key: redis.delete(PREFIX + key),
        lambda key: redis.ttl(PREFIX + key),
        lambda: redis_store(redis, PREFIX),
    )


@pytest.fixture
def own_redis() -> Iterator[Redis]:
    """Run a Redis that receives no health checks of a proxy."""
    with redis_server() as server:
        yield Redis(port=server.port)


def count_commands(redis: Redis, action: Callable[[], object]) -> dict[str, int]:
    redis.config_resetstat()
    action()
    stats: dict[str, dict[str, int]] = redis.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    return {name: number for name, number in calls.items() if "|" not in name and name != "info"}


@pytest.mark.parametrize("stored", [0, 10, 5000])
def test_invalidation_costs_the_same_however_much_is_stored(own_redis: Redis, stored: int) -> None:
    redis = own_redis
    store = redis_store(redis, PREFIX)
    _, stamp = store.lookup("k0", GROUPS)
    entry = Entry(1.0, stamp, b"[]").to_bytes()
    redis.mset({f"{PREFIX}k{number}": entry for number in range(stored)} | {"k": b""})
    found = store.lookup("k0", GROUPS)[0]
    assert bool(found) == bool(stored)
    assert count_commands(redis, lambda: store.invalidate(["service:a", "user:b"])) == {"set": 3}
    missed = count_commands(redis, lambda: store.lookup("k0", GROUPS))
    assert missed == {"eval": 1, "mget": 1}
    assert store.lookup("k0", GROUPS)[0] is None


def test_a_lookup_is_one_round_trip_and_every_key_has_a_ttl(own_redis: Redis) -> None:
    redis = own_redis
    store = redis_store(redis, PREFIX)
    first = count_commands(redis, lambda: store.lookup("k", GROUPS))
    assert first == {"eval": 1, "mget": 1, "set": len(GROUPS) + 1}
    put_entry(store, "k", GROUPS)
    assert count_commands(redis, lambda: store.lookup("k", GROUPS)) == {"eval": 1, "mget": 1}
    store.invalidate(GROUPS)
    assert len(redis.keys()) == 5
    assert all(0 < redis.ttl(key) <= 2 * 86400 for key in redis.scan_iter())


def test_the_version_token_is_written_after_the_tokens_of_all_groups(own_redis: Redis) -> None:
    monitored: Any = own_redis
    with monitored.monitor() as monitor:
        redis_store(own_redis, PREFIX).invalidate(MANY_GROUPS)
        written: list[str] = []
        while f"{PREFIX}generation:changes" not in written:
            words = monitor.next_command()["command"].split()
            if words[0].upper() == "SET":
                written.append(words[1])
    assert sorted(written[:-1]) == [f"{PREFIX}generation:{group}" for group in MANY_GROUPS]

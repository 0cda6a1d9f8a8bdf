"""An invalidation that finds Redis unavailable, in the moment in which it becomes available again."""

from collections.abc import Callable
from typing import TypeVar

from redis import Redis

from cache.freshness import FreshnessPolicy
from cache.near_cache import NearCache
from cache.read_through import CacheRequest, ReadThroughCache, SharedCache
from cache.shared_single_flight import SharedSingleFlight
from cache.store import process_store, redis_store
from common.resilient_redis import RedisUnavailableError, ResilientRedis
from tests.fakes import NoInstrumentation
from tests.processes import ServerProcess
from videsk.errors import VideskErrors

T = TypeVar("T")
WINDOW = FreshnessPolicy(60, 0)


class LateLink(ResilientRedis):
    """Raises RedisUnavailableError once although Redis is available right after that."""

    is_late = False

    def call(self, action: Callable[[], T]) -> T:
        if self.is_late:
            self.is_late = False
            raise RedisUnavailableError
        return super().call(action)


def test_it_reaches_redis_too(redis: Redis, redis_process: ServerProcess) -> None:
    link = LateLink(redis_process.redis_url, verify_tls=True)
    shared = SharedCache(
        link, redis_store(link.client, "t:"), SharedSingleFlight(link, "t:", VideskErrors())
    )
    local = process_store()
    reader = ReadThroughCache(shared, local, NearCache(local.current_version), NoInstrumentation())
    bodies = [b'"before"', b'"after"']

    def read() -> bytes:
        return reader.read(CacheRequest("k", ("group",), WINDOW, lambda _: bodies.pop(0)), 5).body

    assert read() == read() == b'"before"'
    link.is_late = True
    reader.invalidate(["group"])
    assert not link.is_late, "the first attempt has found Redis unavailable"
    assert read() == b'"after"'

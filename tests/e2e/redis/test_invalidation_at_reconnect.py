"""An invalidation that fails just before Redis becomes available again."""

from collections.abc import Callable
from typing import TypeVar

from redis import Redis

from cache.freshness import FreshnessPolicy
from cache.near_cache import NearCache
from cache.read_through import ReadThroughCache
from cache.shared_single_flight import SharedSingleFlight
from cache.store import process_store, redis_store
from cache.tiers import CacheRequest, SharedCache
from common.resilient_redis import RedisUnavailableError, ResilientRedis
from tests.fakes import NoInstrumentation
from tests.processes import ServerProcess
from videsk.errors import VideskErrors

T = TypeVar("T")
WINDOW = FreshnessPolicy(60, 0)


class LateRedis(ResilientRedis):
    """Raises RedisUnavailableError once. Redis is available immediately afterwards."""

    is_late = False

    def call(self, action: Callable[[], T]) -> T:
        if self.is_late:
            self.is_late = False
            raise RedisUnavailableError
        return super().call(action)


def test_an_invalidation_during_a_reconnect_reaches_redis(
    redis: Redis, redis_process: ServerProcess
) -> None:
    resilient_redis = LateRedis(redis_process.redis_url, verify_tls=True)
    shared = SharedCache(
        resilient_redis,
        redis_store(resilient_redis.client, "t:"),
        SharedSingleFlight(resilient_redis, "t:", VideskErrors()),
    )
    local = process_store()
    reader = ReadThroughCache(shared, local, NearCache(local.current_version), NoInstrumentation())
    bodies = [b'"before"', b'"after"']

    def read() -> bytes:
        return reader.read(CacheRequest("k", ("group",), WINDOW, lambda _: bodies.pop(0)), 5).body

    assert read() == read() == b'"before"'
    resilient_redis.is_late = True
    reader.invalidate(["group"])
    assert not resilient_redis.is_late, "the first attempt failed"
    assert read() == b'"after"'

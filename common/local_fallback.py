"""Fallback while Redis is unavailable: run an action's equivalent in this process."""

from collections.abc import Callable
from typing import TypeVar

from redis import Redis

from common.resilient_redis import RedisUnavailableError, ResilientRedis

T = TypeVar("T")


class LocalFallback:
    """Runs an action on Redis, or falls back to its equivalent in this process.

    `on_outage` is called before the first local action of each outage: local state from an earlier
    outage is stale. `redis` is None if REDIS_URL is not set.
    """

    def __init__(
        self, redis: ResilientRedis | None, on_outage: Callable[[], None] = lambda: None
    ) -> None:
        self._redis = redis
        self._on_outage = on_outage
        self._outages = 0

    def run(self, remote: Callable[[Redis], T], local: Callable[[], T]) -> T:
        """Return what `remote` returns, given redis-py's client, or else what `local` returns."""
        return self.run_calls(lambda redis: redis.call(lambda: remote(redis.client)), local)

    def run_calls(self, remote: Callable[[ResilientRedis], T], local: Callable[[], T]) -> T:
        """Do the same for a `remote` that makes its own calls, with other work between them."""
        if self._redis:
            try:
                return remote(self._redis)
            except RedisUnavailableError:
                if self._outages != self._redis.outages:
                    self._outages = self._redis.outages
                    self._on_outage()
        return local()

"""Remembering bytes by key, over the backends of Flask-Caching. Nothing is pickled.

Whoever can write to a Redis whose values are pickled runs code in whoever reads them; here a value
is bytes, and what cannot be read back is not remembered. Neither is anything while Redis is away.
"""

import logging
from dataclasses import dataclass
from typing import Any, Protocol

from cachelib.serializers import BaseSerializer
from flask import Flask
from flask_caching import Cache
from redis import BlockingConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger("videsk_proxy.cache")

MAX_ENTRIES_IN_PROCESS = 5000
"""About 20 MB of months and days; the oldest go first."""

REDIS_TIMEOUT_SECONDS = 0.05
REDIS_CONNECTIONS = 4
"""Per worker. Small Redis plans allow 20 in all: 4 workers x 4, and 4 to look at it by hand."""


class Backend(Protocol):
    """What is used of Flask-Caching's backends."""

    def get(self, key: str) -> Any: ...
    def set(self, key: str, value: bytes, timeout: int | None = None) -> Any: ...


@dataclass(frozen=True)
class Entry:
    """A JSON answer and when it was fetched, in seconds since the epoch."""

    fetched_at: float
    body: bytes

    def to_bytes(self) -> bytes:
        return b"%d\n%b" % (self.fetched_at * 1000, self.body)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Entry":
        """Raises ValueError for anything that to_bytes did not write."""
        fetched_at, body = stored.split(b"\n", 1)
        return cls(int(fetched_at) / 1000, body)


class Store:
    """`get` and `put` of entries; a Redis error means "not remembered"."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def get(self, key: str) -> Entry | None:
        try:
            stored = self._backend.get(key)
            return Entry.from_bytes(stored) if stored else None
        except RedisError as error:
            log.warning("cache not read: %s", type(error).__name__)
        except ValueError:
            log.warning("cache entry not readable: %s", key)
        return None

    def put(self, key: str, entry: Entry, keep_seconds: int) -> bool:
        """Remember the entry; True if that worked."""
        try:
            return bool(self._backend.set(key, entry.to_bytes(), timeout=keep_seconds))
        except RedisError as error:
            log.warning("cache not written: %s", type(error).__name__)
            return False


class _AsTheyAre(BaseSerializer):
    """Bytes in, the same bytes out; where cachelib would pickle."""

    def dumps(self, value: bytes, protocol: int = 0) -> bytes:  # noqa: ARG002 - cachelib's signature
        return value

    def loads(self, bvalue: bytes | None) -> bytes | None:
        return bvalue


def make_redis(url: str, *, verify_tls: bool) -> "Redis":
    """A client that waits briefly and never retries: redis-py's defaults wait up to a minute."""
    tls = {} if verify_tls else {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=REDIS_CONNECTIONS,
        timeout=REDIS_TIMEOUT_SECONDS,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        **(tls if url.startswith("rediss:") else {}),
    )
    return Redis(connection_pool=pool)


def make_backend(app: Flask, redis: "Redis | None", namespace: str) -> Backend:
    """Flask-Caching's Redis backend on our client, or its backend in the process."""
    place = (
        {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_HOST": redis}
        if redis
        else {"CACHE_TYPE": "SimpleCache", "CACHE_THRESHOLD": MAX_ENTRIES_IN_PROCESS}
    )
    cache = Cache(
        with_jinja2_ext=False,
        config=place | {"CACHE_KEY_PREFIX": f"{namespace}:", "CACHE_SERIALIZER": _AsTheyAre()},
    )
    cache.init_app(app)
    backend: Backend = app.extensions["cache"][cache]
    return backend

"""Redis client: redis-py with short timeouts and one retry."""

from collections.abc import Callable
from typing import Any

from redis import BlockingConnectionPool, Redis
from redis import ConnectionError as RedisConnectionError
from redis import TimeoutError as RedisTimeoutError
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from common.redis_primary import (
    ClusterPrimary,
    Primary,
    PrimaryConnection,
    PrimaryTLSConnection,
    SentinelPrimary,
)
from common.redis_url import CLUSTER, SENTINEL, RedisUrl

RETRY_TIMEOUTS = (RedisConnectionError, RedisTimeoutError)
"""For health checks: the host may have suspended this process while it waited."""


class SingleServerPool(BlockingConnectionPool):
    """Replaces idle connections to an earlier server process."""

    def __init__(self, *, current_server: Callable[[], str], **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # redis-py's, like the next
        self._current_server = current_server

    def get_connection(self, *_: Any, **__: Any) -> Any:
        connection: Any = super().get_connection()  # type: ignore[no-untyped-call]
        if connection.server != self._current_server():
            connection.disconnect()
            try:
                connection.connect()
            except BaseException:
                self.release(connection)  # type: ignore[no-untyped-call]
                raise
        return connection


def make_primary(url: RedisUrl, seconds: float, *, verify_tls: bool) -> Primary | None:
    """Return a Primary that finds the server, or None if the URL has its address.

    `seconds`: the timeout of each request to a Sentinel or a node of the cluster.
    """
    if url.kind == SENTINEL:
        sentinels = [
            make_client(seed, 1, seconds, verify_tls=verify_tls, retry_on=RETRY_TIMEOUTS)
            for seed in url.seeds
        ]
        return SentinelPrimary(sentinels, url.service)
    if url.kind == CLUSTER:
        nodes = [_options(seed, seconds, verify_tls=verify_tls) for seed in url.seeds]
        return ClusterPrimary(nodes)
    return None


def make_client(
    url: str,
    connections: int,
    seconds: float,
    *,
    verify_tls: bool,
    primary: Primary | None = None,
    pool_class: type[BlockingConnectionPool] = BlockingConnectionPool,
    retry_on: tuple[type[Exception], ...] = (RedisConnectionError,),
    **options: Any,
) -> Redis:
    """Make a client with short timeouts. `primary`: if given, connect to its address
    instead of the URL's. `options`: passed to the pool.

    A command whose connection breaks, perhaps after a long idle time, is sent once more.
    `retry_on`: the errors that cause this retry.
    """
    options |= _options(url, seconds, verify_tls=verify_tls)
    options |= {"max_connections": connections, "timeout": seconds}
    options["retry"] = Retry(NoBackoff(), 1, retry_on)
    if primary:
        is_encrypted = url.startswith("rediss:")
        options["connection_class"] = PrimaryTLSConnection if is_encrypted else PrimaryConnection
        options["primary"] = primary
    return Redis(connection_pool=pool_class(**options))


def _options(url: str, seconds: float, *, verify_tls: bool) -> dict[str, Any]:
    """Return redis-py's options for connections to the server of that URL.

    redis-py's defaults wait 4 s if a connection is refused and 59 s for a silent server, and raise
    our timeout to 10 s during maintenance notifications.
    """
    tls = {} if verify_tls else {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **(tls if url.startswith("rediss:") else {}),
        **parse_url(url),  # type: ignore[no-untyped-call]  # redis-py's
    }

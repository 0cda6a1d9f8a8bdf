"""Redis client: redis-py with short timeouts and one retry."""

from collections.abc import Callable
from typing import Any

from redis import BlockingConnectionPool, Redis
from redis import ConnectionError as RedisConnectionError
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry


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


def make_client(
    url: str,
    connections: int,
    seconds: float,
    *,
    verify_tls: bool,
    pool_class: type[BlockingConnectionPool] = BlockingConnectionPool,
    retry_on: tuple[type[Exception], ...] = (RedisConnectionError,),
    **options: Any,
) -> Redis:
    """Make a client with short timeouts. `options`: passed to the pool.

    redis-py's defaults wait 4 s if a connection is refused and 59 s for a silent server, and raise
    our timeout to 10 s during maintenance notifications. A command whose connection breaks, perhaps
    after a long idle time, is sent once more. `retry_on`: the errors after which that is done.
    """
    tls = {} if verify_tls else {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    pool = pool_class.from_url(
        url,
        max_connections=connections,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1, retry_on),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **(tls if url.startswith("rediss:") else {}),
        **options,
    )
    return Redis(connection_pool=pool)

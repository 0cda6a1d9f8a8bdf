"""The one way to a Redis that may die: whatever the moment, a request goes on without it.

Two laws (guarantee 6):
- A call either answers or raises RedisAwayError; while Redis is away it raises at once.
- Redis is away from the first failed call on until it answers again, well and fast, to a watch that
  asks it a few times a second. What is to be done before anybody trusts it again is done then.

The watch is a thread of its own, because it also tells a slow Redis from a busy process: a greenlet
would measure its own waiting. It writes, because a full or read-only Redis is of no use either.
"""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from gevent.lock import BoundedSemaphore
from gevent.threadpool import ThreadPool
from redis import BlockingConnectionPool, Redis, RedisError
from redis import ConnectionError as RedisConnectionError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger("videsk_proxy.redis")

T = TypeVar("T")

CONNECTIONS = 3
"""A worker, for calls; the watch has one more. Small plans allow 20: 4 workers x 4, 4 to spare."""

CALL_SECONDS = 0.7
"""A call that takes longer has failed: what a request may pay in the first second of a failure."""

WATCH_SECONDS = 0.2
"""Between two looks."""

SLOW_SECONDS = 0.04
SLOW_LOOKS = 3
"""So many slow looks in a row, and Redis is away: a request may pay 50 ms for it, not more."""


class RedisAwayError(Exception):
    """Redis cannot be used now."""


class RedisLink:
    """Calls to one Redis, of which each holds a connection no longer than CALL_SECONDS."""

    def __init__(self, url: str, *, verify_tls: bool) -> None:
        self.redis = _client(url, CONNECTIONS, verify_tls=verify_tls)
        self.losses = 0
        self.lost_at = 0.0
        self._away = False
        self._places = BoundedSemaphore(CONNECTIONS)
        self._watched = _client(url, 1, verify_tls=verify_tls)
        self._when_back: list[Callable[[Redis], None]] = []
        self._seen = False
        ThreadPool(1).spawn(self._watch)

    @property
    def away(self) -> bool:
        """Whether calls fail now."""
        return self._away

    def when_back(self, action: Callable[[Redis], None]) -> None:
        """Have `action` done, in the watch's thread, before Redis is trusted after a loss."""
        self._when_back.append(action)

    def call(self, action: Callable[[], T]) -> T:
        """What `action` returns, which uses `redis`. Raises RedisAwayError."""
        if self._away:
            raise RedisAwayError
        with self._places:
            if self._away:  # lost while this call waited for its place
                raise RedisAwayError
            try:
                return action()
            except (RedisError, OSError) as error:
                self._lose(type(error).__name__)
                raise RedisAwayError from error

    def _lose(self, why: str) -> None:
        if not self._away:
            self.losses += 1
            self.lost_at = time.monotonic()
            self._away = True
            log.warning("redis is away (%s): every process is on its own", why)

    def _watch(self) -> None:
        slow = 0
        while True:
            try:
                started = time.monotonic()
                self._watched.set("videsk-proxy:watch", 1, px=5000)
                took = time.monotonic() - started
                slow = slow + 1 if took > SLOW_SECONDS else 0
                if slow >= SLOW_LOOKS:
                    self._lose("slow")
                elif self._away and not slow:
                    for action in self._when_back:
                        action(self._watched)
                    self._away = False
                    log.warning("redis is back: what it held before is dropped")
            except (RedisError, OSError) as error:
                self._lose(type(error).__name__)
            time.sleep(WATCH_SECONDS)


def _client(url: str, connections: int, *, verify_tls: bool) -> Redis:
    """A client that never waits long. redis-py's own defaults wait 4 s for a refused Redis and 59 s
    for a mute one. A broken connection, which may have been idle for long, is tried once more.
    """
    tls = {} if verify_tls else {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=CALL_SECONDS,
        socket_timeout=CALL_SECONDS,
        socket_connect_timeout=CALL_SECONDS,
        retry=Retry(NoBackoff(), 1, (RedisConnectionError,)),
        **(tls if url.startswith("rediss:") else {}),
    )
    return Redis(connection_pool=pool)

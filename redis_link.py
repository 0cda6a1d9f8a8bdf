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
from queue import SimpleQueue
from typing import TypeVar

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

LOOK_SECONDS = 0.4
SLOW_SECONDS = 0.04
SLOW_FOR_SECONDS = 0.5
"""A Redis whose every answer has been slow for so long is away: a request pays 50 ms at most."""


class RedisAwayError(Exception):
    """Redis cannot be used now."""


class RedisLink:
    """Calls to one Redis, of which each holds a connection no longer than CALL_SECONDS."""

    def __init__(self, url: str, *, verify_tls: bool) -> None:
        self.redis = make_client(url, CONNECTIONS, CALL_SECONDS, verify_tls=verify_tls)
        self.losses = 0
        self.lost_at = 0.0
        self._away = False
        self._places: SimpleQueue[None] = SimpleQueue()  # first come, first served
        for _ in range(CONNECTIONS):
            self._places.put(None)
        self._watched = make_client(url, 1, LOOK_SECONDS, verify_tls=verify_tls)
        self._when_back: list[Callable[[Redis], None]] = []
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
        self._places.get()
        try:
            if self._away:  # lost while this call waited for its place
                raise RedisAwayError
            return action()
        except (RedisError, OSError) as error:
            self._lose(type(error).__name__)
            raise RedisAwayError from error
        finally:
            self._places.put(None)

    def _lose(self, why: str) -> None:
        if not self._away:
            self.losses += 1
            self.lost_at = time.monotonic()
            self._away = True
            log.warning("redis is away (%s): every process is on its own", why)

    def _watch(self) -> None:
        slow_since: float | None = None
        while True:
            started = time.monotonic()
            try:
                self._watched.set("videsk-proxy:watch", 1, px=5000)
                if time.monotonic() - started < SLOW_SECONDS:
                    slow_since = None
                    self._come_back()
                else:
                    slow_since = slow_since or started
                    if time.monotonic() - slow_since > SLOW_FOR_SECONDS:
                        self._lose("slow")
            except (RedisError, OSError) as error:
                slow_since = None
                self._lose(type(error).__name__)
            # A slow Redis is looked at again at once: is it slow still?
            time.sleep(0 if slow_since else WATCH_SECONDS)

    def _come_back(self) -> None:
        if self._away:
            for action in self._when_back:
                action(self._watched)
            self._away = False
            log.warning("redis is back: what it held before is dropped")


def make_client(url: str, connections: int, seconds: float, *, verify_tls: bool) -> Redis:
    """A client that never waits long. redis-py's own defaults wait 4 s for a refused Redis and 59 s
    for a mute one. A broken connection, which may have been idle for long, is tried once more.
    """
    tls = {} if verify_tls else {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1, (RedisConnectionError,)),
        **(tls if url.startswith("rediss:") else {}),
    )
    return Redis(connection_pool=pool)

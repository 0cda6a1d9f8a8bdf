"""The one way to a Redis that may fail: whatever the moment, a request goes on without it.

Two rules (guarantee 6):
- A call returns a result or raises RedisUnavailableError, immediately while Redis is unavailable.
- Redis is away from the first failed call until a watch, which writes to it a few times a second,
  gets fast answers again and may run every command that calls need. Before the proxy uses Redis
  again, it runs the actions registered with `on_reconnect`.

Redis is also away for a moment when another server answers: a restart from a snapshot or a replica
that was promoted may lack the last writes. Every server process has a `run_id` of its own
(https://redis.io/docs/latest/commands/info/), and each new connection compares it.

The watch is a native thread, because a greenlet would measure its own waiting and could not
distinguish a slow Redis from a busy process. It writes, because a full or read-only Redis does not
help either.
"""

import logging
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from gevent.threadpool import ThreadPool
from redis import BlockingConnectionPool, Redis, RedisError
from redis import ConnectionError as RedisConnectionError
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from common.redis_probe import KEY, SCRATCH_MILLISECONDS, explain, handshake, run_required_commands

log = logging.getLogger("videsk_proxy.redis")

T = TypeVar("T")

CONNECTIONS = 3
"""A worker, for calls; the watch has one more. Small plans allow 20: 4 workers x 4, 4 to spare."""

CALL_SECONDS = 0.7
"""A call that takes longer has failed: what a request may pay in the first second of a failure."""

WATCH_SECONDS = 0.2
"""Between two checks."""

LOOK_SECONDS = 0.4
SLOW_SECONDS = 0.04
SLOW_FOR_SECONDS = 0.5
"""A Redis whose every answer has been slow for so long is away: a request pays 50 ms at most."""

RECONNECT_SECONDS = 0.9
"""How long after its last answer a write waits for Redis: a restart or a failover is over by then.
Requests may wait for Redis in the first second of an outage, and 50 ms after that (guarantee 6).
"""


class RedisUnavailableError(Exception):
    """Redis cannot be used now."""


class RedisReplacedError(RedisError):
    """A new connection reached another server process than the one known so far."""


class ResilientRedis:
    """Calls to one Redis, each of which holds a connection for at most CALL_SECONDS."""

    def __init__(self, url: str, *, verify_tls: bool) -> None:
        self._server = ""  # the run_id of the server process in use
        self.client = make_client(
            url,
            CONNECTIONS,
            CALL_SECONDS,
            verify_tls=verify_tls,
            pool_class=_Pool,
            redis_connect_func=self._on_connect,
            current_server=lambda: self._server,
        )
        self.outages = 0
        self.last_answered_at = 0.0
        """When Redis last answered before the latest loss, in seconds of time.monotonic()."""
        self._answered_at = time.monotonic()
        self._unavailable = False
        self._reason = ""
        self._slots: SimpleQueue[None] = SimpleQueue()  # first come, first served
        for _ in range(CONNECTIONS):
            self._slots.put(None)
        self._watched = make_client(
            url,
            1,
            LOOK_SECONDS,
            verify_tls=verify_tls,
            redis_connect_func=self._on_watch_connect,
        )
        self._reconnect_actions: list[Callable[[Redis], None]] = []
        self._is_probed = False
        self._on_outage: list[Callable[[], None]] = []
        ThreadPool(1).spawn(self._watch)

    @property
    def unavailable(self) -> bool:
        """Whether calls fail now."""
        return self._unavailable

    def on_reconnect(self, action: Callable[[Redis], None]) -> None:
        """Run `action` in the watch's thread after each loss: before Redis is used again, and once
        more right after that. It has to be idempotent.
        """
        self._reconnect_actions.append(action)

    def on_outage(self, action: Callable[[], None]) -> None:
        """Call `action` once for each loss of Redis, maybe in the watch's native thread.

        It must not wait there for a lock that greenlets hold too: gevent's locks can hang then.
        """
        self._on_outage.append(action)

    def call(self, action: Callable[[], T]) -> T:
        """Return what `action`, which uses `client`, returns. Raises RedisUnavailableError."""
        if self._unavailable:
            raise RedisUnavailableError
        self._slots.get()
        try:
            if self._unavailable:  # lost while this call waited for its place
                raise RedisUnavailableError
            result = action()
        except (RedisError, OSError) as error:
            self._mark_unavailable(type(error).__name__)
            raise RedisUnavailableError from error
        else:
            self._answered_at = time.monotonic()
            return result
        finally:
            self._slots.put(None)

    def wait_for_reconnect(self) -> bool:
        """Wait until Redis is used again, at most until RECONNECT_SECONDS after its last answer.
        Return whether it is used again.
        """
        while self._unavailable and time.monotonic() < self.last_answered_at + RECONNECT_SECONDS:
            time.sleep(WATCH_SECONDS / 10)
        return not self._unavailable

    def _mark_unavailable(self, why: str) -> None:
        if not self._unavailable:
            self.outages += 1
            self.last_answered_at = self._answered_at
            self._unavailable = True
            log.warning("Redis is unavailable (%s): each process works on its own", why)
            for action in self._on_outage:
                action()

    def _watch(self) -> None:
        slow_since: float | None = None
        while True:
            started = time.monotonic()
            try:
                self._watched.set(KEY, 1, px=SCRATCH_MILLISECONDS)
                if time.monotonic() - started < SLOW_SECONDS:
                    slow_since = None
                    self._use_again()
                else:
                    slow_since = slow_since or started
                    if time.monotonic() - slow_since > SLOW_FOR_SECONDS:
                        self._mark_unavailable("slow")
            except (RedisError, OSError) as error:
                slow_since = None
                self._mark_unavailable(type(error).__name__)
                self._log_reason(error)
                self._watched.connection_pool.disconnect()  # the next check may find another server
            # Check a slow Redis again without a pause: is it slow still?
            time.sleep(0 if slow_since else WATCH_SECONDS)

    def _use_again(self) -> None:
        """Use Redis again after a loss. The actions, such as dropping every entry, run before that
        and after it. With one run only:

        1. Process A drops everything and uses Redis again. 2. B drops everything too.
        3. A stores an entry. 4. B, still on its own, answers a booking that changes this entry.
        5. B uses Redis again and serves the entry of 3.
        """
        if not self._is_probed or self._unavailable:
            run_required_commands(self._watched)
            self._is_probed = True
        if self._unavailable:
            self._run_actions()
            self._reason = ""
            self._unavailable = False
            self._run_actions()
            log.warning("Redis is available again: entries stored before are dropped")
        self._answered_at = time.monotonic()

    def _run_actions(self) -> None:
        for action in self._reconnect_actions:
            action(self._watched)

    def _log_reason(self, error: Exception) -> None:
        """Log once for each loss what an operator has to change, where that is known."""
        reason = explain(error)
        if reason and reason != self._reason:
            log.error("Redis cannot be used: %s", reason)
        self._reason = reason or self._reason

    def _on_connect(self, connection: Any) -> None:
        """Refuse a connection to another server process, until the watch has handled the change."""
        connection.server = handshake(connection)
        self._server = self._server or connection.server
        if connection.server != self._server:
            raise RedisReplacedError

    def _on_watch_connect(self, connection: Any) -> None:
        server = handshake(connection)
        if self._server not in {"", server}:
            self._mark_unavailable("another server process answers")
        self._server = server


class LocalFallback:
    """Runs an action on Redis, or its equivalent in this process while Redis is unavailable.

    `on_outage` is called before the first local action of each outage: what the process holds from
    an earlier outage is stale by then. `redis` is None where the proxy has no Redis.
    """

    def __init__(
        self, redis: ResilientRedis | None, on_outage: Callable[[], None] = lambda: None
    ) -> None:
        self._redis = redis
        self._on_outage = on_outage
        self._outages = 0

    def run(self, remote: Callable[[Redis], T], local: Callable[[], T]) -> T:
        """Return what `remote` returns, given redis-py's client, or what `local` does."""
        return self.run_calls(lambda redis: redis.call(lambda: remote(redis.client)), local)

    def run_calls(self, remote: Callable[[ResilientRedis], T], local: Callable[[], T]) -> T:
        """The same for a `remote` that makes its own calls, with other work between them."""
        if self._redis:
            try:
                return remote(self._redis)
            except RedisUnavailableError:
                if self._outages != self._redis.outages:
                    self._outages = self._redis.outages
                    self._on_outage()
        return local()


class _Pool(BlockingConnectionPool):
    """Replaces an idle connection that leads to an earlier server process."""

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
    **options: Any,
) -> Redis:
    """Make a client that never waits long. `options`: more of the pool's.

    redis-py's own defaults wait 4 s for a refused Redis and 59 s for a silent one, and raise our
    timeout to 10 s during a maintenance notification. A command whose connection breaks, which may
    have been idle for long, is sent once more.
    """
    tls = {} if verify_tls else {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    pool = pool_class.from_url(
        url,
        max_connections=connections,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1, (RedisConnectionError,)),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **(tls if url.startswith("rediss:") else {}),
        **options,
    )
    return Redis(connection_pool=pool)

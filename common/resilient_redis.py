"""Resilient Redis client: calls fail fast during an outage, and callers fall back to this process.

- A call returns a result or raises RedisUnavailableError, immediately while Redis is unavailable.
- Redis is unavailable from the first failed call until a health check, which writes to it a few
  times a second, is fast again and may run every command that calls need. Before Redis is used
  again, the actions registered with `on_reconnect` run.

A different server process counts as an outage too: a restart from a snapshot or a promoted replica
may lack the last writes. Each new connection compares the server's `run_id`
(https://redis.io/docs/latest/commands/info/).

Health checks run in a native thread: a greenlet would measure its own waiting and could not tell a
silent Redis from a busy process. They write, because a full or read-only Redis is of no use.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from gevent.threadpool import ThreadPool
from redis import Redis, RedisError

from common import redis_url
from common.redis_client import RETRY_TIMEOUTS, SingleServerPool, make_client, make_primary
from common.redis_probe import (
    KEY,
    SCRATCH_MILLISECONDS,
    explain,
    handshake,
    has_replica,
    response_seconds,
    run_required_commands,
)

log = logging.getLogger("videsk_proxy.redis")

T = TypeVar("T")

CONNECTIONS = 3
"""Per worker, plus one for health checks. Small plans allow 20: 4 workers x 4, and 4 to spare."""

CALL_SECONDS = 0.7
"""Timeout of a call. In the first second of an outage, it delays requests by up to this time."""

CHECK_SECONDS = 0.2
"""Between two health checks."""

CHECK_TIMEOUT_SECONDS = 0.2
"""A check that times out is repeated once: the host may have suspended this process meanwhile."""

SWITCH_SECONDS = 0.6
"""How long a process waits before it uses a new primary. Within this time the other processes find
it too and run their actions, so that two processes never use different primaries.
"""

REPLICA_SECONDS = 2

SLOW_SECONDS = 0.04
SLOW_FOR_SECONDS = 0.4
"""Redis is unavailable if health checks are still slow so long after the first slow one: it may
delay a request by 50 ms.
"""

RECONNECT_SECONDS = 0.9
"""How long after its last response a write waits for Redis: restarts and failovers take less.
In the first second of an outage requests may wait for Redis, and 50 ms after that.
"""


class RedisUnavailableError(Exception):
    """Redis cannot be used at present."""


class RedisReplacedError(RedisError):
    """A new connection leads to a different server process."""


class ResilientRedis:
    """`client` must be used within `call` only, which takes at most CALL_SECONDS."""

    def __init__(self, url: str, *, verify_tls: bool) -> None:
        parsed = redis_url.parse(url)
        self._is_cluster = parsed.is_cluster
        self._primary = make_primary(parsed, CHECK_TIMEOUT_SECONDS, verify_tls=verify_tls)
        self._server = ""  # the run_id of the server process in use
        make = partial(make_client, parsed.server, verify_tls=verify_tls, primary=self._primary)
        self.client = make(
            CONNECTIONS,
            CALL_SECONDS,
            pool_class=SingleServerPool,
            redis_connect_func=self._on_connect,
            current_server=lambda: self._server,
        )
        self.outages = 0
        self.last_response_at = 0.0
        """When Redis last responded before the latest outage, in seconds of time.monotonic()."""
        self._responded_at = time.monotonic()
        self.unavailable = False
        """Whether calls raise RedisUnavailableError now."""
        self._reason = ""
        self._slots: SimpleQueue[None] = SimpleQueue()  # first come, first served
        for _ in range(CONNECTIONS):
            self._slots.put(None)
        self._check_client = make(
            1,
            CHECK_TIMEOUT_SECONDS,
            retry_on=RETRY_TIMEOUTS,
            redis_connect_func=self._on_check_connect,
        )
        self._check_connection: Any = None
        self.has_replica = False
        """Whether a replica was connected within REPLICA_SECONDS."""
        self._looked_at = 0.0
        self._usable_at = 0.0  # in seconds of time.monotonic()
        self._reconnect_actions: list[Callable[[Redis], None]] = []
        self._is_probed = False
        self._on_outage: list[Callable[[], None]] = []
        ThreadPool(1).spawn(self._run_health_checks)
        self._wait_for_primary()

    def _wait_for_primary(self) -> None:
        """Wait until the first health check has found the primary, or has failed to find it."""
        end = time.monotonic() + 1
        while self._primary and not (self._server or self.unavailable) and time.monotonic() < end:
            time.sleep(0.01)

    def on_reconnect(self, action: Callable[[Redis], None]) -> None:
        """Run `action` in the health check's thread after each outage: before Redis is used again,
        and once more right after that. It has to be idempotent.
        """
        self._reconnect_actions.append(action)

    def on_outage(self, action: Callable[[], None]) -> None:
        """Call `action` once for each outage, possibly in the health check's native thread.

        It must not wait for a lock that greenlets use too: gevent's locks can hang then.
        """
        self._on_outage.append(action)

    def call(self, action: Callable[[], T]) -> T:
        """Return what `action`, which uses `client`, returns. Raises RedisUnavailableError."""
        if self.unavailable:
            raise RedisUnavailableError
        self._slots.get()
        try:
            if self.unavailable:  # an outage began while this call waited
                raise RedisUnavailableError
            result = action()
        except (RedisError, OSError) as error:
            self._mark_unavailable(type(error).__name__)
            raise RedisUnavailableError from error
        else:
            self._responded_at = time.monotonic()
            return result
        finally:
            self._slots.put(None)

    def wait_for_reconnect(self) -> bool:
        """Wait until RECONNECT_SECONDS after Redis's last response, and return whether it is
        available again.
        """
        while self.unavailable and time.monotonic() < self.last_response_at + RECONNECT_SECONDS:
            time.sleep(CHECK_SECONDS / 10)
        return not self.unavailable

    def _mark_unavailable(self, reason: str) -> None:
        if not self.unavailable:
            self.outages += 1
            self.last_response_at = self._responded_at
            self.unavailable = True
            log.warning("Redis is unavailable (%s): each process uses its local fallback", reason)
            for action in self._on_outage:
                action()

    def _run_health_checks(self) -> None:
        slow_since: float | None = None
        while True:
            try:
                self._find_primary()
                started = time.monotonic()
                self._check_client.set(KEY, 1, px=SCRATCH_MILLISECONDS)
                took = response_seconds(self._check_connection)
                if (time.monotonic() - started if took is None else took) < SLOW_SECONDS:
                    slow_since = None
                    self._look_for_replica()
                    self._recover()
                else:
                    slow_since = slow_since or time.monotonic()
                    if time.monotonic() - slow_since > SLOW_FOR_SECONDS:
                        self._mark_unavailable("slow")
            except (RedisError, OSError) as error:
                slow_since = None
                self._mark_unavailable(type(error).__name__)
                self._log_reason(error)
                self._check_client.connection_pool.disconnect()  # the next may find another server
                if self._primary:
                    self._primary.address = None
            # A slow Redis is checked again without a pause.
            time.sleep(0 if slow_since else CHECK_SECONDS)

    def _find_primary(self) -> None:
        """Find the primary, and connect to it if it is another one."""
        if self._primary:
            address = self._primary.address
            self._primary.find()
            if address != self._primary.address:
                self._check_client.connection_pool.disconnect()

    def _look_for_replica(self) -> None:
        if time.monotonic() > self._looked_at + REPLICA_SECONDS:
            self._looked_at = time.monotonic()
            self.has_replica = has_replica(self._check_client)

    def _recover(self) -> None:
        """Use Redis again after an outage. The actions, such as invalidating every entry, run
        before that and after it. If they ran only before:

        1. Process A invalidates everything and uses Redis again. 2. B invalidates everything.
        3. A stores an entry. 4. B, still without Redis, makes a booking that changes this entry.
        5. B uses Redis again and serves the entry of 3.
        """
        if not self._is_probed or self.unavailable:
            run_required_commands(self._check_client)
            self._is_probed = True
        if self.unavailable:
            self._run_reconnect_actions()
            if time.monotonic() < self._usable_at:
                return
            self._reason = ""
            self.unavailable = False
            self._run_reconnect_actions()
            log.warning("Redis is available again: all cached entries are invalidated")
        self._responded_at = time.monotonic()

    def _run_reconnect_actions(self) -> None:
        for action in self._reconnect_actions:
            action(self._check_client)

    def _log_reason(self, error: Exception) -> None:
        """Log what an operator has to change, if that is known, once for each outage."""
        reason = explain(error)
        if reason and reason != self._reason:
            log.error("Redis cannot be used: %s", reason)
        self._reason = reason or self._reason

    def _on_connect(self, connection: Any) -> None:
        """Reject a different server process until a health check has handled the change."""
        connection.server = handshake(connection, is_cluster=self._is_cluster)
        self._server = self._server or connection.server
        if connection.server != self._server:
            raise RedisReplacedError

    def _on_check_connect(self, connection: Any) -> None:
        self._check_connection = connection
        server = handshake(connection, is_cluster=self._is_cluster)
        if self._server not in {"", server}:
            self._usable_at = time.monotonic() + (SWITCH_SECONDS if self._primary else 0)
            self._mark_unavailable("a different server process")
        self._server = server

"""One poll of Redis in each process, for all the outcomes that are awaited in it."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import cast

from redis import Redis

from cache.single_flight import SingleFlightTimeoutError
from common.resilient_redis import ResilientRedis

POLL_SECONDS = (0.003125, 0.05)
"""The first pause between two polls for an outcome, and the longest; each doubles the last."""


@dataclass(eq=False)
class _Wait:
    """Until the outcome is there, or the lock is no longer the leader's."""

    outcome: str
    lock: str
    leader: bytes
    result: "Future[bytes | None]" = field(default_factory=Future)
    pause: float = POLL_SECONDS[0]
    due: float = 0.0


class OutcomePoller:
    """Callers block in `wait_for`; one thread (under gevent, a greenlet) polls for all of them.

    A wait is due at multiples of its pause rather than a pause after its last poll. So waits of the
    longest pause are due at the same moments, whenever they began, and share one MGET.
    """

    def __init__(self, redis: ResilientRedis) -> None:
        self._redis = redis
        self._client: Redis = redis.client
        self._changed = threading.Condition()
        self._waits: set[_Wait] = set()
        self._polling = False

    def wait_for(self, outcome: str, lock: str, leader: bytes, seconds: float) -> bytes | None:
        """Return the value of the key `outcome`; None when `lock` is no longer the leader's.

        Raises SingleFlightTimeoutError after `seconds`, and RedisUnavailableError.
        """
        wait = _Wait(outcome, lock, leader)
        with self._changed:
            self._waits.add(wait)
            if self._polling:
                self._changed.notify()
            else:
                self._polling = True
                threading.Thread(target=self._poll, daemon=True).start()
        try:
            return wait.result.result(max(0.0, seconds))
        except TimeoutError:
            raise SingleFlightTimeoutError from None
        finally:
            with self._changed:
                self._waits.discard(wait)

    def _poll(self) -> None:
        """Until nothing is awaited any more."""
        while True:
            with self._changed:
                if not self._waits:
                    self._polling = False
                    return
                now = time.monotonic()
                due = [wait for wait in self._waits if wait.due <= now]
                if not due:
                    self._changed.wait(min(wait.due for wait in self._waits) - now)
                    continue
            try:
                self._look(due)
            except Exception as error:  # noqa: BLE001 - it is raised in those who wait
                self._end(dict.fromkeys(due, error))

    def _look(self, due: Sequence[_Wait]) -> None:
        names = [name for wait in due for name in (wait.outcome, wait.lock)]
        values = self._redis.call(lambda: cast("list[bytes | None]", self._client.mget(names)))
        now = time.monotonic()
        ended: dict[_Wait, bytes | Exception | None] = {}
        for wait, outcome, leading in zip(due, values[::2], values[1::2], strict=True):
            if outcome or leading != wait.leader:
                ended[wait] = outcome
            else:
                wait.due = (now // wait.pause + 1) * wait.pause
                wait.pause = min(2 * wait.pause, POLL_SECONDS[1])
        self._end(ended)

    def _end(self, ended: "dict[_Wait, bytes | Exception | None]") -> None:
        with self._changed:
            self._waits -= ended.keys()
        for wait, how in ended.items():
            if isinstance(how, Exception):
                wait.result.set_exception(how)
            else:
                wait.result.set_result(how)

"""Polls Redis for the outcomes of single flights that other processes lead, with one shared MGET.

Callers block in `wait_for`; one thread (under gevent, a greenlet) polls for all of them.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import cast

from cache.single_flight import SingleFlightTimeoutError
from common.resilient_redis import ResilientRedis

POLL_SECONDS = (0.003125, 0.05)
"""The first pause between two polls for an outcome, and the longest; each doubles the last."""


@dataclass(eq=False)
class _Wait:
    outcome_key: str
    leader_key: str
    result: "Future[bytes | None]" = field(default_factory=Future)
    pause: float = POLL_SECONDS[0]
    due: float = 0.0


class OutcomePoller:
    """A wait is due at multiples of its pause rather than a pause after its last poll. So waits of
    the longest pause are due at the same moments, whenever they began, and share one MGET.
    """

    def __init__(self, redis: ResilientRedis) -> None:
        self._redis = redis
        self._changed = threading.Condition()
        self._waits: set[_Wait] = set()
        self._polling = False

    def wait_for(self, outcome_key: str, leader_key: str, seconds: float) -> bytes | None:
        """Return the value of `outcome_key`, or None once `leader_key` does not exist.

        Raises SingleFlightTimeoutError after `seconds`, and RedisUnavailableError.
        """
        wait = _Wait(outcome_key, leader_key)
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
        """Poll until no wait is left."""
        while True:
            with self._changed:
                self._waits = {wait for wait in self._waits if not wait.result.done()}
                if not self._waits:
                    self._polling = False
                    return
                now = time.monotonic()
                due = [wait for wait in self._waits if wait.due <= now]
                if not due:
                    self._changed.wait(min(wait.due for wait in self._waits) - now)
                    continue
            try:
                self._poll_once(due)
            except Exception as error:  # noqa: BLE001 - raised in the callers
                for wait in due:
                    wait.result.set_exception(error)

    def _poll_once(self, due: Sequence[_Wait]) -> None:
        keys = [key for wait in due for key in (wait.outcome_key, wait.leader_key)]
        values = self._redis.call(lambda: cast("list[bytes | None]", self._redis.client.mget(keys)))
        now = time.monotonic()
        for wait, outcome, leader in zip(due, values[::2], values[1::2], strict=True):
            if outcome or leader is None:
                wait.result.set_result(outcome)
            else:
                wait.due = (now // wait.pause + 1) * wait.pause
                wait.pause = min(2 * wait.pause, POLL_SECONDS[1])

"""Single flight: one fetch at a time for all callers in this process that need the same key."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlightTimeoutError(Exception):
    """The leader did not finish in time."""


class SingleFlight(Generic[T]):
    """The first caller leads; callers that come while it runs follow and get its outcome."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_progress: dict[Hashable, Future[T]] = {}

    def do(self, key: Hashable, lead: Callable[[], T], seconds: float) -> tuple[T, bool]:
        """Return the leader's outcome, and whether this caller followed.

        Raises what `lead` raised, in followers too, and in them SingleFlightTimeoutError after
        `seconds`.
        """
        with self._lock:
            flight = self._in_progress.get(key)
            if flight is None:
                own: Future[T] = Future()
                self._in_progress[key] = own
        if flight is None:
            return self._lead(key, own, lead), False
        if not wait([flight], timeout=seconds).done:
            raise SingleFlightTimeoutError
        return flight.result(), True

    def lead(self, key: Hashable, lead: Callable[[], T]) -> T:
        """Lead even if another caller does. Callers that come now follow this one."""
        own: Future[T] = Future()
        with self._lock:
            self._in_progress[key] = own
        return self._lead(key, own, lead)

    def _lead(self, key: Hashable, own: "Future[T]", lead: Callable[[], T]) -> T:
        try:
            outcome = lead()
        except BaseException as error:
            self._end(key, own)
            own.set_exception(error)
            raise
        self._end(key, own)
        own.set_result(outcome)
        return outcome

    def _end(self, key: Hashable, own: "Future[T]") -> None:
        with self._lock:
            if self._in_progress.get(key) is own:
                del self._in_progress[key]

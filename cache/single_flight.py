"""Single flight: one fetch at a time for all callers in this process that ask for the same key."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlightTimeoutError(Exception):
    """Who led did not come to an end in time."""


class SingleFlight(Generic[T]):
    """In the process: the first who asks leads, whoever asks meanwhile gets its outcome."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_progress: dict[Hashable, Future[T]] = {}

    def in_progress(self, name: Hashable) -> bool:
        return name in self._in_progress

    def do(self, name: Hashable, lead: Callable[[], T], seconds: float) -> tuple[T, bool]:
        """The outcome, and whether it is another's. Raises what `lead` raised, whoever led;
        SingleFlightTimeoutError after `seconds` of waiting for another.
        """
        with self._lock:
            flight = self._in_progress.get(name)
            if flight is None:
                own: Future[T] = Future()
                self._in_progress[name] = own
        if flight is not None:
            if not wait([flight], timeout=seconds).done:
                raise SingleFlightTimeoutError
            return flight.result(), True
        try:
            outcome = lead()
        except BaseException as error:
            del self._in_progress[name]
            own.set_exception(error)
            raise
        del self._in_progress[name]
        own.set_result(outcome)
        return outcome, False

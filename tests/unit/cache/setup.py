"""Run greenlets one step at a time, in an order that a test chooses."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import gevent
from gevent.event import Event

BEFORE_VIDESK, AFTER_VIDESK = -1, -2
"""Positions at which a request to Videsk can wait: before Videsk processes it, and after."""


class StepScheduler:
    """Keeps greenlets waiting at their next step. `waiting`: by number, in the order of their start."""

    def __init__(self) -> None:
        self.waiting: dict[int, Event] = {}
        self._positions: dict[int, int] = {}
        self.errors: list[str] = []
        self.clock = 1_795_000_000.0
        self._ids: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._count = 0

    def step(self, position: int = 0) -> None:
        greenlet = gevent.getcurrent()
        if greenlet not in self._ids:
            self._count += 1
            self._ids[greenlet] = self._count
        event = self.waiting[self._ids[greenlet]] = Event()
        self._positions[self._ids[greenlet]] = position
        event.wait()

    def start(self, action: Callable[[], object], steps: int) -> None:
        """Start the action in a greenlet, and run it for `steps`."""

        def run() -> None:
            try:
                action()
            except Exception as error:  # noqa: BLE001 - reported
                self.errors.append(repr(error))

        gevent.spawn(run)
        _run_greenlets()
        self.resume(self._count, steps)

    def resume(self, greenlet: int, steps: int) -> None:
        """Run a greenlet for `steps`, or until it waits at BEFORE_VIDESK or AFTER_VIDESK."""
        for _ in range(steps if steps >= 0 else 15):
            if greenlet in self.waiting and not self._positions[greenlet] == steps < 0:
                self.waiting.pop(greenlet).set()
                _run_greenlets()

    def finish_all(self) -> None:
        """Run all greenlets to their end."""
        while self.waiting:
            for greenlet in sorted(self.waiting):
                self.resume(greenlet, 1)


def _run_greenlets() -> None:
    for _ in range(
        4
    ):  # an event wakes in one iteration of the loop, and a refresh starts in the next
        gevent.sleep(0)

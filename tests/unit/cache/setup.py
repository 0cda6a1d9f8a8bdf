"""A stage on which any number act, one step at a time, in an order that a test chooses."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import gevent
from gevent.event import Event

ON_ITS_WAY, DONE = -1, -2
"""Where a request to Videsk can be held up: before Videsk has seen it, and after."""


class Stage:
    """Each greenlet waits at its next step: `waiting`, in the order of their entrances."""

    def __init__(self) -> None:
        self.waiting: dict[int, Event] = {}
        self._where: dict[int, int] = {}
        self.faults: list[str] = []
        self.clock = 1_795_000_000.0
        self._entrances: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._count = 0

    def step(self, where: int = 0) -> None:
        me = gevent.getcurrent()
        if me not in self._entrances:
            self._count += 1
            self._entrances[me] = self._count
        mine = self.waiting[self._entrances[me]] = Event()
        self._where[self._entrances[me]] = where
        mine.wait()

    def play(self, action: Callable[[], object], steps: int) -> None:
        """Begin, and go on for so many steps."""

        def act() -> None:
            try:
                action()
            except Exception as error:  # noqa: BLE001 - reported
                self.faults.append(repr(error))

        gevent.spawn(act)
        _let_run()
        self.go_on(self._count, steps)

    def go_on(self, who: int, steps: int) -> None:
        """So many steps; or until it is ON_ITS_WAY, or DONE."""
        for _ in range(steps if steps >= 0 else 15):
            if who in self.waiting and not self._where[who] == steps < 0:
                self.waiting.pop(who).set()
                _let_run()

    def end(self) -> None:
        """All come to their end."""
        while self.waiting:
            for who in sorted(self.waiting):
                self.go_on(who, 1)


def _let_run() -> None:
    for _ in range(4):  # an event wakes in one turn of the loop; a refresh begins in the next
        gevent.sleep(0)

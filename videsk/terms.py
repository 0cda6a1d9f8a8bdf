"""The terms on which requests leave for Videsk, and their arithmetic within one process.

Pure: told the time. gate.lua is the same arithmetic for all processes; a test holds both against
each other. All times in whole microseconds.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

SECOND = 1_000_000

WINDOW = SECOND * 11 // 10
"""Videsk counts requests as they arrive, closer together or farther apart than they left."""

FAILURES_TO_OPEN = 5
TRIAL = 4 * SECOND
"""The circuit: open after so many failures in a row, with one trial each so often."""


class Verdict(IntEnum):
    """What a request that asks to leave is told."""

    GO = 0
    WAIT = 1
    FULL = 2
    OPEN = 3


@dataclass(frozen=True)
class Answer:
    """A verdict; how long to wait (or until it is worth asking again); failures in a row so far."""

    verdict: Verdict
    wait: int
    failures: int


@dataclass(frozen=True)
class Terms:
    """`limit` requests in any `window`, of which reads leave `reserve` to writes."""

    limit: int
    window: int = WINDOW

    @property
    def reserve(self) -> int:
        return 0 if self.limit == 1 else max(1, self.limit // 20)

    def share(self, processes: int) -> "Terms":
        """An equal share for each of so many processes that do not know of each other."""
        if self.limit >= processes:
            return Terms(self.limit // processes, self.window)
        return Terms(1, self.window * processes // self.limit)


@dataclass
class Book:
    """What has left, and what came of it, in one process."""

    terms: Terms
    places: deque[int] = field(default_factory=deque)
    hold: int = 0
    open: int = 0
    failures: int = 0
    next_read: float = 0

    def ask(self, now: int, patience: int, *, is_write: bool, comes_back: bool) -> Answer:
        """May a request leave now? See gate.lua, line by line."""
        if self.hold > now:
            comes_back = False
        if self.open > now:
            return Answer(Verdict.OPEN, self.open - now, self.failures)
        while self.places and self.places[0] <= now - self.terms.window:
            self.places.popleft()
        room = self.terms.limit - (0 if is_write else self.terms.reserve)
        at: float = max(now, self.hold)
        if len(self.places) >= room:
            at = max(at, self.places[len(self.places) - room] + self.terms.window)
        queues = not is_write and not comes_back
        if queues:
            at = max(at, self.next_read)
        if at - now > patience:
            return Answer(Verdict.FULL, round(at - now), self.failures)
        if queues:
            self.next_read = math.ceil(at + self.terms.window / room)
        if at > now:
            return Answer(Verdict.WAIT, round(at - now), self.failures)
        self.places.append(now)
        if self.open:
            self.open = now + TRIAL
        return Answer(Verdict.GO, 0, self.failures)

    def succeed(self) -> None:
        self.failures = self.open = 0

    def fail(self, now: int) -> None:
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN and self.open <= now:
            self.open = now + TRIAL

    def hold_until(self, until: int) -> None:
        self.hold = max(self.hold, until)

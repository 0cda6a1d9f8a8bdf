"""The terms on which requests leave for Videsk, and their arithmetic within one process.

Pure: told the time. gate.lua is the same arithmetic for all processes; a test holds both against
each other. All times in whole microseconds.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

SECOND = 1_000_000

WINDOW = SECOND * 11 // 10
"""Videsk counts requests as they arrive, closer together or farther apart than they left."""

FAILURES_TO_OPEN = 5
TRIAL = 4 * SECOND
"""The circuit: open after so many failures in a row, with one trial each so often."""

MAX_HOLD = 60 * SECOND
"""How long Videsk may hold all back (backoff.py)."""

HEARTBEAT = SECOND * 6 // 10
"""A waiting read asks again at least this often."""

GRACE = SECOND * 4 // 10
"""How late it may be. So a read whose process was killed is out of the queue after a second."""

TURNS = 20
"""Reads that leave in one round, before the next round is open to clients that have had no turn in
this one. Without an end, a stream of new clients would keep all others from their second turn.
"""


class Verdict(IntEnum):
    """What a request that asks to leave is told."""

    GO = 0
    WAIT = 1
    FULL = 2
    OPEN = 3


class Ticket(NamedTuple):
    """A waiting read's place in the queue: by round, and by `seq`, its arrival, within a round."""

    round: int
    seq: int


class Waiter(NamedTuple):
    """A waiting read: its ticket's `seq`, whose turn it takes, and what is read."""

    seq: int
    client: str
    what: str


@dataclass(frozen=True)
class Answer:
    """A verdict; how long to wait (or until it is worth asking again); a waiting read's ticket."""

    verdict: Verdict
    wait: int
    ticket: Ticket | None = None


@dataclass(frozen=True)
class Terms:
    """`limit` requests in any `window`, of which reads leave `reserve` to writes.

    `is_paced`: reads leave one by one, so that they do not reach Videsk in bursts.
    """

    limit: int
    window: int = WINDOW
    is_paced: bool = True

    @property
    def reserve(self) -> int:
        return 0 if self.limit == 1 else max(1, self.limit // 20)

    @property
    def pace(self) -> int:
        """The time between two reads."""
        return -(-self.window // (self.limit - self.reserve)) if self.is_paced else 0

    def share(self, processes: int) -> "Terms":
        """An equal share for each of so many processes that do not know of each other."""
        if self.limit >= processes:
            return Terms(self.limit // processes, self.window)
        return Terms(1, self.window * processes // self.limit)


@dataclass
class Book:
    """What has left, what waits, and what came of it, in one process. See gate.lua, line by line.

    `queue`: the waiting reads; when each leaves, by round and then by seq, and its deadline.
    `rounds`: the last round that each client has joined. `round`, `turns`: the one that newcomers
    join, and how many have left in it.
    """

    terms: Terms
    places: deque[int] = field(default_factory=deque)
    hold: int = 0
    pause: int = MAX_HOLD
    open: int = 0
    failures: int = 0
    next_read: int = 0
    queue: dict[Waiter, tuple[Ticket, int]] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    round: int = 0
    turns: int = 0
    seq: int = 0

    def ask(
        self,
        now: int,
        patience: int,
        *,
        is_write: bool,
        client: str = "",
        what: str = "",
        ticket: Ticket | None = None,
    ) -> Answer:
        """May a request leave now? `ticket`: the one that it was given, if it has waited."""
        self.clamp(now)
        self._drop_late(now)
        if self.open > now:
            return Answer(Verdict.OPEN, self.open - now)
        while self.places and self.places[0] <= now - self.terms.window:
            self.places.popleft()
        answer = (
            self._ask_write(now, patience)
            if is_write
            else self._ask_read(now, patience, client, what, ticket)
        )
        if answer.verdict is Verdict.GO:
            self.places.append(now)
            if self.open:
                self.open = now + TRIAL
        return answer

    def clamp(self, now: int) -> None:
        """The clock may step back: what lies farther ahead than is possible begins now."""
        self.hold = min(self.hold, now + self.pause)
        self.open = min(self.open, now + TRIAL)
        self.next_read = min(self.next_read, now + self.terms.pace)
        for index in reversed(range(len(self.places))):
            if self.places[index] <= now:
                break
            self.places[index] = now

    def promote(self, client: str, what: str) -> None:
        """Another client waits for a read that is queued: see promote.lua."""
        _, next_round = self._rounds_of(client)
        for waiter in sorted(self.queue, key=self.queue.__getitem__):
            if waiter.what == what:
                ticket, deadline = self.queue[waiter]
                if next_round < ticket.round:
                    self.queue[waiter] = Ticket(next_round, ticket.seq), deadline
                    self.rounds[client] = next_round
                    self._give_back(waiter.client)
                return

    def succeed(self) -> None:
        self.failures = self.open = 0

    def fail(self, now: int) -> None:
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN and self.open <= now:
            self.open = now + TRIAL

    def hold_for(self, pause: int, now: int) -> None:
        if now + pause > self.hold:
            self.hold, self.pause = now + pause, pause

    def _ask_write(self, now: int, patience: int) -> Answer:
        at = self._room_at(max(now, self.hold), self.terms.limit, 0)
        return _answer(at - now, patience)

    def _ask_read(
        self, now: int, patience: int, client: str, what: str, ticket: Ticket | None
    ) -> Answer:
        has_waited = ticket is not None
        last, next_round = self._rounds_of(client)
        ticket = ticket or Ticket(next_round, self.seq + 1)
        waiter = Waiter(ticket.seq, client, what)
        joins = waiter not in self.queue
        if joins:
            ticket = Ticket(min(ticket.round, next_round), ticket.seq)
        else:
            ticket, _ = self.queue[waiter]
        before = sum(other < ticket for other, _ in self.queue.values())
        at = max(now, max(self.hold, self.next_read) + before * self.terms.pace)
        at = self._room_at(at, self.terms.limit - self.terms.reserve, before)
        answer = _answer(at - now, patience, ticket)
        if answer.verdict is Verdict.FULL:
            if not joins:
                self._drop(waiter)
            return answer
        if joins:
            self.rounds[client] = max(last, ticket.round)
            self.seq = max(self.seq, ticket.seq)
        if answer.verdict is Verdict.WAIT:
            self.queue[waiter] = ticket, now + min(at - now, HEARTBEAT) + GRACE
            return answer
        self.queue.pop(waiter, None)
        # One that came late, but within its grace, delays none of those after it.
        due = max(self.hold, self.next_read, now - GRACE) if has_waited else now
        self.next_read = due + self.terms.pace
        self._take_turn(ticket.round)
        return answer

    def _take_turn(self, number: int) -> None:
        if number > self.round:
            self.round, self.turns = number, 0
        if number == self.round:
            self.turns += 1
        if self.turns >= TURNS:
            self.round, self.turns = self.round + 1, 0
        self.rounds = {who: last for who, last in self.rounds.items() if last >= self.round}

    def _drop_late(self, now: int) -> None:
        latest = now + HEARTBEAT + GRACE  # no deadline is later, unless the clock stepped back
        late = [waiter for waiter, (_, until) in self.queue.items() if not now < until <= latest]
        for waiter in late:
            self._drop(waiter)

    def _rounds_of(self, client: str) -> tuple[int, int]:
        """The last round that the client has joined, and the one that its next read joins."""
        last = self.rounds.get(client, self.round - 1)
        return last, max(self.round, last + 1)

    def _drop(self, waiter: Waiter) -> None:
        del self.queue[waiter]
        self._give_back(waiter.client)

    def _give_back(self, client: str) -> None:
        """It has had no turn in the last round that it joined."""
        if client in self.rounds:
            self.rounds[client] -= 1

    def _room_at(self, at: int, room: int, before: int) -> int:
        """When there is a free place, after so many others have taken theirs; not before `at`."""
        taken = len(self.places)
        awaited = taken - room + before
        if not taken or awaited < 0:
            return at
        more = max(0, awaited - taken + 1)
        known_place = self.places[min(awaited, taken - 1)]
        return max(at, known_place + self.terms.window + more * -(-self.terms.window // room))


def _answer(wait: int, patience: int, ticket: Ticket | None = None) -> Answer:
    if wait > patience:
        return Answer(Verdict.FULL, wait)
    if wait > 0:
        return Answer(Verdict.WAIT, wait, ticket)
    return Answer(Verdict.GO, 0)

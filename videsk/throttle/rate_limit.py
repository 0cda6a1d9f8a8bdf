"""The rate limit, the queue and the circuit breaker of requests to Videsk, within one process.

Pure: told the time. acquire.lua is the same arithmetic for all processes; a test holds both against
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

MAX_PAUSE = 60 * SECOND
"""How long Videsk may hold all back (backoff.py)."""

HEARTBEAT = SECOND * 6 // 10
"""A waiting read asks again at least this often."""

GRACE = SECOND * 4 // 10
"""How late it may be. So a read whose process was killed is out of the queue after a second."""

TURNS = 20
"""Reads that leave in one round, before the next round is open to clients that have had no turn in
this one. Without an end, a stream of new clients would keep all others from their second turn.
"""


class Decision(IntEnum):
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
class Admission:
    """A verdict; how long to wait (or until it is worth asking again); a waiting read's ticket."""

    decision: Decision
    wait: int
    ticket: Ticket | None = None


@dataclass(frozen=True)
class RateLimit:
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

    def share(self, processes: int) -> "RateLimit":
        """An equal share for each of so many processes that do not know of each other."""
        if self.limit >= processes:
            return RateLimit(self.limit // processes, self.window)
        return RateLimit(1, self.window * processes // self.limit)


@dataclass
class LimiterState:
    """Which requests have left and which wait, in one process. Mirrors acquire.lua line by line.

    `queue`: the waiting reads; when each leaves, by round and then by seq, and its deadline.
    `rounds`: the last round that each client has joined. `round`, `turns`: the one that newcomers
    join, and how many have left in it.
    """

    rate_limit: RateLimit
    slots: deque[int] = field(default_factory=deque)
    paused_until: int = 0
    pause_length: int = MAX_PAUSE
    open_until: int = 0
    failures: int = 0
    next_read: int = 0
    queue: dict[Waiter, tuple[Ticket, int]] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    round: int = 0
    turns: int = 0
    seq: int = 0

    def acquire(
        self,
        now: int,
        max_wait: int,
        *,
        is_write: bool,
        client: str = "",
        what: str = "",
        ticket: Ticket | None = None,
    ) -> Admission:
        """May a request leave now? `ticket`: the one that it was given, if it has waited."""
        self.clamp(now)
        self._drop_late(now)
        if self.open_until > now:
            return Admission(Decision.OPEN, self.open_until - now)
        while self.slots and self.slots[0] <= now - self.rate_limit.window:
            self.slots.popleft()
        admission = (
            self._acquire_write(now, max_wait)
            if is_write
            else self._acquire_read(now, max_wait, client, what, ticket)
        )
        if admission.decision is Decision.GO:
            self.slots.append(now)
            if self.open_until:
                self.open_until = now + TRIAL
        return admission

    def clamp(self, now: int) -> None:
        """The clock may step back: what lies farther ahead than is possible begins now."""
        self.paused_until = min(self.paused_until, now + self.pause_length)
        self.open_until = min(self.open_until, now + TRIAL)
        self.next_read = min(self.next_read, now + self.rate_limit.pace)
        for index in reversed(range(len(self.slots))):
            if self.slots[index] <= now:
                break
            self.slots[index] = now

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
        self.failures = self.open_until = 0

    def fail(self, now: int) -> None:
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN and self.open_until <= now:
            self.open_until = now + TRIAL

    def pause_for(self, pause_length: int, now: int) -> None:
        if now + pause_length > self.paused_until:
            self.paused_until, self.pause_length = now + pause_length, pause_length

    def _acquire_write(self, now: int, max_wait: int) -> Admission:
        at = self._room_at(max(now, self.paused_until), self.rate_limit.limit, 0)
        return _admission(at - now, max_wait)

    def _acquire_read(
        self, now: int, max_wait: int, client: str, what: str, ticket: Ticket | None
    ) -> Admission:
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
        at = max(now, max(self.paused_until, self.next_read) + before * self.rate_limit.pace)
        at = self._room_at(at, self.rate_limit.limit - self.rate_limit.reserve, before)
        admission = _admission(at - now, max_wait, ticket)
        if admission.decision is Decision.FULL:
            if not joins:
                self._drop(waiter)
            return admission
        if joins:
            self.rounds[client] = max(last, ticket.round)
            self.seq = max(self.seq, ticket.seq)
        if admission.decision is Decision.WAIT:
            self.queue[waiter] = ticket, now + min(at - now, HEARTBEAT) + GRACE
            return admission
        self.queue.pop(waiter, None)
        # One that came late, but within its grace, delays none of those after it.
        due = max(self.paused_until, self.next_read, now - GRACE) if has_waited else now
        self.next_read = due + self.rate_limit.pace
        self._take_turn(ticket.round)
        return admission

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
        taken = len(self.slots)
        awaited = taken - room + before
        if not taken or awaited < 0:
            return at
        more = max(0, awaited - taken + 1)
        known_place = self.slots[min(awaited, taken - 1)]
        return max(
            at, known_place + self.rate_limit.window + more * -(-self.rate_limit.window // room)
        )


def _admission(wait: int, max_wait: int, ticket: Ticket | None = None) -> Admission:
    if wait > max_wait:
        return Admission(Decision.FULL, wait)
    if wait > 0:
        return Admission(Decision.WAIT, wait, ticket)
    return Admission(Decision.GO, 0)

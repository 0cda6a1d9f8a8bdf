"""Sliding-window rate limit, fair queue and circuit breaker of one process. Pure: no clock.

acquire.lua does the same arithmetic for all processes; a test compares the two. All times are whole
microseconds.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

SECOND = 1_000_000

WINDOW = SECOND * 11 // 10
"""Videsk's second and a margin: requests may arrive closer together than they were sent."""

FAILURES_TO_OPEN = 5
PROBE_INTERVAL = 4 * SECOND
"""The circuit opens after so many consecutive failures. It is half-open for one probe at a time."""

MAX_PAUSE = 60 * SECOND
"""The longest pause that Videsk may ask for (retry_after.py)."""

HEARTBEAT = SECOND * 6 // 10
"""A queued read calls `acquire` again at least this often."""

GRACE = SECOND * 4 // 10
"""How late it may be. A read whose process was killed leaves the queue after a second."""

TURNS_PER_ROUND = 20
"""Reads sent in a round before the next one begins. Without a limit, a stream of new clients would
keep all others from their second turn.
"""


class Decision(IntEnum):
    GO = 0
    WAIT = 1
    FULL = 2
    OPEN = 3


class Ticket(NamedTuple):
    """A read's position in the queue: by round, and within a round by `seq`, its arrival."""

    round: int
    seq: int


class Waiter(NamedTuple):
    """A queued read. It takes the turn of `client`."""

    seq: int
    client: str
    read_key: str


@dataclass(frozen=True)
class Admission:
    """A decision, how long to wait (FULL and OPEN: before a retry), a queued read's ticket, and the
    slot of a request that may be sent: the present time.
    """

    decision: Decision
    wait: int
    ticket: Ticket | None = None
    slot: int | None = None


@dataclass(frozen=True)
class RateLimit:
    """`limit` requests in any `window`; `reserve` of them are for writes only.

    `is_paced`: the first `burst` reads of a window are sent immediately, unless a pause has just
    ended. Those after them are spread over the window, so that slots become free one by one.
    """

    limit: int
    window: int = WINDOW
    is_paced: bool = True

    @property
    def reserve(self) -> int:
        return 0 if self.limit == 1 else max(1, self.limit // 20)

    @property
    def burst(self) -> int:
        return self.limit // 2

    @property
    def pace(self) -> int:
        """The time between two reads."""
        return -(-self.window // (self.limit - self.reserve)) if self.is_paced else 0

    def share(self, processes: int) -> "RateLimit":
        """Return an equal share for each of so many processes without a common Redis."""
        if self.limit >= processes:
            return RateLimit(self.limit // processes, self.window)
        return RateLimit(1, self.window * processes // self.limit)


@dataclass
class LimiterState:
    """The requests sent and queued by one process. Mirrors acquire.lua line by line.

    `slots`: when the requests of the last window were sent. `next_read`: when the next read is due
    if reads are sent `pace` apart. `queue`: each queued read's ticket and deadline. `rounds`: the
    last round that each client joined. `round`, `turns`: the present round and the reads sent in
    it.
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
        read_key: str = "",
        ticket: Ticket | None = None,
        moved: int | None = None,
    ) -> Admission:
        """Decide whether a request may be sent now. `ticket`: from its last call, if it waited.

        `moved`: the slot of a request that could not be sent then, for which it gets the present
        one. Its turn and the circuit were decided when it got that slot.
        """
        self.clamp(now)
        self._drop_late(now)
        if moved is not None:
            with suppress(ValueError):  # a window has passed
                self.slots.remove(moved)
        elif self.open_until > now:
            return Admission(Decision.OPEN, self.open_until - now)
        while self.slots and self.slots[0] <= now - self.rate_limit.window:
            self.slots.popleft()
        if is_write or moved is not None:
            ready_at = self._slot_free_at(max(now, self.paused_until), self.rate_limit.limit, 0)
            admission = _admission(ready_at - now, max_wait)
        else:
            admission = self._acquire_read(now, max_wait, client, read_key, ticket)
        if admission.decision is Decision.GO:
            self.slots.append(now)
            admission = replace(admission, slot=now)
            if self.open_until:  # half-open: this request is the probe
                self.open_until = now + PROBE_INTERVAL
        return admission

    def clamp(self, now: int) -> None:
        """Correct for a clock that stepped back: no time may be farther ahead than it can be."""
        self.paused_until = min(self.paused_until, now + self.pause_length)
        self.open_until = min(self.open_until, now + PROBE_INTERVAL)
        latest_read = now + (self.rate_limit.burst + 1) * self.rate_limit.pace
        self.next_read = min(self.next_read, latest_read)
        for index in reversed(range(len(self.slots))):
            if self.slots[index] <= now:
                break
            self.slots[index] = now

    def promote(self, client: str, read_key: str) -> None:
        """See promote.lua."""
        _, next_round = self._rounds_of(client)
        for waiter in sorted(self.queue, key=self.queue.__getitem__):
            if waiter.read_key == read_key:
                ticket, deadline = self.queue[waiter]
                if next_round < ticket.round:
                    self.queue[waiter] = Ticket(next_round, ticket.seq), deadline
                    self.rounds[client] = next_round
                    self._give_back(waiter.client)
                return

    def report_success(self) -> None:
        self.failures = self.open_until = 0

    def report_failure(self, now: int) -> None:
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN and self.open_until <= now:
            self.open_until = now + PROBE_INTERVAL

    def pause(self, pause_length: int, now: int) -> None:
        if now + pause_length > self.paused_until:
            self.paused_until, self.pause_length = now + pause_length, pause_length

    def _acquire_read(
        self, now: int, max_wait: int, client: str, read_key: str, ticket: Ticket | None
    ) -> Admission:
        has_waited = ticket is not None
        last, next_round = self._rounds_of(client)
        ticket = ticket or Ticket(next_round, self.seq + 1)
        waiter = Waiter(ticket.seq, client, read_key)
        joins = waiter not in self.queue
        if joins:
            ticket = Ticket(min(ticket.round, next_round), ticket.seq)
        else:
            ticket, _ = self.queue[waiter]
        limit = self.rate_limit
        before = sum(other < ticket for other, _ in self.queue.values())
        paced_at = max(self.paused_until, self.next_read) + before * limit.pace
        has_just_paused = now < self.paused_until + limit.window
        is_burst = len(self.slots) + before < limit.burst and not has_just_paused
        ready_at = max(now, self.paused_until if is_burst else paced_at)
        ready_at = self._slot_free_at(ready_at, limit.limit - limit.reserve, before)
        admission = _admission(ready_at - now, max_wait, ticket)
        if admission.decision is Decision.FULL:
            if not joins:
                self._drop(waiter)
            return admission
        if joins:
            self.rounds[client] = max(last, ticket.round)
            self.seq = max(self.seq, ticket.seq)
        if admission.decision is Decision.WAIT:
            self.queue[waiter] = ticket, now + min(ready_at - now, HEARTBEAT) + GRACE
            return admission
        self.queue.pop(waiter, None)
        # A read that is late, but within its grace, does not delay those behind it.
        earliest = now - GRACE if has_waited else now
        self.next_read = max(self.paused_until, self.next_read, earliest) + limit.pace
        self._take_turn(ticket.round)
        return admission

    def _take_turn(self, number: int) -> None:
        if number > self.round:
            self.round, self.turns = number, 0
        if number == self.round:
            self.turns += 1
        if self.turns >= TURNS_PER_ROUND:
            self.round, self.turns = self.round + 1, 0
        self.rounds = {name: last for name, last in self.rounds.items() if last >= self.round}

    def _drop_late(self, now: int) -> None:
        latest = now + HEARTBEAT + GRACE  # no deadline is later, unless the clock stepped back
        late = [waiter for waiter, (_, until) in self.queue.items() if not now < until <= latest]
        for waiter in late:
            self._drop(waiter)

    def _rounds_of(self, client: str) -> tuple[int, int]:
        """Return the last round that the client joined, and the one that its next read joins."""
        last = self.rounds.get(client, self.round - 1)
        return last, max(self.round, last + 1)

    def _drop(self, waiter: Waiter) -> None:
        del self.queue[waiter]
        self._give_back(waiter.client)

    def _give_back(self, client: str) -> None:
        """Undo the client's last join, in which it had no turn."""
        if client in self.rounds:
            self.rounds[client] -= 1

    def _slot_free_at(self, at: int, room: int, before: int) -> int:
        """Return when a slot is free once `before` others have taken theirs; at least `at`."""
        taken, window = len(self.slots), self.rate_limit.window
        awaited = taken - room + before
        if not taken or awaited < 0:
            return at
        more = max(0, awaited - taken + 1)
        return max(at, self.slots[min(awaited, taken - 1)] + window + more * -(-window // room))


def _admission(wait: int, max_wait: int, ticket: Ticket | None = None) -> Admission:
    if wait > max_wait:
        return Admission(Decision.FULL, wait)
    if wait > 0:
        return Admission(Decision.WAIT, wait, ticket)
    return Admission(Decision.GO, 0)

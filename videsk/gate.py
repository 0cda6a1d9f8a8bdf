"""The gate to Videsk: the budget of requests (guarantee 3) and the circuit (guarantee 7).

For all processes in Redis, by two small scripts on Redis's clock; while Redis is away, by this
process's share. Whoever must wait is told for how long and sleeps until then, or until its next
heartbeat: nobody spins.
"""

import hashlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from redis import Redis

from meter import Meter
from redis_link import RedisAwayError, RedisLink
from videsk.errand import client_at_hand
from videsk.errors import VideskBusyError, VideskClosedError
from videsk.terms import (
    FAILURES_TO_OPEN,
    GRACE,
    HEARTBEAT,
    SECOND,
    TRIAL,
    TURNS,
    Answer,
    Book,
    Terms,
    Ticket,
    Verdict,
)

log = logging.getLogger("videsk_proxy.gate")

PROMOTE_SECONDS = 1.0
"""Of those of one client who wait for one read, one in so many seconds promotes it."""

MOST_PROMOTIONS = 1000

PATIENCE_SECONDS = 10
"""How long a request waits for its place: then the client is told to come again."""

_HERE = Path(__file__).parent


class RedisGate:
    """The book of all processes. Raises RedisAwayError.

    `secret`: under it the clients' addresses are hashed, which are not to be read out of Redis.
    """

    def __init__(self, link: RedisLink, prefix: str, terms: Terms, secret: bytes) -> None:
        self._link = link
        names = ("places", "state", "queue", "deadlines", "rounds")
        self._keys = [f"{prefix}gate:{name}" for name in names]
        self._terms = terms
        self._secret = secret
        self._ask = link.redis.register_script((_HERE / "gate.lua").read_text())
        self._report = link.redis.register_script((_HERE / "report.lua").read_text())
        self._promote = link.redis.register_script((_HERE / "promote.lua").read_text())

    def ask(
        self,
        patience: int,
        *,
        is_write: bool,
        client: str = "",
        what: str = "",
        ticket: Ticket | None = None,
        now: int | None = None,
    ) -> Answer:
        terms = self._terms
        args: list[str | int] = [int(is_write), terms.limit, terms.reserve, terms.window, patience]
        args += [TRIAL, HEARTBEAT, GRACE, TURNS, self._hash(client), what]
        args += ticket or ("", "")
        args += [] if now is None else [now]
        verdict, wait, *place = self._link.call(lambda: self._ask(self._keys, args))
        has_place = verdict == Verdict.WAIT and not is_write
        return Answer(Verdict(verdict), int(wait), Ticket(*map(int, place)) if has_place else None)

    def report(self, what: str, hold: int = 0, now: int | None = None) -> None:
        """`what`: success, failure or hold."""
        args: list[str | int] = [what, hold, FAILURES_TO_OPEN, TRIAL]
        args += [] if now is None else [now]
        self._link.call(lambda: self._report(self._keys[1:2], args))

    def promote(self, client: str, what: str) -> None:
        state, queue, rounds = self._keys[1], self._keys[2], self._keys[4]
        args = [self._hash(client), what]
        self._link.call(lambda: self._promote([state, queue, rounds], args))

    def book(self) -> Book:
        """Places, hold and circuit as they stand in Redis, on this process's clock."""
        (seconds, micros), places, known = self._link.call(self._read)
        behind = _now() - (int(seconds) * SECOND + int(micros))
        hold, opened, failures = (int(known[index] or 0) for index in (0, 2, 3))
        book = Book(self._terms, deque(int(place) + behind for place in places))
        book.hold, book.open, book.failures = hold + behind, opened + behind, failures
        book.pause = int(known[1] or book.pause)
        return book

    def _hash(self, client: str) -> str:
        if not client:
            return ""
        return hashlib.blake2b(client.encode(), digest_size=8, key=self._secret).hexdigest()

    def _read(self) -> tuple[tuple[int, int], list[bytes], list[bytes | None]]:
        with self._link.redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.lrange(self._keys[0], 0, -1)
            pipe.hmget(self._keys[1], "hold", "pause", "open", "failures")
            time_there, places, known = pipe.execute()
        return time_there, places, known

    def hold_after_loss(self, redis: Redis) -> None:
        """What left while Redis was away is not in its book: nobody leaves for a window."""
        self._report(self._keys[1:2], ["hold", self._terms.window, 0, 0], client=redis)


class Gate:
    """Lets requests leave, one by one. `share`: the book for this process alone."""

    def __init__(
        self,
        share: Terms,
        shared: RedisGate | None,
        link: RedisLink | None,
        meter: Meter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._share = share
        self._book = Book(share)
        self._shared = shared
        self._link = link
        self._meter = meter
        self._losses = 0
        self._promoted_at: dict[tuple[str, str], float] = {}
        self._sleep = sleep
        if shared and link:
            link.when_back(shared.hold_after_loss)

    def enter(self, seconds: float, *, is_write: bool, what: str = "") -> None:
        """Wait for a place, at most `seconds` and PATIENCE_SECONDS. Reads take turns by the client
        that the request at hand is for; `what` is read. Raises VideskBusyError, VideskClosedError.
        """
        client = client_at_hand()
        end = time.monotonic() + min(seconds, PATIENCE_SECONDS)
        ticket, waits = None, False
        while True:
            patience = max(0, round((end - time.monotonic()) * SECOND))
            answer = self._ask(patience, is_write=is_write, client=client, what=what, ticket=ticket)
            wait_seconds = answer.wait / SECOND
            if answer.verdict is Verdict.GO:
                return
            if not (waits and answer.verdict is Verdict.WAIT):
                log.debug("%s, %.3f s", answer.verdict.name, wait_seconds)
                self._meter.gate(answer.verdict.name.lower(), wait_seconds)
            if answer.verdict is Verdict.OPEN:
                raise VideskClosedError(wait_seconds)
            if answer.verdict is Verdict.FULL:
                raise VideskBusyError(wait_seconds)
            self._sleep(min(answer.wait, HEARTBEAT) / SECOND)
            ticket, waits = answer.ticket, True

    def promote(self, client: str, what: str) -> None:
        """`client` waits for a read of `what` that another client's request may have queued."""
        now = time.monotonic()
        if now < self._promoted_at.get((client, what), -math.inf) + PROMOTE_SECONDS:
            return None
        if len(self._promoted_at) >= MOST_PROMOTIONS:
            self._promoted_at.clear()
        self._promoted_at[client, what] = now
        if self._shared:
            try:
                return self._shared.promote(client, what)
            except RedisAwayError:
                self._start_afresh()
        return self._book.promote(client, what)

    def succeeded(self) -> None:
        """Videsk has answered, which ends any row of failures, also of other processes."""
        self._tell("success", Book.succeed)

    def failed(self) -> None:
        """Videsk did not answer, or with a 5xx."""
        self._tell("failure", lambda book: book.fail(_now()))

    def hold(self, seconds: float) -> None:
        """Videsk wants to be left alone for so long."""
        log.info("held back for %.1f s, as Videsk says", seconds)
        pause = round(seconds * SECOND)
        self._tell("hold", lambda book: book.hold_for(pause, _now()), pause)

    def look(self) -> dict[str, Any]:
        """The circuit, and how many requests may leave in this window still."""
        book = self._book
        if self._shared:
            try:
                book = self._shared.book()
            except RedisAwayError:
                self._start_afresh()
                book = self._book
        now = _now()
        book.clamp(now)
        left = book.terms.limit - sum(place > now - book.terms.window for place in book.places)
        return {
            "circuit": "open" if book.open > now else "closed",
            "budget": {"limit": book.terms.limit, "left": 0 if book.hold > now else left},
        }

    def _ask(
        self, patience: int, *, is_write: bool, client: str, what: str, ticket: Ticket | None
    ) -> Answer:
        """A ticket of the other book, from before Redis was lost or back, is good in either."""
        if self._shared:
            try:
                return self._shared.ask(
                    patience, is_write=is_write, client=client, what=what, ticket=ticket
                )
            except RedisAwayError:
                self._start_afresh()
        return self._book.ask(
            _now(), patience, is_write=is_write, client=client, what=what, ticket=ticket
        )

    def _tell(self, what: str, note: Callable[[Book], None], hold: int = 0) -> None:
        if self._shared:
            try:
                return self._shared.report(what, hold)
            except RedisAwayError:
                self._start_afresh()
        return note(self._book)

    def _start_afresh(self) -> None:
        """After a loss of Redis: what others have let leave in the last second is not in our book,
        so we let nobody leave before that second is over.
        """
        if self._link and self._losses != self._link.losses:
            self._losses = self._link.losses
            # Unpaced, as all that was cached in Redis is asked for again, and nobody is to wait
            # more than 50 ms because Redis is away.
            self._book = Book(replace(self._share, is_paced=False))
            since = time.monotonic() - self._link.lost_at
            self._book.hold_for(self._share.window - round(since * SECOND), _now())


def _now() -> int:
    return time.monotonic_ns() // 1000

"""One way to read what can be remembered: from the store while it may be served, else fetched once.

Knows neither what is fetched nor who asks. The life of an entry:

    fetched ─► FRESH: served ─► STALE: served, while one refresh runs behind the scenes ─► GONE
       └────────── outdated by a write: not there at all, whatever its age ──────────┘

All of this happens in Redis, for all processes; while Redis is away, in this process alone.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import gevent

from cache.flight import Flights
from cache.near import Near
from cache.policy import Freshness, Window, decide, ttl
from cache.shared_flight import Flight, SharedFlights
from cache.store import Entry, Store, read_entry
from meter import Meter
from redis_link import RedisAwayError, RedisLink

log = logging.getLogger("videsk_proxy.cache")

T = TypeVar("T")

REFRESH_SECONDS = 25.0
"""For one whole refresh behind the scenes."""

WAIT_SECONDS = 0.25
"""A miss that takes longer has its `on_wait` called: most do not."""

REFRESH_PAUSE_SECONDS = 1.0
"""From the end of a refresh to the next of that entry in one process, whatever came of it."""

MOST_PAUSES = 10_000
"""About 2 MB of keys; then all pauses end."""


@dataclass(frozen=True)
class Reading:
    """A JSON answer, when it was asked for and until when it is fresh (seconds since the epoch),
    and how it came about in the words of RFC 9211 (Cache-Status).

    Where it is not `storable`, no cache may store it (RFC 9111, section 5.2.2.5).
    """

    body: bytes
    asked_at: float
    fresh_until: float
    cache_status: str
    storable: bool = True


@dataclass(frozen=True)
class _Question:
    """What is asked for: under which key, in which groups (its service or user, and wider ones),
    for how long the answer may be served, how to fetch it in so many seconds, and what to do once
    that takes long.
    """

    key: str
    groups: Sequence[str]
    window: Window
    fetch: Callable[[float], bytes]
    on_wait: Callable[[], None]


@dataclass(frozen=True)
class Shared:
    """Redis: where all processes remember, and agree on who fetches."""

    link: RedisLink
    store: Store
    flights: SharedFlights

    def changes(self) -> bytes:
        """A token that changes after any group's did, and when Redis was lost: what it holds by
        then may be older, and so may its token. Raises RedisAwayError.
        """
        losses = self.link.losses  # before the question: one that is lost meanwhile counts
        return b"%d %b" % (losses, self.link.call(self.store.changes))


class Reader:
    """Reads through `shared`, and through `local` where that is None or away.

    `clock` tells seconds since the epoch.
    """

    def __init__(
        self,
        shared: Shared | None,
        local: Store,
        near: Near[Any],
        meter: Meter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shared = shared
        self._local = local
        self._near = near
        self._meter = meter
        self._clock = clock
        self._losses = 0
        self._flights: Flights[Reading] = Flights()
        self._refreshing: set[tuple[str, bytes]] = set()
        self._refreshed_at: dict[str, float] = {}

    def read(
        self,
        key: str,
        groups: Sequence[str],
        window: Window,
        fetch: Callable[[float], bytes],
        *,
        seconds: float,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Reading:
        """The entry if it may be served, else what one fetch returns to all who ask meanwhile.

        `fetch` is given the seconds it may take. `on_wait` is called once, in a greenlet, if the
        answer is not there after WAIT_SECONDS. Raises what `fetch` raises, and FlightTimeoutError
        after `seconds` of waiting for another's.
        """
        question = _Question(key, groups, window, fetch, on_wait)
        end = time.monotonic() + seconds
        return self._where_possible(lambda shared: self._read(shared, question, end))

    def peek(self, key: str, groups: Sequence[str], window: Window) -> bytes | None:
        """Return the body stored under `key` if it is fresh. Never fetches, never returns a stale
        body: what is decided by it must not depend on how long ago it was last read.
        """
        entry, _ = self._where_possible(lambda shared: self._look(shared, key, groups))
        return entry.body if entry and self._freshness(entry, window) is Freshness.FRESH else None

    def outdate(self, groups: Iterable[str]) -> None:
        """When this returns, nobody reads any more what these groups' entries have held."""
        names = sorted(groups)
        log.debug("outdated: %d groups", len(names))
        self._meter.outdated(len(names))

        def replace_tokens(shared: Shared | None) -> Shared | None:
            if shared:
                shared.link.call(lambda: shared.store.outdate(names))
            else:
                self._local.outdate(names)
            return shared

        for_all = self._where_possible(replace_tokens)
        while self._shared and not for_all and not self._shared.link.away:
            # Redis has come back in between: its own drop (RedisLink) may have been before this.
            for_all = self._where_possible(replace_tokens)
        self._near.drop()
        if for_all:
            self._near.wait_for_others()

    def _where_possible(self, action: Callable[[Shared | None], T]) -> T:
        """In Redis, else here: where what an earlier absence of Redis left is no longer true."""
        if self._shared:
            try:
                return action(self._shared)
            except RedisAwayError:
                if self._losses != self._shared.link.losses:
                    self._losses = self._shared.link.losses
                    self._local.clear()
        return action(None)

    def _look(
        self, shared: Shared | None, key: str, groups: Sequence[str]
    ) -> tuple[Entry | None, bytes]:
        if shared:
            return shared.link.call(lambda: shared.store.look(key, groups))
        return self._local.look(key, groups)

    def _freshness(self, entry: Entry, window: Window) -> Freshness:
        return decide(self._clock() - entry.asked_at, window)

    def _read(self, shared: Shared | None, question: _Question, end: float) -> Reading:
        entry, stamp = self._look(shared, question.key, question.groups)
        if entry:
            age_seconds = self._clock() - entry.asked_at
            freshness = decide(age_seconds, question.window)
            status = f"hit; ttl={ttl(age_seconds, question.window)}"
            if freshness is Freshness.FRESH:
                return _reading(entry, question, status)
            if freshness is Freshness.STALE:
                self._refresh(shared, question, stamp)
                return _reading(entry, question, f"{status}; detail=stale")
        waiting = gevent.spawn_later(WAIT_SECONDS, question.on_wait)
        try:
            reading, joined = self._flights.join(
                (question.key, stamp),
                lambda: self._fetch_once(shared, question, stamp, end),
                end - time.monotonic(),
            )
        finally:
            waiting.kill(block=False)
        return replace(reading, cache_status="fwd=miss; collapsed") if joined else reading

    def _fetch_once(
        self, shared: Shared | None, question: _Question, stamp: bytes, end: float
    ) -> Reading:
        """Fetch for this process, and for all others too unless one of them does."""
        stored = False

        def fetch() -> bytes:
            nonlocal stored
            outcome, stored = self._fetch(shared, question, stamp, end)
            return outcome

        if not shared:
            outcome, collapsed = fetch(), False
        else:
            flight, seconds = Flight(question.key, stamp), end - time.monotonic()
            look_again = self._looking_again(question, stamp)
            outcome, collapsed = shared.flights.fly(flight, look_again, fetch, seconds)
        how = "; collapsed" if collapsed else "; stored" if stored else ""
        return _reading(Entry.from_bytes(outcome), question, f"fwd=miss{how}")

    def _looking_again(
        self, question: _Question, stamp: bytes
    ) -> Callable[[bytes | None], bytes | None]:
        """What the store holds by now, if that is fresh: another's work of a moment ago."""

        def look_again(stored: bytes | None) -> bytes | None:
            entry = read_entry(question.key, stored, stamp)
            if entry and self._freshness(entry, question.window) is Freshness.FRESH:
                return stored
            return None

        return look_again

    def _fetch(
        self, shared: Shared | None, question: _Question, stamp: bytes, end: float
    ) -> tuple[bytes, bool]:
        """The entry as the store has it, and whether it is remembered now. Nothing of Redis raises
        here: what has been asked of Videsk is not asked again because it could not be written down.
        """
        asked_at = self._clock()
        entry = Entry(asked_at, stamp, question.fetch(end - time.monotonic()))
        to_put = question.key, question.groups, entry, question.window.keep_seconds
        stored = question.window.remembers
        if stored and shared:
            try:
                shared.link.call(lambda: shared.store.put(*to_put))
            except RedisAwayError:
                stored = False
        elif stored:
            self._local.put(*to_put)
        return entry.to_bytes(), stored

    def _refresh(self, shared: Shared | None, question: _Question, stamp: bytes) -> None:
        """Start one refresh behind the scenes, unless one is under way or ended a moment ago."""
        paused_until = self._refreshed_at.get(question.key, 0.0) + REFRESH_PAUSE_SECONDS
        if (question.key, stamp) not in self._refreshing and time.monotonic() >= paused_until:
            self._refreshing.add((question.key, stamp))
            gevent.spawn(self._run_refresh, shared, question, stamp)

    def _run_refresh(self, shared: Shared | None, question: _Question, stamp: bytes) -> None:
        end = time.monotonic() + REFRESH_SECONDS
        name = (question.key, stamp)
        try:
            if shared:
                shared.flights.refresh(
                    Flight(question.key, stamp),
                    self._looking_again(question, stamp),
                    lambda: self._fetch(shared, question, stamp, end)[0],
                )
            else:  # who misses meanwhile waits for this flight, as in Redis
                fetch = partial(self._fetch_once, None, question, stamp, end)
                self._flights.join(name, fetch, REFRESH_SECONDS)
        except Exception as error:  # noqa: BLE001 - nobody waits for it: the old entry stays
            what = question.key.partition(":")[0]  # the rest is what somebody asked for
            log.info("%s not refreshed: %s", what, type(error).__name__)
        finally:
            self._refreshing.discard(name)
            if len(self._refreshed_at) > MOST_PAUSES:
                self._refreshed_at.clear()
            self._refreshed_at[question.key] = time.monotonic()


def _reading(entry: Entry, question: _Question, cache_status: str) -> Reading:
    fresh_until = entry.asked_at + question.window.fresh_seconds
    return Reading(entry.body, entry.asked_at, fresh_until, cache_status)

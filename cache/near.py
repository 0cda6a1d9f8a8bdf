"""Answers ready to send, in this process, for as long as nothing was outdated anywhere.

An answer is kept under the store's token of changes, which every write replaces. To ask for that
token before each answer would cost as much as to ask for the entry, so a process holds a lease:

1. At t a process asks for the token. Until t + LEASE_SECONDS it serves what it keeps under it.
2. A writer replaces the token, waits for LEASE_SECONDS, and then answers its client.
3. Who asked before the token was replaced has no lease any more when the writer answers; who asked
   after that has seen the new token, and dropped what it kept.

So nobody reads what a write has changed once that write was answered, whether a message gets lost
or a process stands still: no clock but each one's own is needed. Where the token cannot be asked
for, nothing is served from here.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cache.flight import Flights, FlightTimeoutError
from redis_link import RedisAwayError

T = TypeVar("T")

LEASE_SECONDS = 0.005
"""What a write waits for: little beside the time that Videsk takes for it."""

ASK_SECONDS = 1.0
"""The longest wait for another's question for the token."""

MOST_BYTES = 24_000_000
"""Of all answers together, so that whoever asks for ever new ones fills no memory."""

OVERHEAD_BYTES = 1000
"""Of Python's own objects for an answer and its key, about: 850 were measured."""


@dataclass(frozen=True)
class _Kept(Generic[T]):
    answer: T
    until: float
    token: bytes
    size: int


class Near(Generic[T]):
    """Ready answers by key. `changes` asks for the token, and may raise RedisAwayError.

    Without a lease (`lease_seconds` 0: the token is this process's own) it is asked for each time.
    """

    def __init__(
        self,
        changes: Callable[[], bytes],
        lease_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._changes = changes
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._kept: dict[Hashable, _Kept[T]] = {}
        self._size = 0
        self.token = b""
        """What answers are kept under now; empty: nothing is kept."""
        self._lease_until = 0.0
        self._drops = 0
        self._asking: Flights[None] = Flights()

    def get(self, key: Hashable) -> T | None:
        """The answer kept under `key`, if it may be served still."""
        if self.token and not self._found(key):
            return None  # whatever the token is now
        try:
            self._make_sure()
        except (RedisAwayError, FlightTimeoutError):
            self.drop()
            return None
        kept = self._found(key)
        return kept.answer if kept else None

    def put(self, key: Hashable, answer: T, until: float, token: bytes, size: int) -> None:
        """Keep an answer that was asked for under `token`, and drop the oldest for it. `size`: its
        bytes and its key's; `until`: seconds since the epoch.
        """
        if token and token == self.token:
            self._forget(key)
            kept = _Kept(answer, until, token, size + OVERHEAD_BYTES)
            while self._kept and self._size + kept.size > MOST_BYTES:
                self._forget(next(iter(self._kept)))
            self._kept[key] = kept
            self._size += kept.size

    def drop(self) -> None:
        """Keep nothing of what was read until now, nor of what is being read."""
        self._drops += 1
        self._learn(b"", 0.0)

    def wait_for_others(self) -> None:
        """Wait until no process has a lease from before now."""
        end = self._monotonic() + self._lease_seconds
        while (left := end - self._monotonic()) > 0:
            time.sleep(left)

    def _found(self, key: Hashable) -> _Kept[T] | None:
        kept = self._kept.get(key)
        current = kept and kept.token == self.token and kept.until > self._clock()
        return kept if current else None

    def _make_sure(self) -> None:
        """Have a lease, or ask for the token after this call has begun, which is as good."""
        if not self._lease_seconds:
            self._ask()
            return
        while self._monotonic() >= self._lease_until:
            _, by_another = self._asking.join("token", self._ask, ASK_SECONDS)
            if not by_another:
                return

    def _ask(self) -> None:
        asked_at, drops = self._monotonic(), self._drops
        token = self._changes()
        if drops == self._drops:
            self._learn(token, asked_at + self._lease_seconds)

    def _forget(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        self._size -= kept.size if kept else 0

    def _learn(self, token: bytes, lease_until: float) -> None:
        if token != self.token:
            self._kept.clear()
            self._size = 0
            self.token = token
        self._lease_until = lease_until

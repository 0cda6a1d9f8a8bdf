"""The near cache: whole responses in this process, until a write invalidates anything anywhere.

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

from cache.single_flight import SingleFlight, SingleFlightTimeoutError
from common.resilient_redis import RedisUnavailableError

T = TypeVar("T")

LEASE_SECONDS = 0.005
"""What a write waits for: little beside the time that Videsk takes for it."""

VERSION_SECONDS = 1.0
"""The longest wait for another's question for the token."""

MAX_BYTES = 24_000_000
"""Of all answers together, so that whoever asks for ever new ones fills no memory."""

OVERHEAD_BYTES = 1000
"""Of Python's own objects for an answer and its key, about: 850 were measured."""


@dataclass(frozen=True)
class _Item(Generic[T]):
    answer: T
    until: float
    version: bytes
    size: int


class NearCache(Generic[T]):
    """Responses by key. `current_version` reads the version, and may raise
    RedisUnavailableError.

    Without a lease (`lease_seconds` 0: the token is this process's own) it is asked for each time.
    """

    def __init__(
        self,
        current_version: Callable[[], bytes],
        lease_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current_version = current_version
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._items: dict[Hashable, _Item[T]] = {}
        self._size = 0
        self.version = b""
        """What answers are kept under now; empty: nothing is kept."""
        self._lease_until = 0.0
        self._clears = 0
        self._version_flight: SingleFlight[None] = SingleFlight()

    def get(self, key: Hashable) -> T | None:
        """The answer kept under `key`, if it may be served still."""
        if self.version and not self._current(key):
            return None  # whatever the token is now
        try:
            self._ensure_lease()
        except (RedisUnavailableError, SingleFlightTimeoutError):
            self.clear()
            return None
        item = self._current(key)
        return item.answer if item else None

    def put(self, key: Hashable, answer: T, until: float, version: bytes, size: int) -> None:
        """Keep a response that was read under `version`, and evict the oldest ones for it. `size`:
        its bytes and its key's; `until`: seconds since the epoch.
        """
        if version and version == self.version:
            self._evict(key)
            item = _Item(answer, until, version, size + OVERHEAD_BYTES)
            while self._items and self._size + item.size > MAX_BYTES:
                self._evict(next(iter(self._items)))
            self._items[key] = item
            self._size += item.size

    def clear(self) -> None:
        """Keep nothing of what was read until now, nor of what is being read."""
        self._clears += 1
        self._set_version(b"", 0.0)

    def wait_for_leases(self) -> None:
        """Wait until no process has a lease from before now."""
        end = self._monotonic() + self._lease_seconds
        while (left := end - self._monotonic()) > 0:
            time.sleep(left)

    def _current(self, key: Hashable) -> _Item[T] | None:
        item = self._items.get(key)
        current = item and item.version == self.version and item.until > self._clock()
        return item if current else None

    def _ensure_lease(self) -> None:
        """Have a lease, or ask for the token after this call has begun, which is as good."""
        if not self._lease_seconds:
            self._fetch_version()
            return
        while self._monotonic() >= self._lease_until:
            _, by_another = self._version_flight.do("token", self._fetch_version, VERSION_SECONDS)
            if not by_another:
                return

    def _fetch_version(self) -> None:
        asked_at, clears = self._monotonic(), self._clears
        version = self._current_version()
        if clears == self._clears:
            self._set_version(version, asked_at + self._lease_seconds)

    def _evict(self, key: Hashable) -> None:
        item = self._items.pop(key, None)
        self._size -= item.size if item else 0

    def _set_version(self, version: bytes, lease_until: float) -> None:
        if version != self.version:
            self._items.clear()
            self._size = 0
            self.version = version
        self._lease_until = lease_until

"""Near cache: whole responses in this process, valid until any write anywhere invalidates.

Responses are cached under the store's version, which every write replaces. Reading the version for
each request would cost as much as reading the entry, so a process holds a lease on it:

1. At t a process reads the version. Until t + LEASE_SECONDS it serves what it cached under it.
2. A writer replaces the version, waits for LEASE_SECONDS, and only then responds to its client.
3. A process that read the old version has lost its lease by then. One that read the new version
   has dropped its responses.

So no request gets what an acknowledged write has changed, even if a process stalls, and no two
clocks are compared. While the version cannot be read, the near cache serves nothing.
"""

import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

import gevent
from cachetools import FIFOCache

from cache.single_flight import SingleFlight, SingleFlightTimeoutError
from common.resilient_redis import RedisUnavailableError

T = TypeVar("T")

LEASE_SECONDS = 0.02
"""What every write waits for: little compared with the time that Videsk takes for it. A renewal
costs about as much as a hit.
"""

RENEW_SHARE = 0.25
"""In the last quarter of its lease, a process that serves hits renews it in the background."""

VERSION_SECONDS = 1.0
"""The longest wait for another request that is reading the version."""

MAX_BYTES = 24_000_000
"""Of all responses together. The oldest are evicted first."""

OVERHEAD_BYTES = 1000
"""Python's own objects for a response and its key: about 850 bytes were measured."""


class _Item(NamedTuple, Generic[T]):
    response: T
    until: float
    size: int


class NearCache(Generic[T]):
    """Responses by key. `current_version` may raise RedisUnavailableError.

    Without a lease (`lease_seconds` 0: the version is this process's own) every `get` reads it.
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
        self._items = self._empty()
        self.version = b""
        """The version that responses are cached under now; empty: none is cached."""
        self._lease_until = 0.0
        self._is_renewing = False
        self._clears = 0
        self._version_flight: SingleFlight[None] = SingleFlight()

    def get(self, key: Hashable) -> T | None:
        """Return the response cached under `key` if it is still valid."""
        item = self._find(key)
        if self.version and not item:
            return None  # whatever the version is now
        left = self._lease_until - self._monotonic()
        if 0 < left < self._lease_seconds * RENEW_SHARE and not self._is_renewing:
            self._is_renewing = True
            gevent.spawn(self._renew_early)
        elif left <= 0:
            try:
                self._renew_lease()
            except (RedisUnavailableError, SingleFlightTimeoutError):
                self.clear()
                return None
            item = self._find(key)
        return item.response if item else None

    def put(self, key: Hashable, response: T, until: float, version: bytes, size: int) -> None:
        """Cache a response that was read under `version`, unless that is no longer the current one.

        `size`: bytes of the response and its key. `until`: seconds since the epoch.
        """
        item = _Item(response, until, size + OVERHEAD_BYTES)
        if version and version == self.version and item.size <= MAX_BYTES:
            self._items[key] = item

    def clear(self) -> None:
        """Drop all responses, and those that are being read now."""
        self._clears += 1
        self._set_version(b"", 0.0)

    def wait_for_leases(self) -> None:
        """Wait until every lease that any process holds now has expired."""
        end = self._monotonic() + self._lease_seconds
        while (left := end - self._monotonic()) > 0:
            time.sleep(left)

    def _empty(self) -> FIFOCache[Hashable, _Item[T]]:
        return FIFOCache(MAX_BYTES, lambda item: item.size)

    def _find(self, key: Hashable) -> _Item[T] | None:
        item = self._items.get(key)
        return item if item and item.until > self._clock() else None

    def _renew_early(self) -> None:
        """Renew the lease while it is still valid, so that no request has to wait for that."""
        with suppress(RedisUnavailableError, SingleFlightTimeoutError):
            self._version_flight.do("", self._fetch_version, VERSION_SECONDS)
        self._is_renewing = False

    def _renew_lease(self) -> None:
        if not self._lease_seconds:
            self._fetch_version()
            return
        for _ in range(2):
            _, joined = self._version_flight.do("", self._fetch_version, VERSION_SECONDS)
            if not joined or self._monotonic() < self._lease_until:
                return
        # All reads of the version but a first one that was joined have begun after this call, which
        # is as good as a lease. Far from Redis, a lease has expired when the version arrives.

    def _fetch_version(self) -> None:
        started, clears = self._monotonic(), self._clears
        version = self._current_version()
        if clears == self._clears:
            self._set_version(version, started + self._lease_seconds)

    def _set_version(self, version: bytes, lease_until: float) -> None:
        if version != self.version:
            # Not cleared: a thread that reads meanwhile would get a KeyError from cachetools.
            self._items = self._empty()
            self.version = version
        self._lease_until = lease_until

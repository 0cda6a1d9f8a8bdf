"""One way to read what can be remembered: from the store while it is fresh, else fetched.

Knows neither what is fetched nor who asks. Stale answers, and one fetch for many who ask at once,
belong here.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from cache.policy import Window, seconds_fresh
from cache.store import Entry, Store


@dataclass(frozen=True)
class Reading:
    """A JSON answer, and how it came about in the words of RFC 9211 (Cache-Status)."""

    body: bytes
    cache_status: str


class Reader:
    """Reads through the store. `clock` tells seconds since the epoch."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def read(self, key: str, window: Window, fetch: Callable[[], bytes]) -> Reading:
        """The entry under `key` if it is fresh, else what `fetch` returns, remembered.

        Whatever `fetch` raises is raised; an error is never remembered.
        """
        entry = self._store.get(key) if window.fresh_seconds else None
        if entry:
            left = seconds_fresh(entry.fetched_at, self._clock(), window)
            if left > 0:
                return Reading(entry.body, f"hit; ttl={math.ceil(left)}")
        return self._fetch(key, window, fetch)

    def _fetch(self, key: str, window: Window, fetch: Callable[[], bytes]) -> Reading:
        asked_at = self._clock()
        body = fetch()
        stored = window.fresh_seconds > 0 and self._store.put(
            key, Entry(asked_at, body), window.keep_seconds
        )
        return Reading(body, "fwd=miss; stored" if stored else "fwd=miss")

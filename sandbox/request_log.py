"""What was asked of Videsk: every request received, in the order of arrival.

Owns the list that tests read to know what really travelled. Knows nothing of the answers but their
status.
"""

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

# Enough for a load test of an hour and a half at Videsk's own limit.
_NEWEST_KEPT = 100_000


@dataclass
class Entry:
    """One request. `at` in epoch seconds of real time; `path` and `query` as they were on the wire;
    `status` stays None until an answer begins, and for ever when none does."""

    at: float
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str = ""
    status: int | None = None


class RequestLog:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_NEWEST_KEPT)

    def reset(self) -> None:
        self._entries.clear()

    def arrival(self, method: str, path: str, query: str, headers: dict[str, str]) -> Entry:
        """Write a request down; what becomes known later is set on the entry returned."""
        entry = Entry(time.time(), method, path, query, headers)
        self._entries.append(entry)
        return entry

    def entries(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self._entries]

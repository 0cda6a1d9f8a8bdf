"""The log of all requests to Videsk in the order of arrival, for tests to read."""

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

# Enough for a load test of 80 minutes at 20 requests per second.
_MAX_ENTRIES = 100_000


@dataclass
class Entry:
    """One request. `at`: epoch seconds of real time. `path`, `query`: as received.

    `status`: None until a response starts.
    """

    at: float
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str = ""
    status: int | None = None


class RequestLog:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_MAX_ENTRIES)

    def reset(self) -> None:
        self._entries.clear()

    def add(self, method: str, path: str, query: str, headers: dict[str, str]) -> Entry:
        """Log a request. The caller sets body and status on the returned entry later."""
        entry = Entry(time.time(), method, path, query, headers)
        self._entries.append(entry)
        return entry

    def entries(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self._entries]

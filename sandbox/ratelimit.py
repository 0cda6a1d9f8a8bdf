"""The account's rate limit: a sliding window of one second over all endpoints.

A rejected request does not count, so a client that waits a second is admitted again.
"""

import time
from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 1


@dataclass(frozen=True)
class Admission:
    """Whether a request is admitted, and the headers of its response."""

    granted: bool
    headers: dict[str, str] = field(default_factory=dict)


class RateLimit:
    """`limit` requests per second. With None, there is no limit and there are no headers."""

    def __init__(self, limit: int | None) -> None:
        self._limit_at_start = limit
        self.limit = limit
        self._passed: deque[float] = deque()

    def reset(self) -> None:
        self.limit = self._limit_at_start
        self._passed.clear()

    def take(self) -> Admission:
        if self.limit is None:
            return Admission(granted=True)
        now = time.monotonic()
        while self._passed and now - self._passed[0] >= WINDOW_SECONDS:
            self._passed.popleft()
        granted = len(self._passed) < self.limit
        if granted:
            self._passed.append(now)
        headers = {
            "Ratelimit-Limit": str(self.limit),
            "Ratelimit-Remaining": str(max(0, self.limit - len(self._passed))),
            "Ratelimit-Reset": str(WINDOW_SECONDS),
            "Ratelimit-Policy": f"{self.limit};w={WINDOW_SECONDS}",
        }
        if not granted:
            headers["Retry-After"] = str(WINDOW_SECONDS)
        return Admission(granted, headers)

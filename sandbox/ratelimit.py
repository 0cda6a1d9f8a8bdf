"""The account's limit: so many requests in any sliding second, over all endpoints together.

Owns the count and the four headers that tell it. Knows no endpoint. A refused request takes no
place, so a caller that waits a second is let in again.
"""

import time
from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 1


@dataclass(frozen=True)
class Place:
    """What one request got: whether it may pass, and the headers its answer carries."""

    granted: bool
    headers: dict[str, str] = field(default_factory=dict)


class RateLimit:
    """`limit` requests a second; None: no limit, and no headers either."""

    def __init__(self, limit: int | None) -> None:
        self._limit_at_start = limit
        self.limit = limit
        self._passed: deque[float] = deque()

    def reset(self) -> None:
        self.limit = self._limit_at_start
        self._passed.clear()

    def take(self) -> Place:
        if self.limit is None:
            return Place(granted=True)
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
        return Place(granted, headers)

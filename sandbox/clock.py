"""The sandbox's clock, which tests can shift."""

import time


class Clock:
    """Wall time plus an offset in seconds."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def now(self) -> int:
        """Return the current time in epoch milliseconds."""
        return int((time.time() + self.offset_seconds) * 1000)

    def reset(self) -> None:
        self.offset_seconds = 0.0

"""What an entry's age means. Pure: no clock, no Redis."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """How long an answer counts as fresh (RFC 9111, section 4.2); 0: it is never stored."""

    fresh_seconds: float

    @property
    def keep_seconds(self) -> int:
        """How long the store keeps an entry: whole seconds, never less than it can be used."""
        return math.ceil(self.fresh_seconds)


def seconds_fresh(fetched_at: float, now: float, window: Window) -> float:
    """How much longer an entry is fresh; not above zero: no longer.

    An entry from the future (another instance's clock is ahead) counts as fetched now.
    """
    return window.fresh_seconds - max(0.0, now - fetched_at)

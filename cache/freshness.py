"""Freshness of a cache entry: fresh, stale or expired. Pure functions.

See https://www.rfc-editor.org/rfc/rfc9111#section-4.2 and https://www.rfc-editor.org/rfc/rfc5861.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto


class Freshness(Enum):
    """A stale entry may be served while it is revalidated."""

    FRESH = auto()
    STALE = auto()
    EXPIRED = auto()


@dataclass(frozen=True)
class FreshnessPolicy:
    """How long an entry is fresh, and for how long after that it may be served stale.

    `fresh_seconds` 0: nothing is cached.
    """

    fresh_seconds: float
    stale_seconds: float

    @property
    def is_cacheable(self) -> bool:
        return self.fresh_seconds > 0

    @property
    def usable_seconds(self) -> float:
        """The age at which an entry expires, if any is cached."""
        return self.fresh_seconds + self.stale_seconds

    @property
    def keep_seconds(self) -> int:
        """The TTL in the store: whole seconds, rounded up."""
        return math.ceil(self.usable_seconds)


def decide(age_seconds: float, policy: FreshnessPolicy) -> Freshness:
    """Classify an age. A negative one (another instance's clock is ahead) is fresh."""
    if not policy.is_cacheable:
        return Freshness.EXPIRED
    if age_seconds < policy.fresh_seconds:
        return Freshness.FRESH
    if age_seconds < policy.usable_seconds:
        return Freshness.STALE
    return Freshness.EXPIRED


def ttl(age_seconds: float, policy: FreshnessPolicy) -> int:
    """Return the whole seconds of freshness left: above 0 if fresh, below if stale.

    https://www.rfc-editor.org/rfc/rfc9211#section-2.3
    """
    left = policy.fresh_seconds - max(0.0, age_seconds)
    return math.ceil(left) if left > 0 else math.floor(left) or -1

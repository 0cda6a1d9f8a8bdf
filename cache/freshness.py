"""What an entry's age means. Pure: no clock, no Redis."""

import math
from dataclasses import dataclass
from enum import Enum


class Freshness(Enum):
    """RFC 9111, section 4.2, and RFC 5861, section 3."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "gone"


@dataclass(frozen=True)
class FreshnessPolicy:
    """How long an answer is fresh, and how long after that it may be served stale.

    Nothing is remembered where `fresh_seconds` is 0.
    """

    fresh_seconds: float
    stale_seconds: float

    @property
    def is_cacheable(self) -> bool:
        return self.fresh_seconds > 0

    @property
    def keep_seconds(self) -> int:
        """How long the store keeps an entry: whole seconds, never less than it can be used."""
        return math.ceil(self.fresh_seconds + self.stale_seconds)


def decide(age_seconds: float, policy: FreshnessPolicy) -> Freshness:
    """An entry from the future (another instance's clock is ahead) is fresh."""
    if not policy.is_cacheable:
        return Freshness.EXPIRED
    if age_seconds < policy.fresh_seconds:
        return Freshness.FRESH
    if age_seconds < policy.fresh_seconds + policy.stale_seconds:
        return Freshness.STALE
    return Freshness.EXPIRED


def ttl(age_seconds: float, policy: FreshnessPolicy) -> int:
    """Whole seconds of freshness left (RFC 9211, section 2.3): above 0 if fresh, below if stale."""
    left = policy.fresh_seconds - max(0.0, age_seconds)
    return math.ceil(left) if left > 0 else math.floor(left) or -1

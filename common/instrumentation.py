"""What `videsk/` and `cache/` count, without knowing who counts: web/metrics.py does."""

from typing import Protocol


class Instrumentation(Protocol):
    """Counts events. Every method returns immediately and raises nothing."""

    def upstream(self, endpoint: str, status: str, seconds: float) -> None:
        """Videsk's endpoint (ids left out) has responded with `status`, or failed."""

    def throttled(self, decision: str, seconds: float) -> None:
        """A request to Videsk had to wait for `seconds`, or was not sent (`full`, `open`)."""

    def invalidated(self, groups: int) -> None:
        """A write has invalidated so many groups."""

"""Instrumentation: the events that `videsk/` and `cache/` report. web/metrics.py counts them."""

from typing import Protocol


class Instrumentation(Protocol):
    """Every method returns immediately and raises nothing."""

    def count_upstream(self, endpoint: str, status: str, seconds: float) -> None:
        """A request to `endpoint` (a path with `{id}` for ids) got `status`, or how it failed."""

    def count_throttled(self, decision: str, seconds: float) -> None:
        """A request had to wait for `seconds` (`wait`), or was not sent (`full`, `open`)."""

    def count_invalidated(self, groups: int) -> None:
        """A write invalidated so many groups."""

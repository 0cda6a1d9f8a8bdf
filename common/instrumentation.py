"""Instrumentation: what `videsk/` and `cache/` report.

web/metrics.py counts the events, and web/tracing.py exports the spans. No method here raises.
"""

from collections.abc import Mapping
from typing import Protocol


class Instrumentation(Protocol):
    """Every method returns immediately."""

    def count_upstream(self, endpoint: str, status: str, seconds: float) -> None:
        """A request to `endpoint` (a path with `{id}` for ids) got `status`, or how it failed."""

    def count_throttled(self, decision: str, seconds: float) -> None:
        """A request had to wait for `seconds` (`wait`), or was not sent (`full`, `open`)."""

    def count_invalidated(self, groups: int) -> None:
        """A write invalidated so many groups."""


class UpstreamSpan(Protocol):
    """The span of one request to Videsk."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The `traceparent` and `tracestate` that join Videsk's own spans to this one."""

    def end(self, status: str) -> None:
        """End the span. `status`: the response's, or how the request failed."""


class RequestSpan(Protocol):
    """The span of a client's request."""

    def start_upstream(self, method: str, endpoint: str) -> UpstreamSpan:
        """Start the span of a request to `endpoint` (a path with `{id}` for ids)."""

    def detach(self) -> "RequestSpan":
        """Return a parent for a background refresh: its spans are linked to this one."""

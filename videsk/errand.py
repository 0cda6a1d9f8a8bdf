"""What asking Videsk has cost the request at hand, and under which ids Videsk is asked."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Errand:
    """One request of a client's: how often Videsk was asked for it, and for how long in all."""

    request_id: str
    traceparent: str | None = None
    tracestate: str | None = None
    attempts: int = 0
    seconds: float = 0.0


ERRAND: ContextVar[Errand | None] = ContextVar("errand", default=None)

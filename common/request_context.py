"""What asking Videsk has cost the request at hand, for whom and under which ids it is asked."""

from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class RequestContext:
    """One request of a client's: how often Videsk was asked for it, and for how long in all.

    `client`: whose turn it takes, as a network address; never logged.
    """

    request_id: str
    traceparent: str | None = None
    tracestate: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    client: str = field(default="", repr=False)


REQUEST_CONTEXT: ContextVar[RequestContext | None] = ContextVar("request context", default=None)


def current_client() -> str:
    """Whose turn a read takes; empty behind the scenes, which has turns of its own."""
    request_context = REQUEST_CONTEXT.get()
    return request_context.client if request_context else ""

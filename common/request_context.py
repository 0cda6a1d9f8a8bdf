"""The context of the current client request: its ids, and what its calls to Videsk cost."""

from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class RequestContext:
    """One request of a client.

    `attempts`, `seconds`: how many requests to Videsk it caused, and how long they took in all.
    `client`: the client's network address, for the fair queue; never logged.
    """

    request_id: str
    traceparent: str | None = None
    tracestate: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    client: str = field(default="", repr=False)

    def upstream_headers(self) -> dict[str, str]:
        """Return the headers that relate requests to Videsk to this one (W3C Trace Context)."""
        headers = {
            "X-Request-ID": self.request_id,
            "traceparent": self.traceparent,
            "tracestate": self.tracestate,
        }
        return {name: value for name, value in headers.items() if value}


REQUEST_CONTEXT: ContextVar[RequestContext | None] = ContextVar("request context", default=None)


def current_client() -> str:
    """Return the current client's address; empty for background refreshes."""
    request_context = REQUEST_CONTEXT.get()
    return request_context.client if request_context else ""

"""The context of the current client request: ids, trace span, and what its calls to Videsk cost."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from common.instrumentation import RequestSpan, UpstreamSpan


@dataclass
class RequestContext:
    """One request of a client.

    `attempts`, `seconds`: how many requests to Videsk it caused, and how long they took in all.
    `client`: the client's network address, for the fair queue; never logged.
    `span`: None unless traces are exported. `traceparent` is then the span's own.
    """

    request_id: str
    traceparent: str | None = None
    tracestate: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    client: str = field(default="", repr=False)
    span: RequestSpan | None = field(default=None, repr=False)

    def upstream_headers(self, span: UpstreamSpan | None = None) -> dict[str, str]:
        """Return the headers that relate a request to Videsk to this one (W3C Trace Context)."""
        headers = {
            "X-Request-ID": self.request_id,
            "traceparent": self.traceparent,
            "tracestate": self.tracestate,
        }
        if span:
            headers |= {"traceparent": None, "tracestate": None, **span.headers}
        return {name: value for name, value in headers.items() if value}

    def start_upstream(self, method: str, endpoint: str) -> UpstreamSpan | None:
        """Start the span of a request to Videsk, if traces are exported."""
        return self.span.start_upstream(method, endpoint) if self.span else None

    def for_refresh(self) -> "RequestContext | None":
        """Return the context of a background refresh that this request starts.

        It has no request id, because the refresh serves later requests. None: nothing to trace.
        """
        return RequestContext("", span=self.span.detach()) if self.span else None


REQUEST_CONTEXT: ContextVar[RequestContext | None] = ContextVar("request context", default=None)


def current_client() -> str:
    """Return the current client's address; empty for background refreshes."""
    request_context = REQUEST_CONTEXT.get()
    return request_context.client if request_context else ""

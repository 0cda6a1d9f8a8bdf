"""The context of the current request."""

from collections.abc import Mapping
from contextvars import Context

from common.request_context import REQUEST_CONTEXT, RequestContext, current_client


def test_the_fair_queue_sees_the_client_of_the_current_request() -> None:
    def inside() -> str:
        REQUEST_CONTEXT.set(RequestContext("id", client="198.51.100.7"))
        return current_client()

    assert Context().run(inside) == "198.51.100.7"
    assert Context().run(current_client) == "", "like a background refresh"


def test_a_clients_address_is_not_in_the_repr() -> None:
    assert "198.51.100.7" not in repr(RequestContext("id", client="198.51.100.7"))


def test_only_existing_trace_headers_are_sent_to_videsk() -> None:
    assert RequestContext("id").upstream_headers() == {"X-Request-ID": "id"}
    assert RequestContext("id", "parent", "state").upstream_headers() == {
        "X-Request-ID": "id", "traceparent": "parent", "tracestate": "state",
    }  # fmt: skip


class Upstream:
    """A span of which only the headers matter."""

    headers: Mapping[str, str] = {"traceparent": "span"}

    def end(self, status: str) -> None:
        """See common/instrumentation.py."""


def test_the_headers_of_a_span_replace_the_caller_s() -> None:
    headers = RequestContext("id", "parent", "state").upstream_headers(Upstream())
    assert headers == {"X-Request-ID": "id", "traceparent": "span"}


def test_without_a_span_there_is_nothing_to_trace() -> None:
    context = RequestContext("id", "parent")
    assert context.start_upstream("GET", "/services") is None
    assert context.for_refresh() is None

"""Spans in the process, with OpenTelemetry's own exporter to memory. See tests/e2e/test_tracing.py."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from common.request_context import RequestContext
from tests.unit.web.setup import small_app
from web import tracing
from web.tracing import Tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ROUTE = "/api/users/{id}/hours"


@pytest.fixture
def memory() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(memory: InMemorySpanExporter) -> Tracing:
    return Tracing(SimpleSpanProcessor(memory), "https://videsk.example/api")


def context(flags: str = "01") -> RequestContext:
    return RequestContext("id", f"00-{TRACE}-{SPAN}-{flags}", "vendor=7")


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_the_span_of_a_request_joins_the_caller_s_and_replaces_it_in_the_context(
    traced: Tracing, memory: InMemorySpanExporter
) -> None:
    of_request = context()
    traced.start_request("GET", ROUTE, of_request, seconds=2).end(200, "videsk-proxy; hit")
    (span,) = memory.get_finished_spans()
    assert span.context
    assert span.parent
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, SPAN)
    assert of_request.traceparent == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert span.end_time
    assert span.start_time
    assert 2e9 <= span.end_time - span.start_time < 12e9
    assert attributes(span)["http.response.header.cache-status"] == ("videsk-proxy; hit",)


@pytest.mark.parametrize(
    ("endpoint", "address", "port"),
    [
        ("https://videsk.example", "videsk.example", 443),
        ("http://localhost", "localhost", 80),
        ("http://[::1]:9000", "::1", 9000),
    ],
)
def test_the_server_of_a_request_to_videsk(
    memory: InMemorySpanExporter, endpoint: str, address: str, port: int
) -> None:
    of_request = context()
    Tracing(SimpleSpanProcessor(memory), endpoint).start_request("GET", ROUTE, of_request)
    upstream = of_request.start_upstream("GET", "/services")
    assert upstream
    upstream.end("200")
    (span,) = memory.get_finished_spans()
    assert span.kind is SpanKind.CLIENT
    found = attributes(span)
    assert (found["server.address"], found["server.port"]) == (address, port)
    assert found["url.full"] == f"{endpoint}/services"


def test_headers_to_videsk_are_those_of_the_upstream_span(traced: Tracing) -> None:
    of_request = context()
    traced.start_request("GET", ROUTE, of_request)
    upstream = of_request.start_upstream("GET", "/services")
    headers = of_request.upstream_headers(upstream)
    assert headers.keys() == {"X-Request-ID", "traceparent", "tracestate"}
    assert headers["tracestate"] == "vendor=7"
    version, trace, span, flags = headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span not in {SPAN, str(of_request.traceparent).split("-")[2]}


def test_a_refresh_has_no_parent_and_no_request_id(
    traced: Tracing, memory: InMemorySpanExporter
) -> None:
    of_request = context()
    traced.start_request("GET", ROUTE, of_request).end(200, None)
    of_refresh = of_request.for_refresh()
    assert of_refresh
    upstream = of_refresh.start_upstream("GET", "/services")
    assert upstream
    upstream.end("200")
    request, refresh = memory.get_finished_spans()
    assert refresh.parent is None
    assert [link.context for link in refresh.links] == [request.context]
    assert of_refresh.upstream_headers(upstream).keys() == {"traceparent"}


def test_an_unsampled_trace_is_continued_and_not_exported(
    traced: Tracing, memory: InMemorySpanExporter
) -> None:
    of_request = context("00")
    traced.start_request("GET", ROUTE, of_request).end(200, None)
    assert not memory.get_finished_spans()
    assert str(of_request.traceparent).startswith(f"00-{TRACE}-")
    assert str(of_request.traceparent).endswith("-00")


@pytest.mark.parametrize("traceparent", [None, f"00-{TRACE}-{SPAN}-01"])
def test_with_the_sdk_disabled_the_caller_s_trace_goes_on(
    memory: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, traceparent: str | None
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    disabled = Tracing(SimpleSpanProcessor(memory), "https://videsk.example")
    of_request = RequestContext("id", traceparent)
    disabled.start_request("GET", ROUTE, of_request).end(500, None)
    assert of_request.traceparent == traceparent
    sent = of_request.upstream_headers(of_request.start_upstream("GET", "/services"))
    assert sent.get("traceparent") == traceparent
    assert not memory.get_finished_spans()


@pytest.mark.parametrize(
    ("set_variables", "name"),
    [
        ({}, "videsk-proxy"),
        ({"OTEL_SERVICE_NAME": "booking"}, "booking"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=other"}, "other"),
    ],
)
def test_the_service_s_name_can_be_set(
    memory: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    set_variables: dict[str, str],
    name: str,
) -> None:
    for variable, text in set_variables.items():
        monkeypatch.setenv(variable, text)
    traced = Tracing(SimpleSpanProcessor(memory), "https://videsk.example")
    traced.start_request("GET", ROUTE, context()).end(200, None)
    (span,) = memory.get_finished_spans()
    assert span.resource.attributes["service.name"] == name


@pytest.fixture
def client_spans(traced: Tracing, memory: InMemorySpanExporter) -> InMemorySpanExporter:
    app = small_app()
    tracing.register(app, traced)
    app.add_url_rule("/fails", "fails", lambda: ("{}", 503))
    client = app.test_client()
    client.get("/fails")
    client.get("/s3cr3t?s3cr3t", headers={"User-Agent": "s3cr3t"})
    client.open("/fails", method="S3CR3T")
    return memory


def test_statuses_routes_and_methods(client_spans: InMemorySpanExporter) -> None:
    fails, unknown, odd = client_spans.get_finished_spans()
    assert (fails.name, attributes(fails)["error.type"]) == ("GET /fails", "503")
    assert not fails.status.is_ok
    assert (unknown.name, attributes(unknown)["http.response.status_code"]) == ("GET", 404)
    assert "http.route" not in attributes(unknown)
    assert unknown.status.is_ok
    assert attributes(odd)["http.request.method"] == "_OTHER"
    assert "s3cr3t" not in str([span.to_json() for span in (fails, unknown, odd)]).lower()

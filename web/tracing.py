"""Traces over OTLP/HTTP: a span for each request of a client, and one for each request to Videsk.

The only module that imports OpenTelemetry. app.py imports it if OTEL_EXPORTER_OTLP_ENDPOINT is set,
and in a worker only: a batch processor has to start after the fork. OpenTelemetry reads its other
settings from the environment itself. Metrics are not exported, since a periodic metric reader
deadlocks under gevent (https://github.com/open-telemetry/opentelemetry-python/issues/4345).

Attributes: https://opentelemetry.io/docs/specs/semconv/http/http-spans/. `url.path` and `url.query`
are left out and `url.full` has `{id}` in place of ids, since paths and queries hold ids and more.
"""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import gevent
import requests
from flask import Flask, Response, g, request
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_EXPORT_BATCH_SIZE
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.request_context import RequestContext
from common.version import VERSION
from web import responses

log = logging.getLogger("videsk_proxy.tracing")

EXTENSION = "videsk_proxy_tracing"
"""The name in app.extensions of the Tracing, for gunicorn.conf.py."""

BATCH_SPANS = 64
"""Default of OTEL_BSP_MAX_EXPORT_BATCH_SIZE. The event loop waits while a batch is encoded, 50 µs a
span: 3 ms instead of 26 ms for OpenTelemetry's 512.
"""

FLUSH_SECONDS = 1.0
"""How long a worker that stops may take to export its last spans, within gunicorn's grace."""

_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
_PROPAGATOR = TraceContextTextMapPropagator()


class Exporter(OTLPSpanExporter):
    """Logs one line when the collector stops accepting spans, and one when it accepts them again.

    OpenTelemetry would log each attempt, with the collector's URL.
    """

    def __init__(self) -> None:
        session = requests.Session()
        session.hooks["response"].append(self._keep_status)
        super().__init__(session=session)
        self._status: int | None = None
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._status = None
        result = super().export(spans)
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            reason = f"status {self._status}" if self._status else "no response"
            log.warning("traces are not exported: %s from the collector", reason)
        if self._failing and not failing:
            log.warning("traces are exported again")
        self._failing = failing
        return result

    def _keep_status(self, response: requests.Response, **_: object) -> None:
        self._status = response.status_code


@dataclass(frozen=True)
class _UpstreamSpan:
    """See common/instrumentation.py."""

    span: Span

    @property
    def headers(self) -> Mapping[str, str]:
        return _headers(self.span)

    def end(self, status: str) -> None:
        if status.isdigit():
            self.span.set_attribute("http.response.status_code", int(status))
        if not status.isdigit() or int(status) >= 400:
            _mark_failed(self.span, status)
        self.span.end()


@dataclass(frozen=True)
class _RequestSpan:
    """See common/instrumentation.py. `links`: those of its children, which then have no parent."""

    tracer: Tracer
    upstream_url: str
    span: Span
    links: Sequence[Link] = ()

    def start_upstream(self, method: str, endpoint: str) -> _UpstreamSpan:
        parent = Context() if self.links else set_span_in_context(self.span, Context())
        url = urlsplit(self.upstream_url)
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "url.full": f"{self.upstream_url}{endpoint}",
            "server.address": url.hostname or "",
            "server.port": url.port or (443 if url.scheme == "https" else 80),
        }
        span = self.tracer.start_span(
            f"{method} {endpoint}", parent, SpanKind.CLIENT, attributes, self.links
        )
        return _UpstreamSpan(span)

    def detach(self) -> "_RequestSpan":
        link = Link(self.span.get_span_context())
        return _RequestSpan(self.tracer, self.upstream_url, self.span, [link])

    def end(self, status: int, cache_status: str | None) -> None:
        self.span.set_attribute("http.response.status_code", status)
        if cache_status:
            self.span.set_attribute("http.response.header.cache-status", [cache_status])
        if status >= 500:
            _mark_failed(self.span, str(status))
        self.span.end()


class Tracing:
    """Makes the spans of requests. `upstream_url`: that of Videsk's API, without a path of it."""

    def __init__(self, processor: SpanProcessor, upstream_url: str) -> None:
        resource = Resource.create({"service.name": "videsk-proxy", "service.version": VERSION})
        resource = resource.merge(OTELResourceDetector().detect())  # the environment's prevail
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("videsk_proxy", VERSION)
        self._upstream_url = upstream_url

    def start_request(
        self, method: str, route: str, context: RequestContext, seconds: float = 0.0
    ) -> _RequestSpan:
        """Start the span of a request that began `seconds` ago, and put it into its context.

        It is a child of the caller's span if the request has a `traceparent`.
        """
        name = method if method in _METHODS else "HTTP"
        attributes: dict[str, str | list[str]] = {
            "http.request.method": method if method in _METHODS else "_OTHER",
            "url.scheme": "http",
            "http.response.header.x-request-id": [context.request_id],
        }
        if route != responses.UNKNOWN_ROUTE:
            attributes["http.route"] = route
            name = f"{name} {route}"
        carrier = {"traceparent": context.traceparent, "tracestate": context.tracestate}
        caller = _PROPAGATOR.extract({key: text for key, text in carrier.items() if text})
        started = time.time_ns() - int(seconds * 1e9)
        span = self._tracer.start_span(
            name, caller, SpanKind.SERVER, attributes, start_time=started
        )
        context.span = request_span = _RequestSpan(self._tracer, self._upstream_url, span)
        context.traceparent = _headers(span).get("traceparent")  # none if OTEL_SDK_DISABLED
        return request_span

    def shutdown(self) -> None:
        """Export the remaining spans, within FLUSH_SECONDS."""
        gevent.spawn(self._provider.shutdown).join(FLUSH_SECONDS)


def start(upstream_url: str) -> Tracing:
    """Start exporting traces, in batches and in the background."""
    is_set = OTEL_BSP_MAX_EXPORT_BATCH_SIZE in os.environ
    processor = BatchSpanProcessor(
        Exporter(), max_export_batch_size=None if is_set else BATCH_SPANS
    )
    return Tracing(processor, upstream_url)


def register(app: Flask, tracing: Tracing) -> None:
    """Trace every request that reaches the app. web/fast_path.py traces the others."""
    app.extensions[EXTENSION] = tracing

    @app.before_request
    def start_span() -> None:
        g.span = tracing.start_request(request.method, responses.route(), g.request_context)

    @app.after_request
    def end_span(response: Response) -> Response:
        how = responses.cache_status(g.cache_status) if "cache_status" in g else None
        g.span.end(response.status_code, how)
        return response


def _headers(span: Span) -> dict[str, str]:
    """Return the `traceparent` and `tracestate` of a span."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, set_span_in_context(span, Context()))
    return carrier


def _mark_failed(span: Span, error_type: str) -> None:
    span.set_attribute("error.type", error_type)
    span.set_status(StatusCode.ERROR)

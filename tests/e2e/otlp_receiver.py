"""An OTLP/HTTP receiver: decodes what a collector would be sent.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import gzip
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.e2e.http_server import Handler, http_server

CONTENT_TYPE = "application/x-protobuf"
KINDS = {
    WireSpan.SPAN_KIND_SERVER: "server",
    WireSpan.SPAN_KIND_CLIENT: "client",
    WireSpan.SPAN_KIND_INTERNAL: "internal",
}

Value = str | int | float | bool | list[str]


@dataclass(frozen=True)
class Span:
    """One span; ids in hexadecimal, times in seconds since the epoch."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    links: list[tuple[str, str]]
    tracestate: str
    started: float
    ended: float
    is_error: bool
    attributes: Mapping[str, Value]
    resource: Mapping[str, Value]

    @property
    def ids(self) -> tuple[str, str]:
        return self.trace_id, self.span_id


@dataclass
class Receiver:
    """`status`: what it responds with. `wire`: the bodies and headers that it has received."""

    url: str = ""
    status: int = 200
    spans: list[Span] = field(default_factory=list)
    wire: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def wait_for(
        self, wanted: Callable[[Span], bool], number: int = 1, seconds: float = 10
    ) -> list[Span]:
        """Return the spans that are wanted, as soon as there are this many."""
        end = time.monotonic() + seconds
        while len(found := [span for span in list(self.spans) if wanted(span)]) < number:
            assert time.monotonic() < end, f"{len(found)} of {number} among {self.spans}"
            time.sleep(0.02)
        return found

    def trace(self, trace_id: str, number: int) -> list[Span]:
        """Return the spans of a trace, the earliest first."""
        found = self.wait_for(lambda span: span.trace_id == trace_id, number)
        return sorted(found, key=lambda span: span.started)


@contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Collect(Handler):
        def respond(self) -> None:
            body = self.body()
            headers = {name.lower(): text for name, text in self.headers.items()}
            receiver.wire.append((body, headers))
            if (self.path, headers.get("content-type")) != ("/v1/traces", CONTENT_TYPE):
                receiver.problems.append(f"{self.path} {headers.get('content-type')}")
                self.reply(404)
                return
            if receiver.status == 200:
                is_gzip = headers.get("content-encoding") == "gzip"
                receiver.spans += _decode(gzip.decompress(body) if is_gzip else body)
            response = ExportTraceServiceResponse().SerializeToString()
            self.reply(receiver.status, response, CONTENT_TYPE)

    with http_server(Collect) as receiver.url:
        yield receiver
    assert not receiver.problems


def _decode(body: bytes) -> Iterator[Span]:
    message = ExportTraceServiceRequest.FromString(body)
    for of_resource in message.resource_spans:
        resource = {each.key: _value(each.value) for each in of_resource.resource.attributes}
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Span(
                    name=span.name,
                    kind=KINDS[span.kind],
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                    tracestate=span.trace_state,
                    started=span.start_time_unix_nano / 1e9,
                    ended=span.end_time_unix_nano / 1e9,
                    is_error=span.status.code == Status.STATUS_CODE_ERROR,
                    attributes={each.key: _value(each.value) for each in span.attributes},
                    resource=resource,
                )


def _value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    assert kind
    if kind == "array_value":
        return [each.string_value for each in value.array_value.values]
    plain: Value = getattr(value, kind)
    return plain

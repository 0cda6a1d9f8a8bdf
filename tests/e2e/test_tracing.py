"""Exported traces: which spans there are, how they are joined, and what is in them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import pytest
import requests
from redis import Redis

from common.version import VERSION
from tests.client import (
    FIRST_SERVICE,
    FORM,
    JOHN,
    ZONE,
    Client,
    bearer,
    booking_body,
    working_day,
)
from tests.days import YEAR
from tests.e2e.fleet import cache_status, concurrently
from tests.e2e.otlp_receiver import Receiver, Span, otlp_receiver
from tests.e2e.test_logs import PRIVATE, log_lines
from tests.processes import Sandbox, ServerProcess, proxy_server

HOURS = "/api/users/{id}/hours"
UPSTREAM = "/public/video-contact-center"
HOURS_TTL = 0.4
SETTINGS = {
    "OTEL_BSP_SCHEDULE_DELAY": "50",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20of-the-collector",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=tests",
    "WEB_CONCURRENCY": "1",
    "DATES_TTL": "600",
    "HOURS_TTL": str(HOURS_TTL),
    "HOURS_STALE": "600",
    "VIDESK_TIMEOUT": "0.7",
}


@dataclass
class Caller:
    """A traced caller with its own trace."""

    client: Client
    trace_id: str
    span_id: str
    flags: str = "01"

    @property
    def headers(self) -> dict[str, str]:
        traceparent = f"00-{self.trace_id}-{self.span_id}-{self.flags}"
        return {"traceparent": traceparent, "tracestate": "vendor=7"}

    def get(self, path: str, **params: str) -> requests.Response:
        return self.client.get(path, params=params, headers=self.headers)

    def hours(self, day: str) -> requests.Response:
        return self.get(f"/api/users/{JOHN}/hours", date=day, timezone=ZONE)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def server(
    sandbox_process: Sandbox, redis_process: ServerProcess, receiver: Receiver
) -> Iterator[ServerProcess]:
    settings = SETTINGS | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "REDIS_URL": redis_process.redis_url,
    }
    with proxy_server(sandbox_process, **settings) as server:
        yield server


@pytest.fixture
def client(server: ServerProcess, redis: Redis, sandbox: Sandbox) -> Client:
    client = Client(server.url)
    assert client.get("/api/appointment", headers=bearer("a.b.c")).status_code == 401
    sandbox.clear_request_log()
    return client


@pytest.fixture
def caller(client: Client) -> Caller:
    return new_caller(client)


def new_caller(client: Client) -> Caller:
    return Caller(client, uuid4().hex, uuid4().hex[:16])


def spans_of(caller: Caller, receiver: Receiver) -> list[Span]:
    """All spans of the caller's trace, the earliest first: those of a later request are there."""
    last = new_caller(caller.client)
    assert last.get("/healthz").status_code == 200
    receiver.trace(last.trace_id, 1)
    return receiver.trace(caller.trace_id, 0)


def upstream_traces(sandbox: Sandbox) -> list[list[str]]:
    """The parts of the traceparent of each request that reached Videsk."""
    headers = [entry["headers"] for entry in sandbox.request_log()]
    return [str(each["traceparent"]).split("-") for each in headers if isinstance(each, dict)]


def test_a_miss_has_a_span_of_the_request_and_one_of_the_request_to_videsk(
    caller: Caller, receiver: Receiver, sandbox: Sandbox, server: ServerProcess
) -> None:
    before = time.time()
    response = caller.hours(f"{YEAR}-05-06")
    after = time.time()
    assert cache_status(response) == "fwd=miss; stored"
    request, upstream = spans_of(caller, receiver)
    assert (request.kind, request.name) == ("server", f"GET {HOURS}")
    assert (request.parent_id, request.tracestate) == (caller.span_id, "vendor=7")
    assert request.attributes == {
        "http.request.method": "GET",
        "http.route": HOURS,
        "url.scheme": "http",
        "http.response.status_code": 200,
        "http.response.header.cache-status": ["videsk-proxy; fwd=miss; stored"],
        "http.response.header.x-request-id": [response.headers["X-Request-ID"]],
    }
    assert (upstream.kind, upstream.name) == ("client", "GET /users/{id}/hours")
    assert upstream.parent_id == request.span_id
    assert upstream.attributes == {
        "http.request.method": "GET",
        "url.full": f"{sandbox.url}{UPSTREAM}/users/{{id}}/hours",
        "server.address": "127.0.0.1",
        "server.port": sandbox.port,
        "http.response.status_code": 200,
    }
    assert not request.is_error
    assert not upstream.is_error
    times = [before, request.started, upstream.started, upstream.ended, request.ended, after]
    assert times == sorted(times)
    assert upstream_traces(sandbox) == [["00", caller.trace_id, upstream.span_id, "01"]]
    (entry,) = sandbox.request_log()
    assert "'tracestate': 'vendor=7'" in str(entry["headers"])
    (line,) = [each for each in log_lines(server) if caller.trace_id in each.get("traceparent", "")]
    assert line["traceparent"].split("-")[2] == request.span_id


def test_hits_have_one_span_each_from_the_fast_path_too(
    client: Client, receiver: Receiver, sandbox: Sandbox
) -> None:
    path = f"/api/users/{JOHN}/dates"
    for expected in ("fwd=miss; stored", "hit; ttl=", "hit; ttl=", "hit; ttl="):
        caller = new_caller(client)
        response = caller.get(path, date=f"{YEAR}-05", timezone=ZONE)
        assert cache_status(response).startswith(expected)
        spans = spans_of(caller, receiver)
        assert len(spans) == (1 if expected.startswith("hit") else 2)
        assert spans[0].parent_id == caller.span_id
        assert spans[0].attributes == {
            "http.request.method": "GET",
            "http.route": "/api/users/{id}/dates",
            "url.scheme": "http",
            "http.response.status_code": 200,
            "http.response.header.cache-status": [response.headers["Cache-Status"]],
            "http.response.header.x-request-id": [response.headers["X-Request-ID"]],
        }
        assert 0 < spans[0].ended - spans[0].started < 5
    assert len(sandbox.request_log()) == 1


def test_a_booking_has_two_spans_and_its_replay_one(
    caller: Caller, receiver: Receiver, sandbox: Sandbox
) -> None:
    start = caller.hours(working_day()).json()[0]
    caller, again = new_caller(caller.client), new_caller(caller.client)
    key = {"Idempotency-Key": uuid4().hex}
    for each in (caller, again):
        booked = each.client.book("users", JOHN, start, headers=each.headers | key)
        assert booked.status_code == 201
    request, upstream = spans_of(caller, receiver)
    assert request.name == "POST /api/users/{id}/appointments"
    assert request.attributes["http.response.status_code"] == 201
    assert (upstream.name, upstream.parent_id) == ("POST /schedule/user/{id}", request.span_id)
    (replayed,) = spans_of(again, receiver)
    assert replayed.attributes["http.response.status_code"] == 201


@pytest.mark.parametrize(
    ("fault", "options", "status", "upstream_status", "error_type"),
    [
        ("status", {"status": 404, "body": {"code": 404}}, 404, 404, "404"),
        ("status", {"status": 500, "body": {"code": 500}}, 500, 500, "500"),
        ("html", {}, 502, 200, None),
        ("close", {}, 502, None, "broken"),
        ("hang", {"seconds": 2}, 504, None, "timeout"),
    ],
)
def test_errors_of_videsk(
    caller: Caller,
    receiver: Receiver,
    sandbox: Sandbox,
    fault: str,
    options: dict[str, object],
    status: int,
    upstream_status: int | None,
    error_type: str | None,
) -> None:
    sandbox.fault(fault, **options)
    assert caller.hours(f"{YEAR}-05-07").status_code == status
    request, upstream = spans_of(caller, receiver)
    assert request.attributes["http.response.status_code"] == status
    assert request.attributes.get("error.type") == (str(status) if status >= 500 else None)
    assert request.is_error == (status >= 500)
    assert upstream.attributes.get("http.response.status_code") == upstream_status
    assert upstream.attributes.get("error.type") == error_type
    assert upstream.is_error == (error_type is not None)


def test_own_errors_and_unknown_paths_have_one_span(caller: Caller, receiver: Receiver) -> None:
    assert caller.get("/api/s3cr3t-path").status_code == 404
    assert caller.client.call("S3CR3T", "/healthz", headers=caller.headers).status_code == 405
    unknown, method = spans_of(caller, receiver)
    assert (unknown.name, unknown.attributes.get("http.route")) == ("GET", None)
    assert unknown.attributes["http.response.status_code"] == 404
    assert not unknown.is_error
    assert method.attributes["http.request.method"] == "_OTHER"


def test_of_concurrent_misses_the_leader_s_trace_has_the_request_to_videsk(
    client: Client, receiver: Receiver, sandbox: Sandbox
) -> None:
    sandbox.fault("delay", seconds=0.4)
    callers = [new_caller(client) for _ in range(8)]
    responses = concurrently([partial(caller.hours, f"{YEAR}-05-08") for caller in callers])
    assert {response.status_code for response in responses} == {200}
    traces = [spans_of(caller, receiver) for caller in callers]
    assert len(sandbox.request_log()) == 1
    (leader,) = [trace for trace in traces if len(trace) == 2]
    assert leader[1].parent_id == leader[0].span_id
    followers = [trace[0] for trace in traces if len(trace) == 1]
    assert len(followers) == 7
    collapsed = ["videsk-proxy; fwd=miss; collapsed"]
    assert all(
        follower.attributes["http.response.header.cache-status"] == collapsed
        for follower in followers
    )


def test_a_background_refresh_has_a_trace_of_its_own_linked_to_the_request(
    client: Client, receiver: Receiver, sandbox: Sandbox
) -> None:
    new_caller(client).hours(f"{YEAR}-05-11")
    time.sleep(HOURS_TTL + 0.05)
    sandbox.clear_request_log()
    caller = new_caller(client)
    assert cache_status(caller.hours(f"{YEAR}-05-11")).endswith("detail=stale")
    (request,) = spans_of(caller, receiver)
    (refresh,) = receiver.wait_for(lambda span: request.ids in span.links)
    assert (refresh.kind, refresh.parent_id) == ("client", "")
    assert refresh.trace_id != caller.trace_id
    (entry,) = sandbox.request_log()
    assert refresh.span_id in str(entry["headers"])
    assert "x-request-id" not in str(entry["headers"])


def test_each_read_of_a_month_is_a_child_of_the_one_request(
    caller: Caller, receiver: Receiver, sandbox: Sandbox
) -> None:
    path = f"/api/users/{JOHN}/availability"
    assert caller.get(path, date=f"{YEAR}-05", timezone=ZONE, days="3").status_code == 200
    request, *upstream = spans_of(caller, receiver)
    assert len(upstream) == len(sandbox.request_log()) > 3
    assert {span.parent_id for span in upstream} == {request.span_id}


def test_a_caller_that_does_not_sample_has_no_spans_and_its_trace_goes_on(
    caller: Caller, receiver: Receiver, sandbox: Sandbox
) -> None:
    caller.flags = "00"
    assert caller.hours(f"{YEAR}-05-12").status_code == 200
    assert not spans_of(caller, receiver)
    ((version, trace_id, span_id, flags),) = upstream_traces(sandbox)
    assert (version, trace_id, flags) == ("00", caller.trace_id, "00")
    assert span_id != caller.span_id


@pytest.mark.parametrize("sent", [{}, {"traceparent": "s3cr3t", "tracestate": "vendor=7"}])
def test_without_a_valid_traceparent_a_trace_begins(
    client: Client, receiver: Receiver, sandbox: Sandbox, sent: dict[str, str]
) -> None:
    headers = sent | {"X-Request-ID": uuid4().hex}
    path = f"/api/users/{JOHN}/hours?date={YEAR}-05-13&timezone={ZONE}"
    assert client.get(path, headers=headers).status_code == 200
    name = "http.response.header.x-request-id"
    (request,) = receiver.wait_for(
        lambda span: span.attributes.get(name) == [headers["X-Request-ID"]]
    )
    assert request.parent_id == request.tracestate == ""
    ((_, trace_id, span_id, _),) = upstream_traces(sandbox)
    (upstream,) = receiver.wait_for(lambda span: span.span_id == span_id)
    assert (upstream.trace_id, upstream.parent_id) == (trace_id, request.span_id)


def test_nothing_private_is_exported(client: Client, receiver: Receiver) -> None:
    query = {"date": f"{YEAR}-05-06", "timezone": ZONE, "utm": "s3cr3t-campaign"}
    private = {"Referer": "https://shop.example/s3cr3t", "User-Agent": "s3cr3t-agent"}
    private |= {"X-Forwarded-For": "203.0.113.77", "Cookie": "s3cr3t=1", "baggage": "a=s3cr3t"}
    caller = new_caller(client)
    headers = caller.headers | private
    for kind, ident in (("users", JOHN), ("services", FIRST_SERVICE)):
        client.get(f"/api/{kind}/{ident}/hours", params=query, headers=headers)
    client.get("/api/s3cr3t-path", headers=headers)
    client.post(f"/api/users/{JOHN}/appointments", {"form": FORM, "s3cr3t": 1}, headers=headers)
    booking = booking_body(f"{YEAR}-06-03T14:00:00.000Z", "ana@example.com")
    client.post(f"/api/users/{JOHN}/appointments", booking, headers=headers)
    client.get("/api/appointment", headers=headers | bearer("eyJ.s3cr3t.s3cr3t"))
    assert len(spans_of(caller, receiver)) > 6
    exported = str(receiver.spans)
    for text in (*PRIVATE, "203.0.113", "127.0.0.1:", "the-key", *private.values()):
        assert text not in exported.replace("url.full': 'http://127.0.0.1:", ""), text


def test_standard_variables_apply(caller: Caller, receiver: Receiver) -> None:
    caller.get("/healthz")
    (span,) = receiver.trace(caller.trace_id, 1)
    assert span.resource["service.name"] == "videsk-proxy"
    assert span.resource["service.version"] == VERSION
    assert span.resource["deployment.environment.name"] == "tests"
    assert {headers["authorization"] for _, headers in receiver.wire} == {"Bearer of-the-collector"}
    assert {headers["content-encoding"] for _, headers in receiver.wire} == {"gzip"}

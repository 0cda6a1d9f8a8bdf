"""A valid trace context of the caller is logged and forwarded to Videsk."""

import http.client
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.client import JOHN, Client, bearer, booking_body
from tests.days import YEAR
from tests.e2e.test_logs import log_lines
from tests.processes import Sandbox, ServerProcess, proxy_server

SLOT = f"{YEAR}-05-06T14:00:00.000Z"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-ff"]
TRACESTATE = "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"
MALFORMED = [
    "s3cr3t",
    f"00-{TRACE.upper()}-{SPAN}-01",
    f"00-{TRACE[1:]}-{SPAN}-01",
    f"00-{TRACE}-{SPAN}0-01",
    f"00-{TRACE}-{SPAN}",
    f"00-{TRACE}-{SPAN}-01-s3cr3t",
    f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
    f"00_{TRACE}_{SPAN}_01",
    f"00-{TRACE}-{SPAN}-0g",
]
INVALID = [f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01"]
"""Well-formed, but must be ignored (W3C Trace Context, 3.2.2)."""

INVALID_REQUEST_IDS = ["a b", "s3cr3t/../", "a" * 129, "ñ".encode().decode("latin-1"), '"quoted"']


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox) -> Iterator[ServerProcess]:
    """Run the proxy without a cache."""
    ttls = dict.fromkeys(("SERVICES_TTL", "DATES_TTL", "HOURS_TTL"), "0")
    with proxy_server(sandbox_process, **ttls) as server:
        yield server


@pytest.fixture
def client(server: ServerProcess, sandbox: Sandbox) -> Client:
    return Client(server.url)


def call_each_way(client: Client, headers: dict[str, str]) -> list[requests.Response]:
    """Send a read, a booking, and a call with an appointment's token."""
    booking = {
        "json": booking_body(SLOT, "ana@example.com"),
        "headers": headers | {"Idempotency-Key": uuid4().hex},
    }
    return [
        client.get("/api/services", headers=headers),
        client.get(f"/api/users/{JOHN}/hours?date={YEAR}-05-06&timezone=UTC", headers=headers),
        client.call("POST", f"/api/users/{JOHN}/appointments", **booking),
        client.get("/api/appointment", headers=headers | bearer("a.b.c")),
    ]


def log_line(server: ServerProcess, response: requests.Response) -> dict[str, Any]:
    """Return the log line of the request."""
    request_id = response.headers["X-Request-ID"]
    (line,) = [line for line in log_lines(server) if line.get("request_id") == request_id]
    return line


def forwarded_headers(sandbox: Sandbox, header: str) -> set[str | None]:
    """Return the values of this header in all requests to Videsk."""
    entries = [entry["headers"] for entry in sandbox.request_log()]
    return {headers.get(header) for headers in entries if isinstance(headers, dict)}


@pytest.mark.parametrize("traceparent", VALID)
def test_a_trace_is_logged_and_forwarded(
    client: Client, server: ServerProcess, sandbox: Sandbox, traceparent: str
) -> None:
    responses = call_each_way(client, {"traceparent": traceparent})
    assert [response.status_code for response in responses] == [200, 200, 201, 401]
    assert [log_line(server, response)["traceparent"] for response in responses] == [
        traceparent
    ] * 4
    assert len(sandbox.request_log()) >= 5
    assert forwarded_headers(sandbox, "traceparent") == {traceparent}


@pytest.mark.parametrize("traceparent", [*MALFORMED, *INVALID])
def test_an_invalid_trace_is_neither_logged_nor_forwarded(
    client: Client, server: ServerProcess, sandbox: Sandbox, traceparent: str
) -> None:
    responses = call_each_way(client, {"traceparent": traceparent})
    assert [response.status_code for response in responses] == [200, 200, 201, 401]
    assert not [response for response in responses if "traceparent" in log_line(server, response)]
    assert forwarded_headers(sandbox, "traceparent") == {None}
    assert "s3cr3t" not in server.output()


def test_a_trace_does_not_apply_to_the_next_request_of_the_connection(
    server: ServerProcess, sandbox: Sandbox
) -> None:
    with requests.Session() as session:
        for traceparent in (VALID[0], None, VALID[1], "s3cr3t"):
            sandbox.clear_request_log()
            response = session.get(
                f"{server.url}/api/services", headers={"traceparent": traceparent}
            )
            expected = traceparent if traceparent in VALID else None
            assert log_line(server, response).get("traceparent") == expected
            assert forwarded_headers(sandbox, "traceparent") == {expected}


def test_other_trace_headers_are_not_forwarded(client: Client, sandbox: Sandbox) -> None:
    others = {
        "baggage": "customer=s3cr3t",
        "sentry-trace": f"{TRACE}-{SPAN}-1",
        "X-B3-TraceId": TRACE,
    }
    call_each_way(client, others | {"traceparent": VALID[0]})
    for name in others:
        assert forwarded_headers(sandbox, name.lower()) == {None}


def test_a_tracestate_is_forwarded_with_its_traceparent(
    client: Client, server: ServerProcess, sandbox: Sandbox
) -> None:
    trace = {"traceparent": VALID[0], "tracestate": f"{TRACESTATE},z=s3cr3t"}
    responses = call_each_way(client, trace)
    assert [response.status_code for response in responses] == [200, 200, 201, 401]
    assert forwarded_headers(sandbox, "traceparent") == {VALID[0]}
    assert forwarded_headers(sandbox, "tracestate") == {trace["tracestate"]}
    assert "s3cr3t" not in server.output(), "a tracestate may contain anything, so it is not logged"


@pytest.mark.parametrize(
    ("headers", "traceparent"),
    [
        ({"tracestate": TRACESTATE}, None),
        ({"traceparent": MALFORMED[1], "tracestate": TRACESTATE}, None),
        ({"traceparent": INVALID[0], "tracestate": TRACESTATE}, None),
        ({"traceparent": VALID[0], "tracestate": "s3cr3t"}, VALID[0]),
    ],
    ids=["no traceparent", "malformed traceparent", "invalid traceparent", "invalid tracestate"],
)
def test_a_tracestate_is_dropped_unless_both_headers_are_valid(
    client: Client, sandbox: Sandbox, headers: dict[str, str], traceparent: str | None
) -> None:
    call_each_way(client, headers)
    assert forwarded_headers(sandbox, "traceparent") == {traceparent}
    assert forwarded_headers(sandbox, "tracestate") == {None}


def test_tracestate_lines_are_joined_and_two_traceparents_are_invalid(
    server: ServerProcess, sandbox: Sandbox
) -> None:
    def get(log_lines: list[tuple[str, str]]) -> None:
        sandbox.clear_request_log()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.putrequest("GET", "/api/services")
        for name, value in log_lines:
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 200
        connection.close()

    states = [("tracestate", "rojo=1"), ("TraceState", ""), ("TRACESTATE", "congo=2")]
    get([("TraceParent", VALID[0]), *states])
    assert forwarded_headers(sandbox, "traceparent") == {VALID[0]}
    assert forwarded_headers(sandbox, "tracestate") == {"rojo=1,,congo=2"}
    get([("traceparent", VALID[0]), ("traceparent", VALID[0]), *states])
    assert (
        forwarded_headers(sandbox, "traceparent")
        == forwarded_headers(sandbox, "tracestate")
        == {None}
    )


def test_fields_of_later_versions_are_forwarded_and_not_logged(
    client: Client, server: ServerProcess, sandbox: Sandbox
) -> None:
    later = f"cc-{TRACE}-{SPAN}-01-s3cr3t.field"
    response = client.get("/api/services", headers={"traceparent": later})
    assert forwarded_headers(sandbox, "traceparent") == {later}
    assert log_line(server, response)["traceparent"] == f"cc-{TRACE}-{SPAN}-01"
    assert "s3cr3t" not in server.output()


@pytest.mark.parametrize("request_id", ["a", "A-Za.z_0-9", "x" * 128])
def test_a_request_id_is_logged_forwarded_and_returned(
    client: Client, server: ServerProcess, sandbox: Sandbox, request_id: str
) -> None:
    responses = call_each_way(client, {"X-Request-ID": request_id})
    assert [response.headers["X-Request-ID"] for response in responses] == [request_id] * 4
    routes = [line["route"] for line in log_lines(server) if line.get("request_id") == request_id]
    assert len(routes) == 4
    assert forwarded_headers(sandbox, "x-request-id") == {request_id}


@pytest.mark.parametrize("request_id", INVALID_REQUEST_IDS)
def test_an_invalid_request_id_is_replaced_with_a_generated_one(
    client: Client, server: ServerProcess, sandbox: Sandbox, request_id: str
) -> None:
    responses = call_each_way(client, {"X-Request-ID": request_id})
    made = {response.headers["X-Request-ID"] for response in responses}
    assert len(made) == 4, "each has its own"
    assert all(
        log_line(server, response)["status"] == response.status_code for response in responses
    )
    assert forwarded_headers(sandbox, "x-request-id") == made
    assert request_id not in server.output()

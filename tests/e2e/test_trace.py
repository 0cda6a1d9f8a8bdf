"""A caller's trace goes through: into our line of the log, and on to Videsk; what is none does not."""

import http.client
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.client import JOHN, Client, bearer, booking_body
from tests.days import YEAR
from tests.e2e.test_logs import lines
from tests.processes import Sandbox, ServerProcess, proxy_server

SLOT = f"{YEAR}-05-06T14:00:00.000Z"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-ff"]
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
"""Of the right shape, and yet to be ignored (W3C Trace Context, 3.2.2)."""

NO_REQUEST_IDS = ["a b", "s3cr3t/../", "a" * 129, "ñ".encode().decode("latin-1"), '"quoted"']


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox) -> Iterator[ServerProcess]:
    """The proxy, without a cache in front of it."""
    ttls = dict.fromkeys(("SERVICES_TTL", "DATES_TTL", "HOURS_TTL"), "0")
    with proxy_server(sandbox_process, **ttls) as server:
        yield server


@pytest.fixture
def client(server: ServerProcess, sandbox: Sandbox) -> Client:
    return Client(server.url)


def ways_to_videsk(client: Client, headers: dict[str, str]) -> list[requests.Response]:
    """A read, a booking, and a call with an appointment's own token."""
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


def logged(server: ServerProcess, response: requests.Response) -> dict[str, Any]:
    """The one line of that request."""
    request_id = response.headers["X-Request-ID"]
    (line,) = [line for line in lines(server) if line.get("request_id") == request_id]
    return line


def forwarded(sandbox: Sandbox, header: str) -> set[str | None]:
    """The values of that header in all requests to Videsk."""
    entries = [entry["headers"] for entry in sandbox.request_log()]
    return {headers.get(header) for headers in entries if isinstance(headers, dict)}


@pytest.mark.parametrize("traceparent", GOOD)
def test_a_trace_goes_into_the_log_and_on_to_videsk(
    client: Client, server: ServerProcess, sandbox: Sandbox, traceparent: str
) -> None:
    responses = ways_to_videsk(client, {"traceparent": traceparent})
    assert [response.status_code for response in responses] == [200, 200, 201, 401]
    assert [logged(server, response)["traceparent"] for response in responses] == [traceparent] * 4
    assert len(sandbox.request_log()) >= 5
    assert forwarded(sandbox, "traceparent") == {traceparent}


@pytest.mark.parametrize("traceparent", [*MALFORMED, *INVALID])
def test_what_is_no_trace_goes_nowhere(
    client: Client, server: ServerProcess, sandbox: Sandbox, traceparent: str
) -> None:
    responses = ways_to_videsk(client, {"traceparent": traceparent})
    assert [response.status_code for response in responses] == [200, 200, 201, 401]
    assert not [response for response in responses if "traceparent" in logged(server, response)]
    assert forwarded(sandbox, "traceparent") == {None}
    assert "s3cr3t" not in server.output()


def test_a_trace_is_its_own_requests_and_not_the_next_ones_of_the_connection(
    server: ServerProcess, sandbox: Sandbox
) -> None:
    with requests.Session() as session:
        for traceparent in (GOOD[0], None, GOOD[1], "s3cr3t"):
            sandbox.clear_request_log()
            response = session.get(
                f"{server.url}/api/services", headers={"traceparent": traceparent}
            )
            expected = traceparent if traceparent in GOOD else None
            assert logged(server, response).get("traceparent") == expected
            assert forwarded(sandbox, "traceparent") == {expected}


def test_nothing_else_of_a_callers_trace_is_sent_on(client: Client, sandbox: Sandbox) -> None:
    others = {
        "baggage": "customer=s3cr3t",
        "sentry-trace": f"{TRACE}-{SPAN}-1",
        "X-B3-TraceId": TRACE,
    }
    ways_to_videsk(client, others | {"traceparent": GOOD[0]})
    for name in others:
        assert forwarded(sandbox, name.lower()) == {None}


def test_a_tracestate_goes_on_to_videsk_with_its_traceparent(
    client: Client, server: ServerProcess, sandbox: Sandbox
) -> None:
    trace = {"traceparent": GOOD[0], "tracestate": f"{TRACESTATE},z=s3cr3t"}
    responses = ways_to_videsk(client, trace)
    assert [response.status_code for response in responses] == [200, 200, 201, 401]
    assert forwarded(sandbox, "traceparent") == {GOOD[0]}
    assert forwarded(sandbox, "tracestate") == {trace["tracestate"]}
    assert "s3cr3t" not in server.output(), "a tracestate may hold anything: it is not logged"


@pytest.mark.parametrize(
    ("headers", "traceparent"),
    [
        ({"tracestate": TRACESTATE}, None),
        ({"traceparent": MALFORMED[1], "tracestate": TRACESTATE}, None),
        ({"traceparent": INVALID[0], "tracestate": TRACESTATE}, None),
        ({"traceparent": GOOD[0], "tracestate": "s3cr3t"}, GOOD[0]),
    ],
    ids=["no traceparent", "malformed traceparent", "invalid traceparent", "invalid tracestate"],
)
def test_a_tracestate_goes_nowhere_without_both_valid(
    client: Client, sandbox: Sandbox, headers: dict[str, str], traceparent: str | None
) -> None:
    ways_to_videsk(client, headers)
    assert forwarded(sandbox, "traceparent") == {traceparent}
    assert forwarded(sandbox, "tracestate") == {None}


def test_header_lines_of_a_tracestate_are_joined_and_two_traceparents_are_none(
    server: ServerProcess, sandbox: Sandbox
) -> None:
    def get(lines: list[tuple[str, str]]) -> None:
        sandbox.clear_request_log()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.putrequest("GET", "/api/services")
        for name, value in lines:
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 200
        connection.close()

    states = [("tracestate", "rojo=1"), ("TraceState", ""), ("TRACESTATE", "congo=2")]
    get([("TraceParent", GOOD[0]), *states])
    assert forwarded(sandbox, "traceparent") == {GOOD[0]}
    assert forwarded(sandbox, "tracestate") == {"rojo=1,,congo=2"}
    get([("traceparent", GOOD[0]), ("traceparent", GOOD[0]), *states])
    assert forwarded(sandbox, "traceparent") == forwarded(sandbox, "tracestate") == {None}


def test_a_later_versions_own_fields_are_forwarded_and_not_logged(
    client: Client, server: ServerProcess, sandbox: Sandbox
) -> None:
    later = f"cc-{TRACE}-{SPAN}-01-s3cr3t.field"
    response = client.get("/api/services", headers={"traceparent": later})
    assert forwarded(sandbox, "traceparent") == {later}
    assert logged(server, response)["traceparent"] == f"cc-{TRACE}-{SPAN}-01"
    assert "s3cr3t" not in server.output()


@pytest.mark.parametrize("given", ["a", "A-Za.z_0-9", "x" * 128])
def test_a_request_id_goes_into_the_log_on_to_videsk_and_back(
    client: Client, server: ServerProcess, sandbox: Sandbox, given: str
) -> None:
    responses = ways_to_videsk(client, {"X-Request-ID": given})
    assert [response.headers["X-Request-ID"] for response in responses] == [given] * 4
    routes = [line["route"] for line in lines(server) if line.get("request_id") == given]
    assert len(routes) == 4
    assert forwarded(sandbox, "x-request-id") == {given}


@pytest.mark.parametrize("given", NO_REQUEST_IDS)
def test_what_is_no_request_id_is_replaced_by_one(
    client: Client, server: ServerProcess, sandbox: Sandbox, given: str
) -> None:
    responses = ways_to_videsk(client, {"X-Request-ID": given})
    made = {response.headers["X-Request-ID"] for response in responses}
    assert len(made) == 4, "each its own"
    assert all(logged(server, response)["status"] == response.status_code for response in responses)
    assert forwarded(sandbox, "x-request-id") == made
    assert given not in server.output()

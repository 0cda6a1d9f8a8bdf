"""Every request gets its own response, whatever else Videsk sends on the connection (docs/guarantees.md#g12)."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
import requests

from tests.client import Client, bearer
from tests.e2e.fleet import concurrently, wait_until
from tests.e2e.raw_videsk import RawVidesk, json_response, raw_videsk, request_heads
from tests.processes import Sandbox, proxy_server

Serve = Callable[[socket.socket, bytes], None]
"""Responds to one request on the connection. Its own response has this body."""

PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.css>\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WITH_LENGTH = b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
UNKNOWN_1XX = b"HTTP/1.1 199 \r\nX-Long: " + b"x" * 60_000 + b"\r\n\r\n"
OTHER_RESPONSE = b'{"token":"another\'s"}'


@dataclass
class IsolationSetup:
    """A proxy with one worker, whose Videsk responds with `serve`."""

    videsk: RawVidesk
    client: Client
    serve: Serve

    def read(self, number: int) -> requests.Response:
        """Send a read whose own response contains its token."""
        return self.client.get("/api/appointment", headers=bearer(f"a.b.{number}"))


@pytest.fixture(scope="module")
def started(sandbox_process: Sandbox) -> Iterator[IsolationSetup]:
    setup: IsolationSetup

    def serve_all(connection: socket.socket) -> None:
        for head in request_heads(connection):
            token = head.partition("Bearer ")[2].partition("\r\n")[0]
            setup.serve(connection, b'{"token":"%b"}' % token.encode())

    with raw_videsk(serve_all) as videsk:
        settings = {"VIDESK_BASE_URL": videsk.url(), "WEB_CONCURRENCY": "1", "VIDESK_TIMEOUT": "3"}
        with proxy_server(sandbox_process, **settings) as server:
            setup = IsolationSetup(videsk, Client(server.url), respond)
            yield setup


@pytest.fixture
def setup(started: IsolationSetup) -> IsolationSetup:
    """Close all connections to Videsk, and wait until the circuit is closed."""
    started.serve = lambda connection, body: connection.sendall(
        json_response(body, "200 OK", "Connection: close")
    )
    wait_until(lambda: all(started.read(n).status_code == 200 for n in range(8)))
    started.videsk.connections.clear()
    return started


def gets_own_response(setup: IsolationSetup, number: int) -> bool:
    response = setup.read(number)
    assert response.status_code == 200, response.text
    return bool(response.json() == {"token": f"a.b.{number}"})


def respond(connection: socket.socket, body: bytes) -> None:
    connection.sendall(json_response(body))


def respond_after(*interim: bytes) -> Serve:
    def serve(connection: socket.socket, body: bytes) -> None:
        connection.sendall(b"".join(interim) + json_response(body))

    return serve


def respond_slowly(connection: socket.socket, body: bytes) -> None:
    for interim in (PROCESSING, HINTS, PROCESSING):
        connection.sendall(interim)
        time.sleep(0.1)
    connection.sendall(json_response(body))


@pytest.mark.parametrize(
    "serve",
    [
        respond_after(PROCESSING),
        respond_after(HINTS),
        respond_after(CONTINUE),
        respond_after(CONTINUE, PROCESSING, HINTS, CONTINUE, HINTS),
        respond_after(WITH_LENGTH),
        respond_after(UNKNOWN_1XX),
        respond_after(*[PROCESSING] * 100),
        respond_slowly,
    ],
    ids=["102", "103", "100", "several", "length", "unnamed", "hundred", "slowly"],
)
def test_interim_responses_are_skipped(setup: IsolationSetup, serve: Serve) -> None:
    setup.serve = serve
    responses = concurrently([partial(gets_own_response, setup, number) for number in range(48)])
    assert all(responses)
    assert all(gets_own_response(setup, number) for number in range(48, 54))
    assert setup.videsk.connection_count <= 48, "connections are reused"


def test_a_connection_without_extra_bytes_is_reused(setup: IsolationSetup) -> None:
    setup.serve = respond
    assert all(gets_own_response(setup, number) for number in range(4))
    assert setup.videsk.connection_count == 1


def append_extra(extra: bytes) -> Serve:
    def serve(connection: socket.socket, body: bytes) -> None:
        connection.sendall(json_response(body) + extra)

    return serve


def append_later(connection: socket.socket, body: bytes) -> None:
    connection.sendall(json_response(body))
    time.sleep(0.05)
    connection.sendall(json_response(OTHER_RESPONSE))


def respond_in_chunks(end: bytes) -> Serve:
    def serve(connection: socket.socket, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(b"%b%x\r\n%b\r\n0\r\n\r\n%b" % (head, len(body), body, end))

    return serve


def respond_framed_twice(*lines: str) -> Serve:
    """Frame the body with chunks and with a Content-Length, which parsers interpret differently."""

    def serve(connection: socket.socket, body: bytes) -> None:
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = ["HTTP/1.1 200 OK", *lines, f"Content-Length: {len(chunk)}", "", ""]
        connection.sendall("\r\n".join(head).encode() + chunk)

    return serve


def respond_with_two_lengths(connection: socket.socket, body: bytes) -> None:
    connection.sendall(json_response(body, "200 OK", f"Content-Length: {len(body)}"))


EXTRA_BYTES = {
    "a response": append_extra(json_response(OTHER_RESPONSE)),
    "one byte": append_extra(b"H"),
    "line end": append_extra(b"\r\n"),
    "more than a buffer": append_extra(json_response(b'"%b"' % (b"x" * 20_000))),
    "later": append_later,
    "after chunks": respond_in_chunks(json_response(OTHER_RESPONSE)),
    "two framings": respond_framed_twice("Transfer-Encoding: chunked"),
    "two lengths": respond_with_two_lengths,
}


@pytest.mark.parametrize("serve", EXTRA_BYTES.values(), ids=EXTRA_BYTES)
def test_a_connection_with_extra_bytes_is_not_reused(setup: IsolationSetup, serve: Serve) -> None:
    setup.serve = serve
    for number in range(4):
        assert gets_own_response(setup, number)
        time.sleep(0.1)  # the late bytes have arrived
    assert setup.videsk.connection_count == 4


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_forbidden_body_is_not_taken_for_the_next_response(
    setup: IsolationSetup, status: str
) -> None:
    def serve(connection: socket.socket, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(json_response(OTHER_RESPONSE))}\r\n\r\n"
        connection.sendall(head.encode())
        time.sleep(0.05)
        connection.sendall(json_response(OTHER_RESPONSE))

    setup.serve = serve
    assert setup.read(1).status_code == 502
    setup.serve = respond
    assert gets_own_response(setup, 2)


def test_a_101_response_is_a_502(setup: IsolationSetup) -> None:
    setup.serve = respond_after(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    assert setup.read(1).status_code == 502
    setup.serve = respond
    assert gets_own_response(setup, 2)

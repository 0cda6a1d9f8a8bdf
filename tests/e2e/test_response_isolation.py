"""Every request gets its own response, whatever else Videsk sends on the connection (docs/guarantees.md#g12)."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests

from tests.client import Client, bearer
from tests.e2e.fleet import concurrently, wait_until
from tests.e2e.raw_videsk import RawVidesk, json_response, raw_videsk, request_heads
from tests.processes import Sandbox, proxy_server

Serve = Callable[[socket.socket, bytes], None]
"""Answers one request on the connection; the body is what that request's own answer holds."""

PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.css>\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WITH_LENGTH = b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
UNNAMED = b"HTTP/1.1 199 \r\nX-Long: " + b"x" * 60_000 + b"\r\n\r\n"
ANOTHERS = b'{"token":"another\'s"}'


@dataclass
class Stage:
    """A proxy of one worker before a Videsk that answers as `serve` does."""

    videsk: RawVidesk
    client: Client
    serve: Serve

    def ask(self, number: int) -> requests.Response:
        """One read, of which the own answer holds the token."""
        return self.client.get("/api/appointment", headers=bearer(f"a.b.{number}"))


@pytest.fixture(scope="module")
def started(sandbox_process: Sandbox) -> Iterator[Stage]:
    stage: Stage

    def serve_all(connection: socket.socket) -> None:
        for head in request_heads(connection):
            token = head.partition("Bearer ")[2].partition("\r\n")[0]
            stage.serve(connection, b'{"token":"%b"}' % token.encode())

    with raw_videsk(serve_all) as videsk:
        settings = {"VIDESK_BASE_URL": videsk.url(), "WEB_CONCURRENCY": "1", "VIDESK_TIMEOUT": "3"}
        with proxy_server(sandbox_process, **settings) as server:
            stage = Stage(videsk, Client(server.url), well)
            yield stage


@pytest.fixture
def stage(started: Stage) -> Stage:
    """No connection is open, and the circuit is closed."""
    started.serve = lambda connection, body: connection.sendall(
        json_response(body, "200 OK", "Connection: close")
    )
    wait_until(lambda: all(started.ask(n).status_code == 200 for n in range(8)))
    started.videsk.connections.clear()
    return started


def own(stage: Stage, number: int) -> bool:
    answer = stage.ask(number)
    assert answer.status_code == 200, answer.text
    return bool(answer.json() == {"token": f"a.b.{number}"})


def well(connection: socket.socket, body: bytes) -> None:
    connection.sendall(json_response(body))


def after(*interim: bytes) -> Serve:
    def serve(connection: socket.socket, body: bytes) -> None:
        connection.sendall(b"".join(interim) + json_response(body))

    return serve


def slowly(connection: socket.socket, body: bytes) -> None:
    for interim in (PROCESSING, HINTS, PROCESSING):
        connection.sendall(interim)
        time.sleep(0.1)
    connection.sendall(json_response(body))


@pytest.mark.parametrize(
    "serve",
    [
        after(PROCESSING),
        after(HINTS),
        after(CONTINUE),
        after(CONTINUE, PROCESSING, HINTS, CONTINUE, HINTS),
        after(WITH_LENGTH),
        after(UNNAMED),
        after(*[PROCESSING] * 100),
        slowly,
    ],
    ids=["102", "103", "100", "several", "length", "unnamed", "hundred", "slowly"],
)
def test_interim_responses_are_skipped(stage: Stage, serve: Serve) -> None:
    stage.serve = serve
    answers = concurrently([lambda number=number: own(stage, number) for number in range(48)])  # type: ignore[misc]
    assert all(answers)
    assert all(own(stage, number) for number in range(48, 54))
    assert stage.videsk.connection_count <= 48, "connections are used again"


def test_a_connection_without_anything_left_over_is_used_again(stage: Stage) -> None:
    stage.serve = well
    assert all(own(stage, number) for number in range(4))
    assert stage.videsk.connection_count == 1


def at_the_same_time(extra: bytes) -> Serve:
    def serve(connection: socket.socket, body: bytes) -> None:
        connection.sendall(json_response(body) + extra)

    return serve


def a_moment_later(connection: socket.socket, body: bytes) -> None:
    connection.sendall(json_response(body))
    time.sleep(0.05)
    connection.sendall(json_response(ANOTHERS))


def in_chunks(end: bytes) -> Serve:
    def serve(connection: socket.socket, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(b"%b%x\r\n%b\r\n0\r\n\r\n%b" % (head, len(body), body, end))

    return serve


def framed_twice(*lines: str) -> Serve:
    """In chunks as some read it, and by a length as others do."""

    def serve(connection: socket.socket, body: bytes) -> None:
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = ["HTTP/1.1 200 OK", *lines, f"Content-Length: {len(chunk)}", "", ""]
        connection.sendall("\r\n".join(head).encode() + chunk)

    return serve


def with_two_lengths(connection: socket.socket, body: bytes) -> None:
    connection.sendall(json_response(body, "200 OK", f"Content-Length: {len(body)}"))


LEFT_OVER = {
    "a response": at_the_same_time(json_response(ANOTHERS)),
    "one byte": at_the_same_time(b"H"),
    "line end": at_the_same_time(b"\r\n"),
    "more than a buffer": at_the_same_time(json_response(b'"%b"' % (b"x" * 20_000))),
    "later": a_moment_later,
    "after chunks": in_chunks(json_response(ANOTHERS)),
    "two framings": framed_twice("Transfer-Encoding: chunked"),
    "two lengths": with_two_lengths,
}


@pytest.mark.parametrize("serve", LEFT_OVER.values(), ids=LEFT_OVER)
def test_a_connection_on_which_something_is_left_over_is_not_used_again(
    stage: Stage, serve: Serve
) -> None:
    stage.serve = serve
    for number in range(4):
        assert own(stage, number)
        time.sleep(0.1)  # what Videsk sends later has come
    assert stage.videsk.connection_count == 4


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_body_where_there_is_none_is_not_the_next_response(stage: Stage, status: str) -> None:
    def serve(connection: socket.socket, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(json_response(ANOTHERS))}\r\n\r\n"
        connection.sendall(head.encode())
        time.sleep(0.05)
        connection.sendall(json_response(ANOTHERS))

    stage.serve = serve
    assert stage.ask(1).status_code == 502
    stage.serve = well
    assert own(stage, 2)


def test_a_101_response_is_a_502(stage: Stage) -> None:
    stage.serve = after(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    assert stage.ask(1).status_code == 502
    stage.serve = well
    assert own(stage, 2)

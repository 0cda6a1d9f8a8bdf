"""With and without the fast path, the same bytes get the same responses."""

import random
import socket
from collections.abc import Iterator

import pytest

from tests.client import Client
from tests.e2e.background_clients import open_socket, read_all
from tests.e2e.test_rfc9112 import (
    FIELDS,
    FRAMINGS,
    GET,
    HEAD,
    HOSTS,
    LAST_REQUEST,
    PERSISTENCE,
    REQUEST_LINES,
    VALID_BODIES,
    VALID_HEADS,
    Response,
    split_responses,
)
from tests.processes import Sandbox, ServerProcess, proxy_server

OWN_HEADERS = {"Date", "X-Request-ID", "Cache-Status"}
"""Headers that differ between two responses to the same request. All others must be equal."""


@pytest.fixture(scope="module")
def servers(sandbox_process: Sandbox) -> Iterator[list[ServerProcess]]:
    """Return a proxy with the fast path and one without. Both have cached the list of services."""
    with (
        proxy_server(sandbox_process, CORS_ORIGINS="*") as fast,
        proxy_server(sandbox_process, "tests.e2e.no_fast_path_app:app", CORS_ORIGINS="*") as slow,
    ):
        for server in (fast, slow):
            for _ in range(3):
                assert Client(server.url).get("/api/services").status_code == 200
        yield [fast, slow]


def cached(data: bytes) -> bytes:
    """Replace the health check in the request with the list of services, which is cached."""
    return data.replace(b"/healthz", b"/api/services")


HEADS = REQUEST_LINES | HOSTS | FIELDS | FRAMINGS
STREAMS = {
    **{name: head + b"\r\n" + LAST_REQUEST for name, (head, _) in HEADS.items()},
    **{name: head + b"\r\n" + LAST_REQUEST for name, head in VALID_HEADS.items()},
    **{name: data + LAST_REQUEST for name, data in VALID_BODIES.items()},
    **{
        name: GET.replace(b"HTTP/1.1", version) + HEAD + fields + b"\r\n" + LAST_REQUEST
        for name, (version, fields, _) in PERSISTENCE.items()
    },
    "pipelined": (GET + HEAD + b"\r\n") * 5 + LAST_REQUEST,
    "Origin": GET + HEAD + b"Origin: https://shop.example\r\n\r\n" + LAST_REQUEST,
    "Accept-Encoding": GET + HEAD + b"Accept-Encoding: br\r\n\r\n" + LAST_REQUEST,
    "If-None-Match": GET + HEAD + b"If-None-Match: *\r\n\r\n" + LAST_REQUEST,
    "X-Request-ID": GET + HEAD + b"X-Request-ID: mine\r\n\r\n" + LAST_REQUEST,
}


def send(server: ServerProcess, pieces: list[bytes]) -> list[Response]:
    with open_socket(server) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:  # the server has responded and closed
                break
        received = read_all(connection)
    return split_responses(received)


def comparable(responses: list[Response]) -> list[object]:
    return [
        (status, {name: value for name, value in headers.items() if name not in OWN_HEADERS}, body)
        for status, headers, body in responses
    ]


@pytest.mark.parametrize("name", STREAMS)
def test_the_same_bytes_get_the_same_responses(servers: list[ServerProcess], name: str) -> None:
    """Send the requests in one piece, in two pieces, and byte by byte."""
    data, choose = cached(STREAMS[name]), random.Random(name)
    cut = choose.randrange(1, len(data))
    ways = [[data], [data[:cut], data[cut:]]]
    if len(data) < 1000:
        ways.append([data[at : at + 1] for at in range(len(data))])
    for pieces in ways:
        fast, slow = (comparable(send(server, pieces)) for server in servers)
        assert fast == slow
    assert fast


def test_head_gets_the_headers_of_get(servers: list[ServerProcess]) -> None:
    head = cached(GET + HEAD).replace(b"GET", b"HEAD") + b"\r\n"
    for server in servers:
        for _ in range(2):  # the fast path serves the second one
            with open_socket(server) as connection:
                connection.sendall(head)
                connection.shutdown(socket.SHUT_WR)
                (response,) = split_responses(read_all(connection))
            ((_, of_get, body),) = send(server, [cached(LAST_REQUEST)])
            assert response[0] == 200
            assert response[1]["Content-Length"] == of_get["Content-Length"] == str(len(body))

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
    LAST,
    PERSISTENCE,
    READ,
    REQUEST_LINES,
    SERVED,
    Response,
    split_responses,
)
from tests.processes import Sandbox, ServerProcess, proxy_server

OWN_HEADERS = {"Date", "X-Request-ID", "Cache-Status"}
"""Those that differ between two responses to the same request. Connection and others must not."""


@pytest.fixture(scope="module")
def servers(sandbox_process: Sandbox) -> Iterator[list[ServerProcess]]:
    """One with the fast path and one without, which have the list of services in their caches."""
    with (
        proxy_server(sandbox_process, CORS_ORIGINS="*") as fast,
        proxy_server(sandbox_process, "tests.e2e.no_fast_path_app:app", CORS_ORIGINS="*") as slow,
    ):
        for server in (fast, slow):
            for _ in range(3):
                assert Client(server.url).get("/api/services").status_code == 200
        yield [fast, slow]


def cached(data: bytes) -> bytes:
    """Ask for the list of services instead of the health check."""
    return data.replace(b"/healthz", b"/api/services")


HEADS = REQUEST_LINES | HOSTS | FIELDS | FRAMINGS
STREAMS = {
    **{name: head + b"\r\n" + LAST for name, (head, _) in HEADS.items()},
    **{name: head + b"\r\n" + LAST for name, head in SERVED.items()},
    **{name: data + LAST for name, data in READ.items()},
    **{
        name: GET.replace(b"HTTP/1.1", version) + HEAD + fields + b"\r\n" + LAST
        for name, (version, fields, _) in PERSISTENCE.items()
    },
    "pipelined": (GET + HEAD + b"\r\n") * 5 + LAST,
    "Origin": GET + HEAD + b"Origin: https://shop.example\r\n\r\n" + LAST,
    "Accept-Encoding": GET + HEAD + b"Accept-Encoding: br\r\n\r\n" + LAST,
    "If-None-Match": GET + HEAD + b"If-None-Match: *\r\n\r\n" + LAST,
    "X-Request-ID": GET + HEAD + b"X-Request-ID: mine\r\n\r\n" + LAST,
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
    """In one piece, in two pieces, and byte by byte."""
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
        for _ in range(2):  # the second from the fast path
            with open_socket(server) as connection:
                connection.sendall(head)
                connection.shutdown(socket.SHUT_WR)
                (response,) = split_responses(read_all(connection))
            ((_, of_get, body),) = send(server, [cached(LAST)])
            assert response[0] == 200
            assert response[1]["Content-Length"] == of_get["Content-Length"] == str(len(body))

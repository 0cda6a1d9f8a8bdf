"""A write that fails before it is sent has a known outcome, and its key can be used again."""

import resource
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from redis import Redis

from tests.client import JOHN, Client, booking_body, working_day
from tests.e2e.fleet import started_workers
from tests.e2e.raw_videsk import RawVidesk, raw_videsk
from tests.processes import Sandbox, ServerProcess, proxy_server

HOUR = f"{working_day()}T14:00:00.000Z"
READ = f"/api/users/{JOHN}/dates?date={working_day()}&timezone=America/Santiago"
LONG_AGO = "2020-01"
HELLO_BYTES = 65536


def plain_http(connection: socket.socket) -> None:
    """Respond to a TLS ClientHello as a plain HTTP server does."""
    connection.recv(HELLO_BYTES)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")
    connection.recv(HELLO_BYTES)


def close(connection: socket.socket) -> None:
    connection.recv(HELLO_BYTES)


def reset(connection: socket.socket) -> None:
    connection.recv(HELLO_BYTES)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def alert(connection: socket.socket) -> None:
    """Reject the handshake with a TLS alert, because without a certificate no cipher matches."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_socket(connection, server_side=True)


def silent(connection: socket.socket) -> None:
    """Never finish the handshake."""
    while connection.recv(HELLO_BYTES):
        pass


def half_a_hello(connection: socket.socket) -> None:
    """Send a record of 16 KB byte by byte, and never finish it."""
    connection.recv(HELLO_BYTES)
    connection.sendall(b"\x16\x03\x03\x40\x00")
    while True:
        connection.sendall(b"\x00")
        time.sleep(0.2)


HANDSHAKES: list[tuple[Callable[[socket.socket], None], int]] = [
    (plain_http, 502),
    (close, 502),
    (reset, 502),
    (alert, 502),
    (silent, 504),
    (half_a_hello, 504),
]


@dataclass
class HandshakeSetup:
    """A proxy, and a Videsk whose TLS handshake is `handshake`."""

    videsk: RawVidesk
    client: Client
    handshake: Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def started(sandbox_process: Sandbox, redis_process: ServerProcess) -> Iterator[HandshakeSetup]:

    def serve(connection: socket.socket) -> None:
        setup.handshake(connection)

    with raw_videsk(serve) as videsk:
        settings = {"VIDESK_BASE_URL": videsk.url("https"), "VIDESK_TIMEOUT": "1"}
        with proxy_server(sandbox_process, REDIS_URL=redis_process.redis_url, **settings) as server:
            setup = HandshakeSetup(videsk, Client(server.url), close)
            yield setup


@pytest.mark.parametrize(("handshake", "status"), HANDSHAKES)
def test_a_failed_handshake_has_a_known_outcome(
    started: HandshakeSetup, redis: Redis, handshake: Callable[[socket.socket], None], status: int
) -> None:
    started.handshake, before = handshake, started.videsk.connection_count
    assert_nothing_was_sent(book_twice(started.client), status)
    assert started.videsk.connection_count == before + 2
    assert started.client.get(READ).status_code == status


def book_twice(client: Client) -> list[requests.Response]:
    """Send two attempts with the same idempotency key."""
    headers = {"Idempotency-Key": uuid4().hex}
    return [client.book("users", JOHN, HOUR, headers=headers) for _ in range(2)]


def assert_nothing_was_sent(responses: list[requests.Response], status: int) -> None:
    for response in responses:
        assert (response.status_code, response.json().get("data")) == (status, None)
        assert "Idempotency-Replayed" not in response.headers


def test_an_unresolved_host_name_has_a_known_outcome(sandbox: Sandbox) -> None:
    with proxy_server(sandbox, VIDESK_BASE_URL="https://videsk.invalid") as server:
        assert_nothing_was_sent(book_twice(Client(server.url)), 502)


@contextmanager
def no_more_files(worker: int) -> Iterator[None]:
    """Keep the process from opening files and sockets during the block."""
    soft, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    used = {int(path.name) for path in Path(f"/proc/{worker}/fd").iterdir()}
    first_free = next(number for number in range(soft) if number not in used)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (first_free, hard))
    try:
        yield
    finally:
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (soft, hard))


def test_a_lack_of_file_descriptors_does_not_open_the_circuit(sandbox: Sandbox) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    with proxy_server(sandbox, WEB_CONCURRENCY="1") as server, requests.Session() as session:

        def get(path: str) -> requests.Response:
            return session.get(f"{server.url}{path}", timeout=10)

        def book() -> requests.Response:
            url = f"{server.url}/api/users/{JOHN}/appointments"
            body = booking_body(HOUR, "ana@example.com")
            return session.post(url, json=body, headers=key, timeout=10)

        # Open the connection and load the time zone before the limit is lowered.
        assert get(READ.replace(working_day(), LONG_AGO)).status_code == 400
        (worker,) = started_workers(server, 1)
        with no_more_files(worker):
            refused = [book() for _ in range(3)] + [get(READ) for _ in range(5)]
        for response in refused:
            assert (response.status_code, response.json()["name"]) == (503, "Unavailable")
            assert response.headers["X-Error-Source"] == "proxy"
            assert int(response.headers["Retry-After"]) >= 1
            assert "open files" in response.json()["message"]
            assert "data" not in response.json()
        assert sandbox.request_log() == []
        assert get("/readyz").json()["videsk"]["circuit"] == "closed"
        assert book().status_code == 201
        assert get(READ).status_code == 200

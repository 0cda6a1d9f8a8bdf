"""A request body that the response does not need costs little, whatever else the client sends.

At most 128 KB or 2 s of it are read, without delaying other clients (docs/guarantees.md#g11).
"""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e import attacks
from tests.e2e.attacks import CHUNKED, HEADS, TINY_CHUNKS, head, send_until_closed
from tests.e2e.background_clients import (
    background_clients,
    open_socket,
    read_all,
    seconds_until_closed,
)
from tests.processes import Sandbox, ServerProcess, proxy_server
from tests.timing import SERIAL, TIMING

pytestmark = TIMING

DRAIN_SECONDS = 2
ATTACK_SECONDS = 5
HUGE_LENGTH = 2**40
OPENINGS = {("413", CHUNKED): b"20000\r\n" + b"x" * 65537}
"""Bytes that make the body too large. Without them, the response does not depend on the body."""


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox) -> Iterator[ServerProcess]:
    """Run one worker, so that anything that blocks it delays all clients."""
    with proxy_server(sandbox_process) as server:
        yield server


@SERIAL
def test_unread_bodies_of_tiny_chunks_do_not_delay_others(server: ServerProcess) -> None:
    attack = attacks.run_attack(attacks.tiny_chunks, server.port, ATTACK_SECONDS)
    with attack, background_clients(server) as calls:
        time.sleep(ATTACK_SECONDS - 1)
    calls.assert_undisturbed()


@pytest.mark.parametrize("route", HEADS)
@pytest.mark.parametrize("framing", [CHUNKED, f"Content-Length: {HUGE_LENGTH}"])
def test_little_of_an_unread_body_is_read_and_the_connection_ends(
    server: ServerProcess, route: str, framing: str
) -> None:
    data = TINY_CHUNKS if framing == CHUNKED else b"x" * 8192
    with open_socket(server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.sendall(head(route, framing) + OPENINGS.get((route, framing), b""))
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        started = time.monotonic()
        send_until_closed(connection, data, started + 3 * DRAIN_SECONDS)
        assert time.monotonic() - started < 2 * DRAIN_SECONDS
    assert b"\r\nConnection: close\r\n" in received


def test_an_unread_body_that_does_not_arrive_is_dropped_after_2_seconds(
    server: ServerProcess,
) -> None:
    with open_socket(server) as connection:
        connection.sendall(head("404", "Content-Length: 1000"))
        assert DRAIN_SECONDS - 0.5 < seconds_until_closed(connection, 10) < DRAIN_SECONDS + 1.5


def test_after_a_short_unread_body_the_connection_is_reused(server: ServerProcess) -> None:
    body = b"x" * 60_000
    with open_socket(server) as connection:
        for _ in range(3):
            connection.sendall(head("404", f"Content-Length: {len(body)}") + body)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n")
        received = read_all(connection)
    assert received.count(b"HTTP/1.1 404 ") == 3
    assert received.count(b"HTTP/1.1 200 ") == 1


def test_the_response_to_a_large_body_reaches_a_client_that_sends_all_of_it_first(
    server: ServerProcess,
) -> None:
    body = b"x" * 120_000
    framing = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    with open_socket(server) as connection:
        connection.sendall(head("413", framing) + body)
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


def test_a_408_closes_the_connection(server: ServerProcess) -> None:
    with open_socket(server, 20) as connection:
        framing = "Content-Type: application/json\r\nContent-Length: 100"
        connection.sendall(head("413", framing) + b"{")
        received = read_all(connection, 20)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nConnection: close\r\n" in received

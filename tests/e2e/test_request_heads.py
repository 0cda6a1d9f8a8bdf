"""Request heads are limited in size and time, and incomplete ones cost little
(docs/guarantees.md#g11).
"""

import json
import time
from collections.abc import Iterator

import pytest

from tests.e2e import attacks
from tests.e2e.background_clients import background_clients, open_socket, read_all
from tests.processes import Sandbox, ServerProcess, proxy_server
from tests.timing import SERIAL, TIMING

pytestmark = TIMING

START = b"GET /healthz HTTP/1.1\r\nHost: proxy\r\n"
CLOSE = b"Connection: close\r\n"
FIELDS = 50
FIELD_BYTES = 4096
HEAD_SECONDS = 10
ATTACK_SECONDS = 5


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox) -> Iterator[ServerProcess]:
    """Run one worker, so that anything that blocks it delays all clients."""
    with proxy_server(sandbox_process, CORS_ORIGINS="*") as server:
        yield server


def exchange(server: ServerProcess, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send these bytes, and return the status, headers and body of the only response."""
    with open_socket(server) as connection:
        connection.sendall(request)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), dict(field_line.split(": ", 1) for field_line in fields), body


def field_line(number: int, size: int) -> bytes:
    """Return a field line of `size` bytes, without its line end."""
    name = f"X-{number:02}: ".encode()
    return name + b"x" * (size - len(name)) + b"\r\n"


def test_as_many_and_as_long_fields_as_allowed_are_served(server: ServerProcess) -> None:
    fields = b"".join(field_line(number, FIELD_BYTES) for number in range(FIELDS - 2))
    assert exchange(server, START + CLOSE + fields + b"\r\n")[0] == 200


@pytest.mark.parametrize("end", [b"\r\n", b""], ids=["complete", "not complete"])
@pytest.mark.parametrize(
    ("fields", "status", "name"),
    [
        (
            b"".join(field_line(number, 100) for number in range(FIELDS)),
            431,
            "RequestHeaderFieldsTooLarge",
        ),
        (field_line(0, FIELD_BYTES + 1), 431, "RequestHeaderFieldsTooLarge"),
        (b"X: " + b"x" * 200_000, 431, "RequestHeaderFieldsTooLarge"),
    ],
    ids=["51 fields", "a field over 4 KB", "a field that does not end"],
)
def test_more_or_longer_fields_are_a_431_in_the_usual_format(
    server: ServerProcess, fields: bytes, status: int, name: str, end: bytes
) -> None:
    received, headers, body = exchange(server, START + fields + end)
    assert received == status
    error = json.loads(body)
    assert (error["name"], error["code"], error["errors"]) == (name, status, {})
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Error-Source"] == "proxy"
    assert len(headers["X-Request-ID"]) == 32
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Vary"] == "Origin"
    assert headers["Connection"] == "close"


@pytest.mark.parametrize(("size", "status"), [(8190, 404), (8191, 414), (200_000, 414)])
def test_the_request_line_is_limited(server: ServerProcess, size: int, status: int) -> None:
    line = b"GET /" + b"x" * (size - len(b"GET / HTTP/1.1")) + b" HTTP/1.1\r\n"
    assert exchange(server, line + b"Host: proxy\r\n" + CLOSE + b"\r\n")[0] == status


def test_a_head_that_comes_byte_by_byte_is_served(server: ServerProcess) -> None:
    with open_socket(server) as connection:
        for byte in b"\r\n" + START + field_line(0, 60) + CLOSE + b"\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.002)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("before", [b"", START + b"\r\n"], ids=["the first", "the second"])
def test_a_head_that_is_not_complete_in_10_seconds_is_dropped(
    server: ServerProcess, before: bytes
) -> None:
    with open_socket(server) as connection:
        if before:
            connection.sendall(before)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        started = time.monotonic()
        connection.sendall(START)
        closed = False
        while not closed and time.monotonic() - started < 2 * HEAD_SECONDS:
            connection.settimeout(0.5)
            try:
                connection.sendall(b"x")
                closed = connection.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                closed = True
        assert HEAD_SECONDS - 0.5 < time.monotonic() - started < HEAD_SECONDS + 2


@SERIAL
def test_endless_heads_do_not_delay_others(server: ServerProcess) -> None:
    attack = attacks.run_attack(attacks.unfinished_heads, server.port, ATTACK_SECONDS)
    with attack, background_clients(server, "127.0.0.2") as calls:
        time.sleep(ATTACK_SECONDS - 1)
    calls.assert_undisturbed()

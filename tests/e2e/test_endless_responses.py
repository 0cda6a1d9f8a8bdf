"""A response of Videsk that is expensive to read does not delay other clients."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests

from tests.client import JOHN, Client, working_day
from tests.e2e.raw_videsk import json_response, raw_videsk, request_heads
from tests.processes import Sandbox, proxy_server
from tests.timing import TIMING

READ = f"/api/users/{JOHN}/dates?date={working_day()}&timezone=America/Santiago"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
ONE_BYTE = b"1\r\na\r\n"
Serve = Callable[[socket.socket], None]
SECONDS = 4
"""VIDESK_TIMEOUT in this file."""


def in_single_bytes(length: int) -> bytes:
    """Return a response with a JSON list of one text of this length, each byte in its own chunk."""
    text = b'["' + b"a" * length + b'"]'
    return CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in text) + b"0\r\n\r\n"


def endless(start: bytes, piece: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.sendall(start)
        many = piece * (65536 // len(piece))
        end = time.monotonic() + SECONDS + 1
        with suppress(OSError):  # the proxy closes the connection
            while time.monotonic() < end:
                connection.sendall(many)

    return serve


def whole(response: bytes) -> Serve:
    return lambda connection: connection.sendall(response)


ANSWERS: dict[str, tuple[Serve, set[int]]] = {
    "5 MB in single bytes": (whole(in_single_bytes(5_000_000)), {502, 504}),
    "single bytes": (endless(CHUNKED, ONE_BYTE), {502, 504}),
    "trailers": (endless(CHUNKED + b"0\r\n", b"X-Trailer: 1\r\n"), {502, 504}),
    "interim responses": (endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), {502, 504}),
    "continues": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {502, 504}),
    "chunk extension": (endless(CHUNKED + b"1;", b"x" * 64), {502, 504}),
    "header lines": (endless(b"HTTP/1.1 200 OK\r\n", b"X-Header: 1\r\n"), {502}),
}


@pytest.fixture(scope="module")
def slow_videsk(sandbox_process: Sandbox) -> Iterator[tuple[Client, list[Serve]]]:
    """Run a proxy with one worker. Its Videsk responds with the function in the list."""
    response: list[Serve] = []

    def serve(connection: socket.socket) -> None:
        for _ in request_heads(connection):
            response[0](connection)

    with raw_videsk(serve) as videsk:
        settings = {"WEB_CONCURRENCY": "1", "VIDESK_TIMEOUT": str(SECONDS), "DATES_TTL": "0"}
        with proxy_server(sandbox_process, VIDESK_BASE_URL=videsk.url(), **settings) as server:
            yield Client(server.url), response


@TIMING
@pytest.mark.parametrize(("response", "statuses"), ANSWERS.values(), ids=ANSWERS)
def test_other_clients_are_served_during_an_expensive_response(
    slow_videsk: tuple[Client, list[Serve]],
    response: Serve,
    statuses: set[int],
) -> None:
    client, current = slow_videsk
    current[:] = [whole(json_response(b"[]"))]
    assert client.get(READ).status_code == 200
    current[:] = [response]
    with ThreadPoolExecutor(1) as pool, requests.Session() as innocent:
        started = time.monotonic()
        reading = pool.submit(client.get, READ)
        waits: list[float] = []
        while not (waits and reading.done()):
            sent_at = time.monotonic()
            assert innocent.get(f"{client.url}/healthz", timeout=30).status_code == 200
            waits.append(time.monotonic() - sent_at)
            time.sleep(0.005)
    assert reading.result().status_code in statuses
    assert max(waits) < 0.5
    assert time.monotonic() - started < SECONDS + 1.5


def test_a_body_in_one_byte_chunks_is_read(
    slow_videsk: tuple[Client, list[Serve]],
) -> None:
    client, current = slow_videsk
    current[:] = [whole(in_single_bytes(300_000))]
    response = client.get(READ)
    assert (response.status_code, response.json()) == (200, ["a" * 300_000])

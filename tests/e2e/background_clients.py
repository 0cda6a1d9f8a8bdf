"""Clients that call the proxy while others attack or overload it, and helpers for raw sockets."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from threading import Event

from tests.processes import ServerProcess

MAX_CALL_SECONDS = 2
"""The maximum duration of a background client's request in a test.

bench/attacks.py requires 0.5 s (p99). Here, other tests may keep the machine busy.
"""

PAUSE_SECONDS = 0.02
PATHS = ("/api/services", "/healthz")


@dataclass
class CallLog:
    """The durations and failures of a background client's calls."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def assert_undisturbed(self, at_least: int = 10) -> None:
        """Check that every call got the right response in time."""
        assert self.failures == []
        assert len(self.seconds) >= at_least
        assert max(self.seconds) < MAX_CALL_SECONDS


@contextmanager
def background_clients(server: ServerProcess, address: str = "127.0.0.1") -> Iterator[CallLog]:
    """Call the proxy from this address during the block.

    One client opens a new connection for each call, another keeps its connection.
    """
    calls, ended = CallLog(), Event()
    expected = {path: _get(server, path) for path in PATHS}

    def call(keep_alive: bool) -> None:
        connection = _connect(server, address)
        while not ended.is_set():
            for path, body in expected.items():
                started = time.monotonic()
                try:
                    connection.request("GET", path)
                    response = connection.getresponse()
                    received = response.read()
                    if (response.status, received) != (200, body):
                        calls.failures.append(f"{path}: {response.status} {received[:80]!r}")
                except OSError as error:
                    calls.failures.append(f"{path}: {error!r}")
                    connection.close()
                calls.seconds.append(time.monotonic() - started)
                if not keep_alive:
                    connection.close()
                time.sleep(PAUSE_SECONDS)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        calling = [pool.submit(call, keep_alive) for keep_alive in (False, True)]
        try:
            yield calls
        finally:
            ended.set()
        for future in calling:
            future.result()


def _connect(server: ServerProcess, address: str = "127.0.0.1") -> HTTPConnection:
    return HTTPConnection("127.0.0.1", server.port, timeout=10, source_address=(address, 0))


def _get(server: ServerProcess, path: str) -> bytes:
    connection = _connect(server)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def open_socket(server: ServerProcess, seconds: float = 10) -> socket.socket:
    """Connect to the server, with a socket timeout in seconds."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=seconds)


def read_all(connection: socket.socket, seconds: float = 10) -> bytes:
    """Read until the server closes the connection. Raise TimeoutError if it does not."""
    connection.settimeout(seconds)
    received = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(65536):
            received += data
    return received


def seconds_until_closed(connection: socket.socket, at_most: float) -> float:
    """Return the seconds until the server closes the connection. Raise TimeoutError after `at_most`."""
    started = time.monotonic()
    read_all(connection, at_most)
    return time.monotonic() - started

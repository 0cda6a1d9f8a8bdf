"""Denial-of-service attacks on the proxy, bounded in number and time, and only over loopback.

Each attack runs in its own process, so that it does not slow the measured clients down.
"""

import multiprocessing
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread

from tests.client import JOHN

CHUNKED = "Content-Type: application/json\r\nTransfer-Encoding: chunked"
TINY_CHUNKS = b"1\r\nx\r\n" * 8192
HEADS = {
    "a hit": "GET /api/services",
    "404": "GET /nowhere",
    "405": "PUT /healthz",
    "413": f"POST /api/users/{JOHN}/appointments",
}
"""Requests whose responses need no body, or only a part of it."""

SENDERS = 6
OPEN_CONNECTIONS, OPENED_PER_SECOND = 1000, 100
IDLE_CONNECTIONS = 2200
IDLE_PER_SECOND = 200
UNFINISHED_HEADS = 300
START = b"GET /healthz HTTP/1.1\r\nHost: proxy\r\n"
POST = (
    f"POST /api/users/{JOHN}/appointments HTTP/1.1\r\nHost: proxy\r\n"
    "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
).encode()
BUNDLE = b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: proxy\r\n\r\n"
"""The response has 1.6 MB, which is more than the kernel buffers for a client that does not read."""

LARGEST_FIELDS = b"".join(b"X-%02d: %s\r\n" % (number, b"x" * 4090) for number in range(48))

Attack = Callable[[int, float], None]
"""A function that attacks the server on a port until a time of time.monotonic()."""


@contextmanager
def run_attack(attack: Attack, port: int, seconds: float) -> Iterator[None]:
    """Run the attack in another process for `seconds`. The block ends after the attack does."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run, args=(attack, port, seconds), daemon=True)
    process.start()
    try:
        yield
        process.join()
    finally:
        process.kill()
        process.join()
    assert process.exitcode == 0


def _run(attack: Attack, port: int, seconds: float) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    attack(port, time.monotonic() + seconds)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def head(name: str, framing: str) -> bytes:
    """Return the head of a request in HEADS. `framing`: the header fields that delimit its body."""
    return f"{HEADS[name]} HTTP/1.1\r\nHost: proxy\r\n{framing}\r\n\r\n".encode()


def send_until_closed(connection: socket.socket, data: bytes, end: float) -> None:
    """Send the data repeatedly until the server closes the connection or the time is up."""
    connection.settimeout(0.2)
    while time.monotonic() < end:
        try:
            connection.sendall(data)
        except TimeoutError:
            continue
        except OSError:
            return


def tiny_chunks(port: int, end: float) -> None:
    """Send endless bodies in one-byte chunks as fast as the server reads them."""

    def send(name: str) -> None:
        while time.monotonic() < end:
            with suppress(OSError), connect(port) as connection:
                connection.sendall(head(name, CHUNKED))
                send_until_closed(connection, TINY_CHUNKS, end)

    threads = [Thread(target=send, args=[list(HEADS)[i % len(HEADS)]]) for i in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def unfinished_heads(port: int, end: float) -> None:
    """Send heads of almost the maximum size that continue byte by byte and never end."""
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(port)) for _ in range(UNFINISHED_HEADS)]
        for connection in opened:
            with suppress(OSError):
                connection.sendall(START + LARGEST_FIELDS)
        while time.monotonic() < end:
            for connection in opened:
                with suppress(OSError):
                    connection.sendall(b"x")


def idle_connections(port: int, end: float) -> None:
    """Open more and more connections that send nothing, or half a head."""
    with ExitStack() as stack:
        opened = 0
        while time.monotonic() < end:
            connection = stack.enter_context(connect(port))
            opened += 1
            if opened % 2:
                connection.sendall(START)
            if opened > IDLE_CONNECTIONS:
                time.sleep(1 / IDLE_PER_SECOND)


def slow_bodies(port: int, end: float) -> None:
    """Send bodies at a byte a second. When the server closes a connection, open another."""
    _keep_open(port, end, POST, b" ")


def unread_responses(port: int, end: float) -> None:
    """Request large responses and read almost nothing of them."""
    _keep_open(port, end, BUNDLE, b"")


def _keep_open(port: int, end: float, start: bytes, more: bytes) -> None:
    """Keep OPEN_CONNECTIONS open: send `start` on each, then `more` every second."""
    opened: list[socket.socket] = []
    while time.monotonic() < end:
        began = time.monotonic()
        opened = [connection for connection in opened if _is_open(connection, more)]
        for _ in range(min(OPENED_PER_SECOND, OPEN_CONNECTIONS - len(opened))):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            connection.connect(("127.0.0.1", port))
            connection.sendall(start)
            connection.setblocking(False)
            opened.append(connection)
        time.sleep(max(0, min(began + 1, end) - time.monotonic()))
    for connection in opened:
        connection.close()


def _is_open(connection: socket.socket, more: bytes) -> bool:
    """Send `more`. If the server has responded or closed, close the connection and return False."""
    if not more:
        return True
    try:
        connection.send(more)
        connection.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        pass
    connection.close()
    return False

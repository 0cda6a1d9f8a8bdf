"""Clients that send what costs the proxy most: bounded in number and time, over the loopback alone.

Each attack runs in a process of its own, so that the clients that are measured have theirs.
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
"""Requests whose responses need nothing of a body, or not all of it."""

SENDERS = 6
HELD, HELD_A_SECOND = 1000, 100
IDLE = 2200
IDLE_A_SECOND = 200
UNFINISHED = 300
START = b"GET /healthz HTTP/1.1\r\nHost: proxy\r\n"
POST = (
    f"POST /api/users/{JOHN}/appointments HTTP/1.1\r\nHost: proxy\r\n"
    "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
).encode()
BUNDLE = b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: proxy\r\n\r\n"
"""The response has 1.6 MB: more than the kernel buffers for a client that does not read."""

LARGEST_FIELDS = b"".join(b"X-%02d: %s\r\n" % (number, b"x" * 4090) for number in range(48))

Attack = Callable[[int, float], None]
"""Attacks the server on a port until an instant of time.monotonic()."""


@contextmanager
def under(attack: Attack, port: int, seconds: float) -> Iterator[None]:
    """From when the attack has begun until it has lasted so long, or the block has."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_attack, args=(attack, port, seconds), daemon=True)
    process.start()
    try:
        yield
        process.join()
    finally:
        process.kill()
        process.join()
    assert process.exitcode == 0


def _attack(attack: Attack, port: int, seconds: float) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    attack(port, time.monotonic() + seconds)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def head(what: str, framing: str) -> bytes:
    """A request of HEADS with a body; `framing`: the fields that say where the body ends."""
    return f"{HEADS[what]} HTTP/1.1\r\nHost: proxy\r\n{framing}\r\n\r\n".encode()


def send_until_closed(connection: socket.socket, data: bytes, end: float) -> None:
    """Send the data over and over, until the server closes or the time is up."""
    connection.settimeout(0.2)
    while time.monotonic() < end:
        try:
            connection.sendall(data)
        except TimeoutError:
            continue
        except OSError:
            return


def tiny_chunks(port: int, end: float) -> None:
    """Endless bodies of chunks of one byte, as fast as the server takes them."""

    def send(what: str) -> None:
        while time.monotonic() < end:
            with suppress(OSError), connect(port) as connection:
                connection.sendall(head(what, CHUNKED))
                send_until_closed(connection, TINY_CHUNKS, end)

    sending = [Thread(target=send, args=[list(HEADS)[i % len(HEADS)]]) for i in range(SENDERS)]
    for thread in sending:
        thread.start()
    for thread in sending:
        thread.join()


def unfinished_heads(port: int, end: float) -> None:
    """Heads almost as large as allowed, which go on byte by byte and do not end."""
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(port)) for _ in range(UNFINISHED)]
        for connection in opened:
            with suppress(OSError):
                connection.sendall(START + LARGEST_FIELDS)
        while time.monotonic() < end:
            for connection in opened:
                with suppress(OSError):
                    connection.sendall(b"x")


def idle_connections(port: int, end: float) -> None:
    """Connections that send nothing or half a head, and more of them each second."""
    with ExitStack() as stack:
        opened = 0
        while time.monotonic() < end:
            connection = stack.enter_context(connect(port))
            opened += 1
            if opened % 2:
                connection.sendall(START)
            if opened > IDLE:
                time.sleep(1 / IDLE_A_SECOND)


def slow_bodies(port: int, end: float) -> None:
    """Bodies that arrive at a byte a second. One that the server gives up is followed by another."""
    _hold(port, end, POST, b" ")


def unread_responses(port: int, end: float) -> None:
    """Large responses of which next to nothing is read."""
    _hold(port, end, BUNDLE, b"")


def _hold(port: int, end: float, start: bytes, more: bytes) -> None:
    """Hold HELD connections: send `start` over each, then `more` every second."""
    opened: list[socket.socket] = []
    while time.monotonic() < end:
        began = time.monotonic()
        opened = [connection for connection in opened if _is_open(connection, more)]
        for _ in range(min(HELD_A_SECOND, HELD - len(opened))):
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
    """Send more. Close the connection, and return False, if the server has responded or closed."""
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

"""A Videsk of raw sockets, for what no HTTP server would send."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread


@dataclass
class RawVidesk:
    """Its port, its open connections, and how often it was connected to."""

    port: int
    connections: list[socket.socket] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return len(self.connections)

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}"


@contextmanager
def raw_videsk(serve: Callable[[socket.socket], None]) -> Iterator[RawVidesk]:
    """Call `serve` with each connection, in a thread of its own; the connection ends with it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    videsk = RawVidesk(listener.getsockname()[1])

    def serve_one(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            serve(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                videsk.connections.append(connection)
                Thread(target=serve_one, args=(connection,), daemon=True).start()

    Thread(target=accept, daemon=True).start()
    try:
        yield videsk
    finally:
        for one in (listener, *videsk.connections):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def request_heads(connection: socket.socket) -> Iterator[str]:
    """The head of each request, until the proxy closes. Requests with a body are not expected."""
    received = b""
    while data := connection.recv(65536):
        received += data
        while b"\r\n\r\n" in received:
            head, _, received = received.partition(b"\r\n\r\n")
            yield head.decode()


def response(body: bytes, status: str = "200 OK", *lines: str) -> bytes:
    """A whole response in JSON."""
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *lines, "", ""]).encode() + body

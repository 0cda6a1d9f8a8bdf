"""A fake Videsk on raw sockets, for responses that no HTTP server would send."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread


@dataclass
class RawVidesk:
    """The server's port and the connections that it accepted."""

    port: int
    connections: list[socket.socket] = field(default_factory=list)

    @property
    def connection_count(self) -> int:
        return len(self.connections)

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}"


@contextmanager
def raw_videsk(serve: Callable[[socket.socket], None]) -> Iterator[RawVidesk]:
    """Call `serve` with each connection in its own thread, and close the connection afterwards."""
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
        for sock in (listener, *videsk.connections):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def request_heads(connection: socket.socket) -> Iterator[str]:
    """Yield the head of each request until the proxy closes. Requests must not have a body."""
    received = b""
    while data := connection.recv(65536):
        received += data
        while b"\r\n\r\n" in received:
            head, _, received = received.partition(b"\r\n\r\n")
            yield head.decode()


def json_response(body: bytes, status: str = "200 OK", *lines: str) -> bytes:
    """Return a complete JSON response."""
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *lines, "", ""]).encode() + body

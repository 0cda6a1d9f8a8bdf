"""Failures below HTTP: connections that hang, break or trickle, and the server that allows them.

Each function ends the connection by raising BrokenPipeError. pywsgi treats it as a client that has
disconnected, and closes the connection without a response.
"""

import errno
import select
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, NoReturn

from gevent.pywsgi import WSGIHandler, WSGIServer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SOCKET_KEY = "sandbox.socket"
PATH_KEY = "RAW_URI"

_BODY = b'["2030-01-01T12:00:00.000Z","2030-01-01T12:15:00.000Z","2030-01-01T12:30:00.000Z"]'
_MISSING_BYTES = 1000


class SocketHandler(WSGIHandler):
    """Passes the socket and the raw path to the application."""

    def handle(self) -> None:
        # pywsgi sends head and body separately. With Nagle's algorithm, the body would wait 40 ms
        # for the delayed acknowledgement of the head, and a drip would not be sent byte by byte.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle()

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ[SOCKET_KEY] = self.socket
        environ[PATH_KEY] = self.path
        return environ


def make_server(app: "WSGIApplication", host: str, port: int) -> WSGIServer:
    """Return a server that is not started yet. Port 0 picks a free port.

    The process must be patched by gevent. Otherwise one hanging connection blocks all others.
    """
    server = WSGIServer((host, port), app, handler_class=SocketHandler, log=None, backlog=1024)
    # Do not wait for open connections at the stop, because many may hang on purpose.
    server.stop_timeout = 0
    return server


def hang(connection: socket.socket, seconds: float) -> NoReturn:
    """Send nothing for `seconds`, or until the client disconnects."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([connection], [], [], left)
        if readable and not connection.recv(1, socket.MSG_PEEK):
            break
        if readable:
            # The client has sent more data. Check again later.
            time.sleep(min(left, 0.1))
    _disconnect()


def close(_connection: socket.socket, _seconds: float) -> NoReturn:
    """Close without a response."""
    _disconnect()


def reset(connection: socket.socket, _seconds: float) -> NoReturn:
    """Close with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _disconnect()


def cut(connection: socket.socket, _seconds: float) -> NoReturn:
    """Send fewer bytes than Content-Length announces."""
    connection.sendall(_head(len(_BODY) + _MISSING_BYTES) + _BODY)
    _disconnect()


def interim(connection: socket.socket) -> None:
    """Send interim responses, as a CDN does.

    See https://www.rfc-editor.org/rfc/rfc9110#section-15.2.
    """
    connection.sendall(
        b"HTTP/1.1 102 Processing\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n" * 2
    )


def drip(connection: socket.socket, seconds: float) -> NoReturn:
    """Send the head, then a valid body with one byte every `seconds`."""
    connection.sendall(_head(len(_BODY)))
    _send_slowly(connection, _BODY, seconds)
    _disconnect()


def drip_head(connection: socket.socket, seconds: float) -> NoReturn:
    """Send the head with one byte every `seconds`, then a valid body."""
    _send_slowly(connection, _head(len(_BODY)), seconds)
    connection.sendall(_BODY)
    _disconnect()


def _disconnect() -> NoReturn:
    raise BrokenPipeError(errno.EPIPE, "closed by the sandbox")


def _send_slowly(connection: socket.socket, data: bytes, seconds: float) -> None:
    for byte in data:
        time.sleep(seconds)
        connection.sendall(bytes((byte,)))


def _head(content_length: int) -> bytes:
    return (
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {content_length}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()

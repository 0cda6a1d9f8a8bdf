"""Minimal HTTP over sockets, for clients that need little CPU time."""

import json

from gevent import socket

_LENGTH = b"\r\ncontent-length: "


def connect(port: int, seconds: float) -> socket.socket:
    """Open a connection with this timeout."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def exchange(connection: socket.socket, request: bytes) -> tuple[bytes, bytes]:
    """Send a request and read its whole response, which must have a Content-Length."""
    connection.sendall(request)
    received = b""
    while (ends := received.find(b"\r\n\r\n")) < 0:
        received += _receive(connection)
    head = received[:ends]
    length = int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0])
    end = ends + 4 + length
    while len(received) < end:
        received += _receive(connection)
    return head, received[ends + 4 :]


def status(head: bytes) -> int:
    return int(head[9:12])


def cache_status(head: bytes) -> str:
    """Return the Cache-Status header without the cache's name. Empty if there is no header."""
    found = head.partition(b"\r\nCache-Status: videsk-proxy; ")[2]
    return found.partition(b"\r\n")[0].decode()


def _receive(connection: socket.socket) -> bytes:
    data: bytes = connection.recv(65536)
    if not data:
        raise ConnectionResetError("the server closed the connection")
    return data

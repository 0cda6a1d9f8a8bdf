"""How a response is read from a connection, and when the connection is reused."""

import errno
import io
from http.client import BadStatusLine, HTTPException
from typing import Any

import gevent
import pytest

from videsk import connection
from videsk.connection import Response, WireReader, map_connect_error
from videsk.errors import VideskNoSocketError, VideskTimeoutError, VideskUnreachableError


class Socket:
    """A socket that receives these bytes. `pending`: the number of decrypted but unread bytes in TLS."""

    def __init__(self, data: bytes, pending: int = 0) -> None:
        self.data = data
        self.left = pending
        self.is_shut = False

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self.data))

    def pending(self) -> int:
        return self.left

    def shutdown(self, how: int) -> None:
        self.is_shut = True


def start_response(data: bytes, pending: int = 0) -> tuple[Response, Socket]:
    socket: Any = Socket(data, pending)
    response = Response(socket)
    response.begin()
    return response, socket


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


def test_interim_responses_are_skipped() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    response, _ = start_response(interim + OK)
    assert (response.status, response.read()) == (200, b"[]")


def test_another_protocol_is_rejected() -> None:
    with pytest.raises(BadStatusLine):
        start_response(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK)


@pytest.mark.parametrize(
    ("head", "is_clear"),
    [
        (b"200 OK\r\nContent-Length: 0", True),
        (b"200 OK\r\nTransfer-Encoding: Chunked", True),
        (b"204 No Content", True),
        (b"304 Not Modified\r\nContent-Length: 0", True),
        (b"204 No Content\r\nContent-Length: 5", False),
        (b"200 OK\r\nContent-Length: 0\r\nContent-Length: 0", False),
        (b"200 OK\r\nContent-Length: +0", False),
        (b"200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0", False),
        (b"200 OK\r\nTransfer-Encoding: gzip, chunked", False),
        (b"200 OK", False),
    ],
)
def test_a_response_with_an_ambiguous_end_closes_its_connection(
    head: bytes, is_clear: bool
) -> None:
    response, _ = start_response(b"HTTP/1.1 " + head + b"\r\n\r\n0\r\n\r\n")
    assert response.will_close is not is_clear


@pytest.mark.parametrize(
    ("left_over", "pending", "is_shut"), [(b"", 0, False), (b"H", 0, True), (b"", 1, True)]
)
def test_a_connection_with_unread_bytes_is_not_reused(
    left_over: bytes, pending: int, is_shut: bool
) -> None:
    response, socket = start_response(OK + left_over, pending)
    assert response.read() == b"[]"
    assert socket.is_shut is is_shut


def test_a_response_has_a_limit_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_WIRE_BYTES", 10)
    buffer = bytearray(6)
    reader = WireReader(io.BytesIO(bytes(12)))  # type: ignore[arg-type]  # it reads like a raw one
    assert reader.readinto(buffer) == 6
    with pytest.raises(HTTPException):
        reader.readinto(buffer)


def test_after_the_response_nothing_more_is_read() -> None:
    reader = WireReader(io.BytesIO(b"more"))  # type: ignore[arg-type]
    reader.response_is_over = True
    assert reader.readinto(bytearray(4)) is None


def test_a_long_parse_lets_other_greenlets_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    now = [0.0]
    monkeypatch.setattr(connection, "monotonic", lambda: now[0])
    monkeypatch.setattr("videsk.connection.gevent.sleep", pauses.append)
    reader = WireReader(io.BytesIO(bytes(100)))  # type: ignore[arg-type]
    for _ in range(10):
        reader.readinto(bytearray(1))
        now[0] += 0.0011  # of parsing
    assert pauses == [connection.PAUSE_SECONDS] * 4


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), VideskUnreachableError),
        (TimeoutError(), VideskTimeoutError),
        (gevent.Timeout(), VideskTimeoutError),
        (OSError(errno.EMFILE, "too many open files"), VideskNoSocketError),
        (OSError(errno.ECONNRESET, "reset"), VideskUnreachableError),
    ],
)
def test_connection_errors_are_classified_by_cause(
    error: BaseException, kind: type[Exception]
) -> None:
    wrapped = RuntimeError()
    wrapped.__cause__ = error
    for each in (error, wrapped):
        assert type(map_connect_error(each)) is kind

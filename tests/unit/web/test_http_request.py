"""How requests are read from a connection, and when it is closed."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import errors

from web import http_request
from web.http_request import (
    FIELD_BYTES,
    FIELDS,
    HEAD_SECONDS,
    REQUEST_LINE_BYTES,
    UNREAD_BODY_BYTES,
    BoundedRequest,
    ConnectNotImplementedError,
    Requests,
    discard_rest,
)

GET = b"GET /api/services HTTP/1.1\r\nHost: proxy\r\n\r\n"

CONFIG = Config()
CONFIG.set("limit_request_line", REQUEST_LINE_BYTES)
CONFIG.set("limit_request_fields", FIELDS)
CONFIG.set("limit_request_field_size", FIELD_BYTES + len("\r\n"))


def no_fast_response(_: Mapping[str, str]) -> None:
    """Leave every request to gunicorn's parser."""


class Connection:
    """A connection that returns one of these pieces for each read, and then ends."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.deadlines: list[float] = []
        self.serving = False
        self.half_closed = False
        self.address = "10.0.0.1"
        self.sent = b""

    def set_read_deadline(self, seconds: float) -> None:
        self.deadlines.append(seconds)

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def sendall(self, data: bytes) -> None:
        assert self.serving
        self.sent += data

    def shutdown(self, how: int) -> None:
        self.half_closed = True


def parse_requests(*pieces: bytes, read_bodies: bool = True) -> list[tuple[str, bytes]]:
    """Return method and body of each request in these pieces."""
    connection: Any = Connection(*pieces)
    served = []
    for request in Requests(CONFIG, connection, ("10.0.0.1", 1), no_fast_response):
        assert connection.serving
        served.append((request.method, request.body.read() if read_bodies else b""))
    return served


def single_request(head: bytes) -> BoundedRequest:
    connection: Any = Connection(head)
    return next(iter(Requests(CONFIG, connection, ("10.0.0.1", 1), no_fast_response)))


def split_bytes(data: bytes) -> Iterable[bytes]:
    return (data[n : n + 1] for n in range(len(data)))


def test_requests_are_read_one_after_the_other() -> None:
    post = b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 5\r\n\r\nhello"
    expected = [("GET", b""), ("POST", b"hello"), ("GET", b"")]
    assert parse_requests(GET + post + GET) == expected
    assert parse_requests(*split_bytes(GET + post + GET)) == expected
    assert parse_requests(b"\r\n" + GET) == [("GET", b"")], (
        "an empty line before a request is skipped"
    )
    assert parse_requests() == []


def test_a_body_that_the_response_did_not_need_is_skipped() -> None:
    post = b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 5\r\n\r\nGET /"
    assert parse_requests(post, GET, read_bodies=False) == [("POST", b""), ("GET", b"")]


def test_an_unread_body_that_is_too_long_closes_the_connection() -> None:
    length = UNREAD_BODY_BYTES + 1
    post = b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: %d\r\n\r\n" % length
    assert parse_requests(post + bytes(length) + GET, read_bodies=False) == [("POST", b"")]


def test_the_fast_path_responds_to_plain_requests_with_a_valid_host() -> None:
    post = b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 0\r\n\r\n"
    connection: Any = Connection(GET, post, GET, GET.replace(b"services", b"unknown"), GET)
    environs: list[Mapping[str, str]] = []

    def respond(environ: Mapping[str, str]) -> bytes | None:
        environs.append(environ)
        return None if environ["RAW_URI"] == "/api/unknown" else b"cached,"

    served = [
        (request.method, request.uri)
        for request in Requests(CONFIG, connection, ("10.0.0.1", 1), respond)
    ]
    assert served == [("POST", "/"), ("GET", "/api/unknown")]
    assert connection.sent == b"cached,cached,cached,"
    assert len(environs) == 4
    assert {environ["REMOTE_ADDR"] for environ in environs} == {"10.0.0.1"}
    assert not connection.serving
    assert connection.deadlines[-1] == CONFIG.keepalive

    with pytest.raises(errors.InvalidHeader):
        list(Requests(CONFIG, Connection(GET.replace(b"proxy", b"a,b")), ("1", 1), respond))  # type: ignore[arg-type]


def test_a_head_has_a_deadline_from_its_first_byte_on() -> None:
    connection: Any = Connection(GET[:5], GET[5:])
    next(iter(Requests(CONFIG, connection, ("10.0.0.1", 1), no_fast_response)))
    assert connection.deadlines[:2] == [CONFIG.keepalive, HEAD_SECONDS]


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (b"GET / HTTP/1.1\nHost: proxy\r\n\r\n", errors.InvalidRequestLine),
        (b"GET /#fragment HTTP/1.1\r\nHost: proxy\r\n\r\n", errors.InvalidRequestLine),
        (b"CONNECT proxy:443 HTTP/1.1\r\nHost: proxy\r\n\r\n", ConnectNotImplementedError),
        (b"GET / HTTP/1.1\r\n\r\n", errors.InvalidHeader),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", errors.InvalidHeader),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", errors.InvalidHeader),
        (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", errors.InvalidHeader),
        (b"GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n", errors.InvalidHeader),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %b\r\n\r\n" % (b"1" * 19), errors.InvalidHeader),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xyz\r\n\r\n", errors.UnsupportedTransferCoding),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x(y\r\n\r\n", errors.InvalidHeader),
        (b"GET /%b HTTP/1.1\r\n" % (b"a" * REQUEST_LINE_BYTES), errors.LimitRequestLine),
        (b"GET /" + b"a" * (REQUEST_LINE_BYTES + 2), errors.LimitRequestLine),
        (b"GET / HTTP/1.1\r\nA: %b\r\n" % (b"a" * FIELD_BYTES), errors.LimitRequestHeaders),
        (b"GET / HTTP/1.1\r\n" + b"A: a\r\n" * (FIELDS + 1), errors.LimitRequestHeaders),
        (GET[:-2], errors.NoMoreData),
    ],
)  # fmt: skip
def test_malformed_requests_are_rejected(head: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        single_request(head)


@pytest.mark.parametrize("host", [b"proxy", b"proxy:8000", b"[::1]:8000", b"10.0.0.1", b"a%20b"])
def test_a_valid_host_is_accepted(host: bytes) -> None:
    assert single_request(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host).method == "GET"


def test_fields_up_to_the_limits_are_accepted() -> None:
    fields = b"A: a\r\n" * (FIELDS - 2) + b"B: %b\r\n" % (b"b" * (FIELD_BYTES - 3))
    target = b"/" + b"a" * (REQUEST_LINE_BYTES - len(b"GET / HTTP/1.1"))
    assert (
        single_request(b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (target, fields)).uri
        == target.decode()
    )


@pytest.mark.parametrize(
    ("version", "connection", "closes"),
    [
        (b"1.1", b"", False),
        (b"1.1", b"Connection: Close\r\n", True),
        (b"1.1", b"Connection: upgrade, close\r\n", True),
        (b"1.1", b"Connection: upgrade\r\nConnection: close\r\n", True),
        (b"1.0", b"", True),
        (b"1.0", b"Connection: keep-alive\r\n", False),
    ],
)
def test_the_client_decides_whether_the_connection_stays_open(
    version: bytes, connection: bytes, closes: bool
) -> None:
    head = b"GET / HTTP/%b\r\nHost: a\r\n%b\r\n" % (version, connection)
    assert single_request(head).should_close() is closes


def test_an_incomplete_body_is_an_error() -> None:
    with pytest.raises(errors.NoMoreData):
        parse_requests(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")


def test_the_rest_is_read_up_to_a_limit_after_a_half_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_request, "UNREAD_BODY_BYTES", 10)
    connection: Any = Connection(b"12345", b"67890", b"more")
    discard_rest(connection)
    assert connection.half_closed
    assert connection.pieces == [b"more"]

"""Plain requests are parsed as gunicorn parses them. All others are left to gunicorn."""

import os
import random
from typing import Any

import pytest
from gunicorn.config import Config

from tests.unit import IS_THOROUGH
from web import plain_request
from web.http_request import FIELDS, BoundedRequest, Requests

CASES = int(os.environ.get("FUZZ_CASES", "20000" if IS_THOROUGH else "2000"))

LINE = b"GET /api/services?a=b HTTP/1.1\r\n"
HOST = b"Host: proxy\r\n"
CHROMIUM = LINE + HOST + (
    b"Connection: keep-alive\r\n"
    b'sec-ch-ua-platform: "Linux"\r\n'
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r\n"
    b'sec-ch-ua: "Chromium";v="137", "Not/A)Brand";v="24"\r\n'
    b"sec-ch-ua-mobile: ?0\r\n"
    b"Accept: */*\r\n"
    b"Origin: https://www.shop.example\r\n"
    b"Sec-Fetch-Site: cross-site\r\n"
    b"Referer: https://www.shop.example/\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b'If-None-Match: "6ff180b8efa5af7f"\r\n'
    b"\r\n"
)  # fmt: skip


def test_a_browsers_request_is_plain() -> None:
    environ = plain_request.parse(CHROMIUM, FIELDS)
    assert environ
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["RAW_URI"] == "/api/services?a=b"
    assert environ["HTTP_SEC_CH_UA"] == '"Chromium";v="137", "Not/A)Brand";v="24"'
    assert environ["HTTP_IF_NONE_MATCH"] == '"6ff180b8efa5af7f"'
    assert len(environ) == 2 + 12


def test_spaces_around_a_value_are_stripped() -> None:
    environ = plain_request.parse(LINE + b"Host:   proxy \r\nX: \r\n\r\n", FIELDS)
    assert environ
    assert (environ["HTTP_HOST"], environ["HTTP_X"]) == ("proxy", "")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        LINE,
        LINE + HOST,
        LINE + b"\r\n",
        LINE + HOST + b"\r\n" + LINE,
        b"\r\n" + LINE + HOST + b"\r\n",
        LINE.replace(b"1.1", b"1.0") + HOST + b"\r\n",
        LINE.replace(b"GET", b"POST") + HOST + b"\r\n",
        LINE.replace(b"/api", b"http://proxy/api") + HOST + b"\r\n",
        LINE.replace(b"a=b", b"a=b#c") + HOST + b"\r\n",
        LINE.replace(b"a=b", b"a=\xc3\xa9") + HOST + b"\r\n",
        LINE + HOST + HOST + b"\r\n",
        LINE + HOST + b"X: y\r\nx: y\r\n\r\n",
        LINE + HOST + b"X: a\r\n b\r\n\r\n",
        LINE + HOST + b"X: a\tb\r\n\r\n",
        LINE + HOST + b"X: \xc3\xa9\r\n\r\n",
        LINE + HOST + b"X_Y: a\r\n\r\n",
        LINE + HOST + b"X : a\r\n\r\n",
        LINE + HOST + b"X: a\n\r\n",
        LINE + HOST + b"Connection: close\r\n\r\n",
        LINE + HOST + b"Connection: keep-alive, TE\r\n\r\n",
        LINE + HOST + b"Content-Length: 0\r\n\r\n",
        LINE + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        LINE + HOST + b"Expect: 100-continue\r\n\r\n",
        LINE + HOST + b"Upgrade: h2c\r\n\r\n",
        LINE + HOST + b"".join(b"X-%d: y\r\n" % number for number in range(FIELDS)) + b"\r\n",
    ],
)
def test_everything_else_is_left_to_gunicorn(data: bytes) -> None:
    assert plain_request.parse(data, FIELDS) is None


class Connection:
    """A connection that returns the data, and then ends."""

    serving = False
    address = "10.0.0.1"

    def __init__(self, data: bytes) -> None:
        self._pieces = [data]

    def set_read_deadline(self, seconds: float) -> None:
        pass

    def recv(self, _size: int) -> bytes:
        return self._pieces.pop() if self._pieces else b""


def parsed_by_gunicorn(data: bytes) -> list[BoundedRequest]:
    connection: Any = Connection(data)
    return list(Requests(Config(), connection, ("10.0.0.1", 1), lambda _: None))


PIECES = [
    b"\r\n", b"\r", b"\n", b" ", b"\t", b":", b": ", b",", b"\0", b"\x0b", b"\x80", b"\xff", b"#", b"?",
    b"%", b"%2e", b"_", b"-", b'"', b"(", b"A", b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2", b"GET", b"HEAD",
    b"get", b"POST", b"//", b"/../", b"http://proxy/", HOST, LINE, b"X: y\r\n", b"x:y\r\n", b" folded\r\n", b"Y: \ty \r\n", b"Z:\t\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Content-Length: 0\r\n",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n",
    b"Upgrade: websocket\r\n", b"Host: other\r\n", b"Trailer: X\r\n", b"X-Forwarded-For: 192.0.2.1\r\n",
]  # fmt: skip


def mutated(choose: random.Random) -> bytes:
    """Return a request in which up to four pieces are inserted, replaced or removed."""
    data = choose.choice([CHROMIUM, LINE + HOST + b"\r\n", LINE + HOST + b"Accept: */*\r\n\r\n"])
    for _ in range(choose.randint(0, 4)):
        ends = [0, *(at + 2 for at in range(len(data)) if data[at : at + 2] == b"\r\n")]
        start = choose.choice(ends) if choose.random() < 0.6 else choose.randrange(len(data) + 1)
        removed = choose.choice([0, 0, 0, 1, 2, 10])
        data = data[:start] + choose.choice([*PIECES, b""]) + data[start + removed :]
    return data


def test_gunicorn_reads_every_plain_request_in_the_same_way() -> None:
    """Compare method, target and fields. There is no body, and the connection stays open."""
    choose, plain = random.Random(9112), 0
    for _ in range(CASES):
        data = mutated(choose)
        environ = plain_request.parse(data, FIELDS)
        if not environ:
            continue
        plain += 1
        if environ.get("HTTP_HOST") != "proxy":  # the Host is validated before the fast path
            continue
        (request,) = parsed_by_gunicorn(data)
        fields = {f"HTTP_{name.replace('-', '_')}": value for name, value in request.headers}
        assert environ == fields | {"REQUEST_METHOD": request.method, "RAW_URI": request.uri}, data
        assert len(request.headers) == len(fields), data
        assert request.version == (1, 1)
        assert not request.unread_bytes()
        assert not request.should_close()
    assert CASES / 10 < plain < CASES / 2

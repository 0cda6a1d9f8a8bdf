"""Requests that HTTP/1.1 (https://www.rfc-editor.org/rfc/rfc9112) allows or forbids, section by section.

Each section is at `https://www.rfc-editor.org/rfc/rfc9112#section-` and its number; `9110` and a
number is a section of https://www.rfc-editor.org/rfc/rfc9110. A forbidden request gets one response, an error in the
proxy's format, and the connection is closed: nothing that follows on it is parsed as a request
(https://www.rfc-editor.org/rfc/rfc9112#section-11.2).
"""

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.client import JOHN
from tests.e2e.background_clients import open_socket, read_all
from tests.processes import Sandbox, ServerProcess, proxy_server

HEAD = b"Host: proxy\r\n"
GET = b"GET /healthz HTTP/1.1\r\n"
POST = f"POST /api/users/{JOHN}/appointments HTTP/1.1\r\n".encode()
JSON = HEAD + b"Content-Type: application/json\r\n"
CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n"
LAST_REQUEST = GET + HEAD + b"Connection: close\r\n\r\n"
"""A request that closes the connection. It must not be served after a forbidden request."""

VALID_BODY_MESSAGE = 'A valid "date" is required'
"""The response to a booking with the body `{}`, which shows that the whole body was read."""

REQUEST_LINES = {
    "2.2 bare LF ends the request line": (b"GET /healthz HTTP/1.1\n" + HEAD, 400),
    "2.2 bare CR ends the request line": (b"GET /healthz HTTP/1.1\r" + HEAD, 400),
    "2.2 bare CR within the request line": (b"GET /heal\rthz HTTP/1.1\r\n" + HEAD, 400),
    "2.2 two empty lines before the request line": (b"\r\n\r\n" + GET + HEAD, 400),
    "2.2 an LF before the request line": (b"\n" + GET + HEAD, 400),
    "2.2 whitespace before the first field": (GET + b" X: y\r\n" + HEAD, 400),
    "2.3 no version": (b"GET /healthz\r\n" + HEAD, 400),
    "2.3 a version in lower case": (b"GET /healthz http/1.1\r\n" + HEAD, 400),
    "2.3 HTTP/2.0": (b"GET /healthz HTTP/2.0\r\n" + HEAD, 400),
    "2.3 HTTP/9.9": (b"GET /healthz HTTP/9.9\r\n" + HEAD, 400),
    "2.3 no minor version": (b"GET /healthz HTTP/1\r\n" + HEAD, 400),
    "2.3 leading zeros": (b"GET /healthz HTTP/01.01\r\n" + HEAD, 400),
    "2.3 whitespace in the version": (b"GET /healthz HTTP/ 1.1\r\n" + HEAD, 400),
    "3 two spaces": (b"GET  /healthz HTTP/1.1\r\n" + HEAD, 400),
    "3 a tab": (b"GET\t/healthz\tHTTP/1.1\r\n" + HEAD, 400),
    "3 no target": (b"GET HTTP/1.1\r\n" + HEAD, 400),
    "3 whitespace at the start": (b" GET /healthz HTTP/1.1\r\n" + HEAD, 400),
    "3 whitespace at the end": (b"GET /healthz HTTP/1.1 \r\n" + HEAD, 400),
    "3.1 a method that is no token": (b"G(T /healthz HTTP/1.1\r\n" + HEAD, 400),
    "3.2 a space in the target": (b"GET /heal thz HTTP/1.1\r\n" + HEAD, 400),
    "3.2 a fragment": (b"GET /healthz#part HTTP/1.1\r\n" + HEAD, 400),
    "3.2 NUL in the target": (b"GET /heal\0thz HTTP/1.1\r\n" + HEAD, 400),
    "3.2 a target that is not ASCII": (b"GET /\xc3\xa9 HTTP/1.1\r\n" + HEAD, 400),
    "3.2.3 authority-form with GET": (b"GET proxy:80 HTTP/1.1\r\n" + HEAD, 400),
    "3.2.3 CONNECT": (b"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n", 501),
    "3.2.4 asterisk-form with GET": (b"GET * HTTP/1.1\r\n" + HEAD, 400),
}
HOSTS = {
    "3.2 no Host": (GET, 400),
    "3.2 no Host in HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n", 400),
    "3.2 no Host, absolute-form": (b"GET http://proxy/healthz HTTP/1.1\r\n", 400),
    "3.2 two": (GET + b"Host: proxy\r\nHost: other.example\r\n", 400),
    "3.2 the same twice": (GET + HEAD + HEAD, 400),
    "3.2 empty": (GET + b"Host:\r\n", 400),
    "3.2 only whitespace": (GET + b"Host: \t \r\n", 400),
    "3.2 only a port": (GET + b"Host: :80\r\n", 400),
    "3.2 with userinfo": (GET + b"Host: user@proxy\r\n", 400),
    "3.2 with a password": (GET + b"Host: user:secret@proxy\r\n", 400),
    "3.2 with a path": (GET + b"Host: proxy/path\r\n", 400),
    "3.2 with a scheme": (GET + b"Host: http://proxy\r\n", 400),
    "3.2 with a query": (GET + b"Host: proxy?query\r\n", 400),
    "3.2 with whitespace": (GET + b"Host: proxy other.example\r\n", 400),
    "3.2 a list": (GET + b"Host: proxy, other.example\r\n", 400),
    "3.2 a list without whitespace": (GET + b"Host: proxy,other.example\r\n", 400),
    "3.2 a port that is no number": (GET + b"Host: proxy:http\r\n", 400),
    "3.2 two ports": (GET + b"Host: proxy:80:80\r\n", 400),
    "3.2 IPv6 without brackets": (GET + b"Host: ::1\r\n", 400),
    "3.2 IPv6 that is none": (GET + b"Host: [1:2]\r\n", 400),
    "3.2 a broken percent-encoding": (GET + b"Host: pro%2xy\r\n", 400),
    "3.2 not ASCII": (GET + b"Host: pr\xc3\xb6xy\r\n", 400),
    "3.2 a fullwidth digit in the port": (GET + "Host: proxy:8\xb2\r\n".encode("latin-1"), 400),
}
FIELDS = {
    "2.2 bare LF ends a field": (GET + HEAD + b"X: y\nZ: 1\r\n", 400),
    "2.2 bare CR in a field": (GET + HEAD + b"X: y\rZ: 1\r\n", 400),
    "5 no colon": (GET + HEAD + b"X\r\n", 400),
    "5 an empty name": (GET + HEAD + b": y\r\n", 400),
    "5 a name that is no token": (GET + HEAD + b"X(: y\r\n", 400),
    "5 a tab in a name": (GET + HEAD + b"X\tY: y\r\n", 400),
    "5 a name that is not ASCII": (GET + HEAD + b"X\xc3\xa9: y\r\n", 400),
    "5.1 a space before the colon": (GET + HEAD + b"X : y\r\n", 400),
    "5.1 a tab before the colon": (GET + HEAD + b"X\t: y\r\n", 400),
    "5.2 a folded line": (GET + HEAD + b"X: y\r\n z\r\n", 400),
    "5.2 a line folded by a tab": (GET + HEAD + b"X: y\r\n\tz\r\n", 400),
    "5.2 a folded Transfer-Encoding": (POST + JSON + b"Transfer-Encoding:\r\n chunked\r\n", 400),
    "9110 5.5 NUL in a value": (GET + HEAD + b"X: a\0b\r\n", 400),
    "9110 5.5 a control in a value": (GET + HEAD + b"X: a\x01b\r\n", 400),
    "9110 5.5 DEL in a value": (GET + HEAD + b"X: a\x7fb\r\n", 400),
    "9110 8.3 two Content-Types": (
        POST + JSON + b"Content-Type: text/plain\r\nContent-Length: 0\r\n",
        400,
    ),
    "9110 10.1.1 an unknown expectation": (GET + HEAD + b"Expect: 200-maybe\r\n", 417),
}


def lengths(*values: bytes) -> bytes:
    return POST + JSON + b"".join(b"Content-Length: " + value + b"\r\n" for value in values)


def coding(value: bytes, more: bytes = b"") -> bytes:
    return POST + JSON + b"Transfer-Encoding: " + value + b"\r\n" + more


FRAMINGS = {
    "6.1 Transfer-Encoding and Content-Length": (coding(b"chunked", b"Content-Length: 5\r\n"), 400),
    "6.1 Content-Length and Transfer-Encoding": (
        lengths(b"5") + b"Transfer-Encoding: chunked\r\n",
        400,
    ),
    "6.1 Transfer-Encoding in HTTP/1.0": (
        coding(b"chunked").replace(b"HTTP/1.1", b"HTTP/1.0"),
        400,
    ),
    "6.1 an unknown coding": (coding(b"xchunked"), 501),
    "6.1 an unknown coding and a length": (coding(b"xchunked", b"Content-Length: 5\r\n"), 501),
    "6.1 an unknown coding before chunked": (coding(b"x, chunked"), 501),
    "6.1 chunked twice": (coding(b"chunked, chunked"), 400),
    "6.1 chunked twice, in two fields": (
        coding(b"chunked", b"Transfer-Encoding: chunked\r\n"),
        400,
    ),
    "6.1 no coding": (coding(b""), 400),
    "6.1 an empty coding before chunked": (coding(b", chunked"), 400),
    "6.1 an empty coding after chunked": (coding(b"chunked,"), 400),
    "6.1 identity": (coding(b"identity", b"Content-Length: 5\r\n"), 400),
    "6.3 gzip alone": (coding(b"gzip"), 400),
    "6.3 chunked is not the last": (coding(b"chunked, gzip"), 400),
    "7 chunked with a parameter": (coding(b"chunked;x=y"), 400),
    "7 chunked in quotes": (coding(b'"chunked"'), 400),
    "7 a vertical tab before chunked": (coding(b"\x0bchunked"), 400),
    "7 a form feed before chunked": (coding(b"\x0cchunked"), 400),
    "7 NUL after chunked": (coding(b"chunked\0"), 400),
    "7 a no-break space after chunked": (coding(b"chunked\xa0"), 400),
    "6.3 two lengths": (lengths(b"5", b"10"), 400),
    "6.3 the same length twice": (lengths(b"5", b"5"), 400),
    "6.3 a list of lengths": (lengths(b"5, 10"), 400),
    "6.3 a list of the same length": (lengths(b"5, 5"), 400),
    "9110 8.6 an empty length": (lengths(b""), 400),
    "9110 8.6 no number": (lengths(b"five"), 400),
    "9110 8.6 a sign": (lengths(b"+5"), 400),
    "9110 8.6 negative": (lengths(b"-5"), 400),
    "9110 8.6 negative zero": (lengths(b"-0"), 400),
    "9110 8.6 hexadecimal": (lengths(b"0x5"), 400),
    "9110 8.6 octal": (lengths(b"0o5"), 400),
    "9110 8.6 an underscore": (lengths(b"1_0"), 400),
    "9110 8.6 a decimal point": (lengths(b"5.0"), 400),
    "9110 8.6 an exponent": (lengths(b"1e1"), 400),
    "9110 8.6 a space within": (lengths(b"1 0"), 400),
    "9110 8.6 a superscript digit": (lengths(b"1\xb2"), 400),
    "9110 8.6 over 64 bits": (lengths(b"99999999999999999999"), 400),
    "9110 8.6 over 63 bits": (lengths(b"9223372036854775808"), 400),
    "9110 8.6 4,000 digits": (lengths(b"9" * 4000), 400),
    "5.1 a space before the colon of the length": (POST + JSON + b"Content-Length : 5\r\n", 400),
    "5.1 a space before the colon of the coding": (
        POST + JSON + b"Transfer-Encoding : chunked\r\n",
        400,
    ),
}
CHUNKED_BODIES = {
    "7.1 no size": b"\r\n{}\r\n0\r\n\r\n",
    "7.1 a size that is no number": b"g\r\n{}\r\n0\r\n\r\n",
    "7.1 a prefix of hexadecimal numbers": b"0x2\r\n{}\r\n0\r\n\r\n",
    "7.1 a sign": b"+2\r\n{}\r\n0\r\n\r\n",
    "7.1 negative": b"-2\r\n{}\r\n0\r\n\r\n",
    "7.1 an underscore": b"0_2\r\n{}\r\n0\r\n\r\n",
    "7.1 whitespace before the size": b" 2\r\n{}\r\n0\r\n\r\n",
    "7.1 whitespace after the size": b"2 \r\n{}\r\n0\r\n\r\n",
    "7.1 no CRLF after the data": b"2\r\n{}0\r\n\r\n",
    "7.1 more data than the size": b"2\r\n{} \r\n0\r\n\r\n",
    "7.1 a bare LF ends the size": b"2\n{}\r\n0\r\n\r\n",
    "7.1 a bare CR ends the size": b"2\r{}\r\n0\r\n\r\n",
    "7.1 a bare LF ends the data": b"2\r\n{}\n0\r\n\r\n",
    "7.1 a bare LF ends the last chunk": b"2\r\n{}\r\n0\n\r\n",
    "7.1.1 an extension without a name": b"2;\r\n{}\r\n0\r\n\r\n",
    "7.1.1 an extension whose name is no token": b"2;[=x\r\n{}\r\n0\r\n\r\n",
    "7.1.1 a control in an extension": b"2;x=\x01\r\n{}\r\n0\r\n\r\n",
    "7.1.1 a bare CR in an extension": b"2;x=\ry\r\n{}\r\n0\r\n\r\n",
    "7.1.1 a bare LF in an extension": b"2;x=\ny\r\n{}\r\n0\r\n\r\n",
    "7.1.1 a long extension": b"2;x=" + b"y" * 65536 + b"\r\n{}\r\n0\r\n\r\n",
    "7.1.2 a bare LF ends a trailer field": b"2\r\n{}\r\n0\r\nX: y\n\r\n",
    "7.1.2 a trailer field without a colon": b"2\r\n{}\r\n0\r\nX\r\n\r\n",
    "7.1.2 Content-Length as a trailer": b"2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n",
    "7.1.2 Transfer-Encoding as a trailer": b"2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "7.1.2 Host as a trailer": b"2\r\n{}\r\n0\r\nHost: other.example\r\n\r\n",
    "7.1.2 long trailers": b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
}
VALID_HEADS = {
    "2.2 an empty line before the request line": b"\r\n" + GET + HEAD,
    "2.3 HTTP/1.2": b"GET /healthz HTTP/1.2\r\n" + HEAD,
    "3.2.2 absolute-form": b"GET http://proxy/healthz HTTP/1.1\r\n" + HEAD,
    "3.2.2 absolute-form with another Host": b"GET http://proxy/healthz HTTP/1.1\r\nHost: x\r\n",
    "3.2 a port": GET + b"Host: proxy:8000\r\n",
    "3.2 an empty port": GET + b"Host: proxy:\r\n",
    "3.2 IPv4": GET + b"Host: 127.0.0.1:8000\r\n",
    "3.2 IPv6": GET + b"Host: [::1]:8000\r\n",
    "3.2 an underscore": GET + b"Host: my_proxy\r\n",
    "3.2 a name that ends in a dot": GET + b"Host: proxy.example.\r\n",
    "5 no space after the colon": GET + b"Host:proxy\r\n",
    "5 whitespace around a value": GET + b"Host: \t proxy \t \r\n",
    "5 a name in upper case": GET + b"HOST: proxy\r\n",
    "5 an empty value": GET + HEAD + b"X:\r\n",
    "9110 5.5 a value that is not ASCII": GET + HEAD + b"X: \xc3\xa9\r\n",
    "6.3 a GET with an empty body": GET + HEAD + b"Content-Length: 0\r\n",
}
VALID_BODIES = {
    "6.2 a length": lengths(b"2") + b"\r\n{}",
    "9110 8.6 a length with leading zeros": lengths(b"0002") + b"\r\n{}",
    "9110 5.5 whitespace around a length": lengths(b" \t2 \t") + b"\r\n{}",
    "7.1 one chunk": POST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
    "7.1 two chunks": POST + CHUNKED + b"\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "7.1 a size in upper case": POST + CHUNKED + b"\r\nA\r\n{        }\r\n0\r\n\r\n",
    "7.1 leading zeros": POST + CHUNKED + b"\r\n0002\r\n{}\r\n000\r\n\r\n",
    "7 chunked in upper case": coding(b"Chunked") + b"\r\n2\r\n{}\r\n0\r\n\r\n",
    "7.1.1 an extension": POST + CHUNKED + b'\r\n2;a;b=c;d="e f"\r\n{}\r\n0\r\n\r\n',
    "7.1.2 a trailer": POST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX-Trailer: y\r\n\r\n",
    "9110 10.1.1 100-continue": lengths(b"2") + b"Expect: 100-continue\r\n\r\n{}",
}
PERSISTENCE = {
    "9.3 the default": (b"HTTP/1.1", b"", True),
    "9.3 keep-alive": (b"HTTP/1.1", b"Connection: keep-alive\r\n", True),
    "9.3 HTTP/1.0": (b"HTTP/1.0", b"", False),
    "9.3 HTTP/1.0 with keep-alive": (b"HTTP/1.0", b"Connection: Keep-Alive\r\n", True),
    "9.6 close": (b"HTTP/1.1", b"Connection: close\r\n", False),
    "9110 7.6.1 close in upper case": (b"HTTP/1.1", b"Connection: CLOSE\r\n", False),
    "9110 7.6.1 close and TE": (b"HTTP/1.1", b"Connection: close, TE\r\n", False),
    "9110 7.6.1 TE and close": (b"HTTP/1.1", b"Connection: TE , close\r\n", False),
    "9110 7.6.1 a second field": (b"HTTP/1.1", b"Connection: TE\r\nConnection: close\r\n", False),
    "9.3 close and keep-alive": (b"HTTP/1.1", b"Connection: keep-alive, close\r\n", False),
    "9110 7.6.1 an option that only looks like it": (b"HTTP/1.1", b"Connection: closed\r\n", True),
}


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox) -> Iterator[ServerProcess]:
    with proxy_server(sandbox_process) as server:
        yield server


Response = tuple[int, dict[str, str], bytes]


def responses(server: ServerProcess, data: bytes) -> list[Response]:
    """Send the data, and return status, headers and body of all final responses until the server closes."""
    with open_socket(server) as connection:
        connection.sendall(data)
        return split_responses(read_all(connection))


def split_responses(received: bytes) -> list[Response]:
    """Return the final responses in these bytes. A response to HEAD must be the last one."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        headers = dict(field.split(": ", 1) for field in fields)
        length = int(headers.get("Content-Length", "0"))
        body, received = received[:length], received[length:]
        if not status.startswith("HTTP/1.1 1"):
            found.append((int(status.split()[1]), headers, body))
    return found


def assert_rejected(response: Response, status: int) -> str:
    """Check that this is an error in the proxy's format that closes the connection. Return its message."""
    received, headers, body = response
    error = json.loads(body)
    assert received == error["code"] == status
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Error-Source"] == "proxy"
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-ID"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Origin" in headers["Vary"]
    assert headers["Connection"] == "close"
    assert headers["Date"]
    message: str = error["message"]
    return message


@pytest.mark.parametrize("case", [*REQUEST_LINES, *HOSTS, *FIELDS, *FRAMINGS])
def test_an_invalid_head_is_rejected_and_closes_the_connection(
    server: ServerProcess, case: str
) -> None:
    head, status = (REQUEST_LINES | HOSTS | FIELDS | FRAMINGS)[case]
    (response,) = responses(server, head + b"\r\n" + LAST_REQUEST)
    assert_rejected(response, status)


@pytest.mark.parametrize("case", CHUNKED_BODIES)
def test_an_invalid_chunked_body_is_rejected_and_closes_the_connection(
    server: ServerProcess, case: str
) -> None:
    (response,) = responses(server, POST + CHUNKED + b"\r\n" + CHUNKED_BODIES[case] + LAST_REQUEST)
    message = assert_rejected(response, 400)
    assert message == "The body is incomplete, or its chunks are malformed."


@pytest.mark.parametrize("case", VALID_HEADS)
def test_a_valid_head_is_served(server: ServerProcess, case: str) -> None:
    received = responses(server, VALID_HEADS[case] + b"\r\n" + LAST_REQUEST)
    assert [status for status, _, _ in received] == [200, 200]


@pytest.mark.parametrize("case", VALID_BODIES)
def test_a_valid_body_is_read_and_the_next_request_is_served(
    server: ServerProcess, case: str
) -> None:
    (status, headers, body), (next_status, _, _) = responses(
        server, VALID_BODIES[case] + LAST_REQUEST
    )
    assert (status, json.loads(body)["message"]) == (400, VALID_BODY_MESSAGE)
    assert headers["Connection"] == "keep-alive"
    assert next_status == 200


@pytest.mark.parametrize("case", PERSISTENCE)
@pytest.mark.parametrize("path", [b"/healthz", b"/api/services"])
def test_a_connection_is_kept_or_closed_as_the_client_requests(
    server: ServerProcess, path: bytes, case: str
) -> None:
    version, fields, stays_open = PERSISTENCE[case]
    request = b"GET " + path + b" " + version + b"\r\n" + HEAD + fields + b"\r\n"
    received = responses(server, request + LAST_REQUEST)
    assert [status for status, _, _ in received] == [200] * (2 if stays_open else 1)
    assert received[0][1]["Connection"] == ("keep-alive" if stays_open else "close")


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT"])
def test_an_unexpected_body_is_never_parsed_as_a_request(
    server: ServerProcess, method: bytes
) -> None:
    """The length delimits a body, whatever the method (https://www.rfc-editor.org/rfc/rfc9112#section-6.3)."""
    smuggled = b"GET /smuggled HTTP/1.1\r\n" + HEAD + b"\r\n"
    length = f"Content-Length: {len(smuggled)}\r\n\r\n".encode()
    with open_socket(server) as connection:
        connection.sendall(
            method + b" /healthz HTTP/1.1\r\n" + HEAD + length + smuggled + LAST_REQUEST
        )
        received = read_all(connection)
    assert received.count(b"HTTP/1.1 ") == 2
    assert b" 404 " not in received


def test_an_incomplete_body_is_a_400(server: ServerProcess) -> None:
    """An incomplete request is not processed (https://www.rfc-editor.org/rfc/rfc9112#section-8)."""
    for body in (lengths(b"10") + b"\r\n{}", POST + CHUNKED + b"\r\n2\r\n{}\r\n"):
        with open_socket(server) as connection:
            connection.sendall(body)
            connection.shutdown(socket.SHUT_WR)
            received = read_all(connection)
        assert received.startswith(b"HTTP/1.1 400 ")
        assert b"\r\nConnection: close\r\n" in received


def test_a_head_without_its_end_is_not_processed(server: ServerProcess) -> None:
    with open_socket(server) as connection:
        connection.sendall(GET + HEAD)
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""


def test_the_request_id_of_a_head_that_can_be_read_is_kept(server: ServerProcess) -> None:
    head = GET + b"Host:\r\nX-Request-ID: mine\r\n\r\n"
    ((_, headers, _),) = responses(server, head)
    assert headers["X-Request-ID"] == "mine"

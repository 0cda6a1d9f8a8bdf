"""How requests are read from a connection: gunicorn's parser, with bounds of its own on the head.

gunicorn parses the whole head anew after every read, up to 819 KB of it by its defaults. Here the
head is read first, each byte looked at once, and parsed when it is complete.
"""

import re
import socket
from collections.abc import Iterator
from ipaddress import IPv6Address
from math import inf
from typing import Any

import gevent
from gunicorn.http import errors
from gunicorn.http.body import LengthReader
from gunicorn.http.message import TOKEN_RE, Request
from gunicorn.http.unreader import SocketUnreader

from web.connections import READ_BYTES, REQUEST_SECONDS, ClientConnection

REQUEST_LINE_BYTES = 8190
"""RFC 9112, section 3, recommends at least 8,000 octets."""

FIELDS = 50
FIELD_BYTES = 4096
"""Browsers send up to some 30 fields, a router adds 10; a cookie, the longest, has up to 4 KB."""

LENGTH_DIGITS = 18
"""A Content-Length of more could overflow 63 bits, in a proxy or in a library."""

HEAD_SECONDS = 10
"""From a head's first byte to its last."""

CHUNK_LINES_BYTES = 1024
"""The most that is read at a time of what may be tiny chunks: each costs gunicorn some 10 µs."""

UNREAD_BODY_BYTES = 131_072
UNREAD_BODY_SECONDS = 2
"""How much of a body that the response did not need is read: the client may still be sending it,
and loses the response if the connection is closed meanwhile (RFC 9112, section 9.6).
"""

_HOST = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?"
)
"""RFC 9110, section 7.2: uri-host [":" port]. Here the host is never empty and has no comma: a list
of two hosts has one, and no name.
"""


class ConnectNotImplementedError(errors.ParseException):
    """The method is CONNECT, which is for forward proxies (RFC 9110, section 9.3.6)."""


class BoundedRequest(Request):
    """gunicorn's request with exactly one valid Host, which also decides better when to close."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if self.method == "CONNECT":
            raise ConnectNotImplementedError
        if "#" in self.uri:
            raise errors.InvalidRequestLine("a fragment in the target")
        hosts = [value for name, value in self.headers if name == "HOST"]
        if len(hosts) != 1 or not _is_host(hosts[0]):
            raise errors.InvalidHeader("HOST", req=self)
        self._closes = _asks_to_close(self.version, self.headers)

    def set_body_reader(self) -> None:
        """Choose how the body is read. Raises InvalidHeader or UnsupportedTransferCoding."""
        fields = dict(self.headers)
        if len(fields.get("CONTENT-LENGTH", "")) > LENGTH_DIGITS:
            raise errors.InvalidHeader("CONTENT-LENGTH", req=self)
        try:
            super().set_body_reader()
        except errors.UnsupportedTransferCoding:
            codings = [coding.strip(" \t") for coding in fields["TRANSFER-ENCODING"].split(",")]
            if all(map(TOKEN_RE.fullmatch, codings)):
                raise
            raise errors.InvalidHeader("TRANSFER-ENCODING", req=self) from None
        # Trailer fields are not used. gunicorn scans them anew after every read.
        self.body.reader.limit_trailer_section = FIELD_BYTES

    def unread_bytes(self) -> float:
        """How much of the body has not been read; infinite where that is not known."""
        reader = self.body.reader
        if isinstance(reader, LengthReader):
            return float(reader.length)
        return 0 if reader.parser is None else inf

    def should_close(self) -> bool:
        """Whether the connection ends after the response: because the client asks for it, or
        because where the next request starts is not known or is too far away.
        """
        if self.must_close or self._closes or self.body.failed:
            return True
        return self.unread_bytes() > UNREAD_BODY_BYTES


class Requests:
    """Iterates over the requests that a connection brings.

    Raises gunicorn's ParseException for a malformed one, NoMoreData or TimeoutError for one that
    breaks off or is not complete within HEAD_SECONDS.
    """

    def __init__(self, cfg: Any, connection: ClientConnection, address: Any) -> None:
        self._cfg = cfg
        self._connection = connection
        self._address = address
        self._unreader = _Unreader(connection)

    def __iter__(self) -> Iterator[BoundedRequest]:
        number = 0
        while self._read_head():
            number += 1
            request = BoundedRequest(self._cfg, self._unreader, self._address, number)
            self._connection.serving = True
            self._connection.set_read_deadline(REQUEST_SECONDS)
            yield request
            if not self._skip_body(request):
                return
            self._connection.serving = False

    def _read_head(self) -> bool:
        """Have a whole head in the unreader; False if the client closes instead of sending one."""
        head = bytearray(self._unreader.take_buffered())
        self._connection.set_read_deadline(HEAD_SECONDS if head else self._cfg.keepalive)
        lines = start = searched = 0
        while True:
            end = head.find(b"\n", searched)
            if end < 0:
                _check_length(len(head) - start - 1, lines)  # the last byte may be a CR
                searched = len(head)
                data = self._connection.recv(READ_BYTES)
                if not data:
                    if head:
                        raise errors.NoMoreData
                    return False
                if not head:
                    self._connection.set_read_deadline(HEAD_SECONDS)
                head += data
                continue
            if head[end - 1 : end] != b"\r":
                raise errors.InvalidRequestLine("bare LF as line terminator")
            _check_length(end - 1 - start, lines)
            is_empty = end - 1 == start
            if is_empty and (lines or start):  # one before the request line is skipped
                break
            lines += not is_empty
            if lines > 1 + FIELDS:
                raise errors.LimitRequestHeaders("limit request headers fields")
            start = searched = end + 1
        self._unreader.unread(bytes(head))
        return True

    def _skip_body(self, request: BoundedRequest) -> bool:
        """Read what the response did not need of the body; False if that is too much."""
        if request.should_close():
            return False
        self._connection.set_read_deadline(UNREAD_BODY_SECONDS)
        request.body.read(int(request.unread_bytes()))
        return True


class _Unreader(SocketUnreader):
    """Reads bodies piece by piece. Other connections have their turn before each: a client that
    sends as fast as it can would keep them waiting.
    """

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Read a piece of what is left of the body or of a chunk, `size_hint` bytes, or less where
        that is not known. Raises NoMoreData where the body breaks off (RFC 9112, section 8).
        """
        gevent.sleep(0)
        data: bytes = self.sock.recv(min(max(size_hint or 0, CHUNK_LINES_BYTES), READ_BYTES))
        if not data:
            raise errors.NoMoreData
        return data


def discard_rest(connection: ClientConnection) -> None:
    """Half-close, and read what the client still sends, before the connection is closed (RFC 9112,
    section 9.6).
    """
    connection.shutdown(socket.SHUT_WR)
    connection.set_read_deadline(UNREAD_BODY_SECONDS)
    left = UNREAD_BODY_BYTES
    while left > 0 and (data := connection.recv(READ_BYTES)):
        left -= len(data)
        gevent.sleep(0)


def _check_length(length: int, lines: int) -> None:
    """Raise LimitRequestLine or LimitRequestHeaders for a line of the head that is too long, or
    has become so before its end.
    """
    if lines == 0 and length > REQUEST_LINE_BYTES:
        raise errors.LimitRequestLine(length, REQUEST_LINE_BYTES)
    if lines > 0 and length > FIELD_BYTES:
        raise errors.LimitRequestHeaders("limit request headers fields size")


def _is_host(text: str) -> bool:
    found = _HOST.fullmatch(text)
    if not found:
        return False
    if found["ipv6"] is None:
        return True
    try:
        IPv6Address(found["ipv6"])
    except ValueError:
        return False
    return True


def _asks_to_close(version: tuple[int, int], headers: list[tuple[str, str]]) -> bool:
    """RFC 9112, section 9.3: `close` in any Connection field, or HTTP/1.0 without `keep-alive`."""
    options = {
        option.strip(" \t").lower()
        for name, value in headers
        if name == "CONNECTION"
        for option in value.split(",")
    }
    return "close" in options or (version < (1, 1) and "keep-alive" not in options)

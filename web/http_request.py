"""Reads requests from a connection with gunicorn's parser, and with its own limits on the head.

gunicorn parses the whole head again after every read, by default up to 819 KB. Here the head is
read first, scanning each byte once, and parsed when it is complete. Before that, the fast path may
respond to a plain request (web/plain_request.py).
"""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv6Address
from math import inf
from typing import Any

from gunicorn.http import errors
from gunicorn.http.body import LengthReader
from gunicorn.http.message import TOKEN_RE, Request
from gunicorn.http.unreader import SocketUnreader

from web import plain_request
from web.connections import READ_BYTES, REQUEST_SECONDS, ClientConnection

REQUEST_LINE_BYTES = 8190
"""At least 8,000 octets are recommended (https://www.rfc-editor.org/rfc/rfc9112#section-3)."""

FIELDS = 50
FIELD_BYTES = 4096
"""Browsers send up to 30 fields and routers add 10; the longest, a cookie, has up to 4 KB."""

FIELDS_MESSAGE = (
    f"The request has more than {FIELDS} header fields, or one of more than {FIELD_BYTES} "
    "bytes. Send fewer or shorter ones."
)

LENGTH_DIGITS = 18
"""A longer Content-Length could overflow 63 bits, in a proxy or in a library."""

HEAD_SECONDS = 10
"""From a head's first byte to its last."""

CHUNK_LINES_BYTES = 1024
"""The maximum of one read of chunks, which may be tiny: each costs gunicorn about 10 µs."""

UNREAD_BODY_BYTES = 131_072
UNREAD_BODY_SECONDS = 2
"""How much of an unread body is read after the response: the client may still be sending it, and
loses the response if the connection is closed meanwhile
(https://www.rfc-editor.org/rfc/rfc9112#section-9.6).
"""

_HOST = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?"
)
"""uri-host [":" port] (https://www.rfc-editor.org/rfc/rfc9110#section-7.2).

The host must not be empty, or have a comma as a list of two hosts has.
"""


class ConnectNotImplementedError(errors.ParseException):
    """The method is CONNECT, which is for forward proxies.

    See https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6.
    """


class BoundedRequest(Request):
    """gunicorn's request with exactly one valid Host, and a complete rule for when to close."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if self.method == "CONNECT":
            raise ConnectNotImplementedError
        if "#" in self.uri:
            raise errors.InvalidRequestLine("a fragment in the target")
        hosts = [value for name, value in self.headers if name == "HOST"]
        if len(hosts) != 1 or not _is_host(hosts[0]):
            raise errors.InvalidHeader("HOST", req=self)
        self._closes = _has_close_option(self.version, self.headers)

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
        # Trailer fields are not used, and gunicorn scans them again after every read.
        self.body.reader.limit_trailer_section = FIELD_BYTES

    def unread_bytes(self) -> float:
        """Return how much of the body has not been read; infinite if unknown."""
        reader = self.body.reader
        if isinstance(reader, LengthReader):
            return float(reader.length)
        return 0 if reader.parser is None else inf

    def should_close(self) -> bool:
        """Whether to close the connection after the response: the client requests it, or the start
        of its next request is unknown or too far away.
        """
        if self.must_close or self._closes or self.body.failed:
            return True
        return self.unread_bytes() > UNREAD_BODY_BYTES


class Requests:
    """Iterates over the requests of a connection that the fast path does not respond to.

    `fast_response`: given the WSGI variables of a plain request and the client's address, returns a
    whole response or None.
    Raises gunicorn's ParseException for a malformed request, NoMoreData or TimeoutError for one
    that breaks off or is not complete within HEAD_SECONDS.
    """

    def __init__(
        self,
        cfg: Any,
        connection: ClientConnection,
        address: Any,
        fast_response: Callable[[Mapping[str, str]], bytes | None],
    ) -> None:
        self._cfg = cfg
        self._connection = connection
        self._address = address
        self._fast_response = fast_response
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
        """Read a whole head into the unreader; False if the client closes instead."""
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
                if not head and self._respond_fast(data):
                    self._connection.set_read_deadline(self._cfg.keepalive)
                    continue
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

    def _respond_fast(self, data: bytes) -> bool:
        """Send the fast path's response, if the data is one plain request and there is one."""
        environ = plain_request.parse(data, FIELDS)
        if not environ or not _is_host(environ.get("HTTP_HOST", "")):
            return False
        environ["REMOTE_ADDR"] = self._connection.address
        response = self._fast_response(environ)
        if response is None:
            return False
        self._connection.serving = True
        self._connection.sendall(response)
        self._connection.serving = False
        return True

    def _skip_body(self, request: BoundedRequest) -> bool:
        """Read the rest of the body; False if it is too long."""
        if request.should_close():
            return False
        self._connection.set_read_deadline(UNREAD_BODY_SECONDS)
        request.body.read(int(request.unread_bytes()))
        return True


class _Unreader(SocketUnreader):
    """Reads bodies in pieces."""

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Read up to `size_hint` bytes of the body or chunk, if that is known.

        Raises NoMoreData if the body is incomplete (https://www.rfc-editor.org/rfc/rfc9112#section-8).
        """
        data: bytes = self.sock.recv(min(max(size_hint or 0, CHUNK_LINES_BYTES), READ_BYTES))
        if not data:
            raise errors.NoMoreData
        return data


def discard_rest(connection: ClientConnection) -> None:
    """Half-close the connection and read what the client still sends.

    See https://www.rfc-editor.org/rfc/rfc9112#section-9.6.
    """
    connection.shutdown(socket.SHUT_WR)
    connection.set_read_deadline(UNREAD_BODY_SECONDS)
    left = UNREAD_BODY_BYTES
    while left > 0 and (data := connection.recv(READ_BYTES)):
        left -= len(data)


def _check_length(length: int, lines: int) -> None:
    """Raise LimitRequestLine or LimitRequestHeaders for a line that is too long so far."""
    if lines == 0 and length > REQUEST_LINE_BYTES:
        raise errors.LimitRequestLine(length, REQUEST_LINE_BYTES)
    if lines > 0 and length > FIELD_BYTES:
        raise errors.LimitRequestHeaders("limit request headers fields size")


@lru_cache(maxsize=64)
def _is_host(text: str) -> bool:
    found = _HOST.fullmatch(text)
    with suppress(ValueError):
        return bool(found and (not found["ipv6"] or IPv6Address(found["ipv6"])))
    return False


def _has_close_option(version: tuple[int, int], headers: list[tuple[str, str]]) -> bool:
    """Whether a Connection field has `close`, or HTTP/1.0 has no `keep-alive`.

    See https://www.rfc-editor.org/rfc/rfc9112#section-9.3.
    """
    options = {
        option.strip(" \t").lower()
        for name, value in headers
        if name == "CONNECTION"
        for option in value.split(",")
    }
    return "close" in options or (version < (1, 1) and "keep-alive" not in options)

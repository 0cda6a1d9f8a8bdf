"""Connections to Videsk: a failure to connect is told apart, and a response is never another's.

`requests` sends over urllib3, and urllib3 over http.client. These classes take the place of theirs
through `ConnectionCls` and `response_class`. Of http.client's private methods they override
`_read_status` and `_close_conn`, which are the same in Python 3.11 to 3.13.
"""

import errno
import io
from contextlib import suppress
from http.client import BadStatusLine, HTTPException, HTTPResponse, parse_headers
from socket import SHUT_RDWR, socket
from time import monotonic
from typing import Any, ClassVar

import gevent
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from videsk.errors import (
    VideskFailedError,
    VideskNoSocketError,
    VideskTimeoutError,
    VideskUnreachableError,
)

MAX_WIRE_BYTES = 8 * 1024 * 1024
"""Of one response, its head and chunk sizes included: twice the largest body that is used."""

MAX_BUSY_SECONDS = 0.002
"""How long one response may be parsed before other greenlets run."""

PAUSE_SECONDS = 0.001
"""A timer: unlike `sleep(0)` it lets the loop look at its sockets."""


_OUR_ERRNOS = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
"""This machine has no socket left, and Videsk has no part in it."""


class WireReader(io.RawIOBase):
    """Reads one response from a socket: so many bytes at most, and never long without a pause.

    A body in chunks of one byte costs some 2 µs of parsing for each. gevent switches greenlets only
    where a read has to wait, so a fast sender of such a body would stop the whole process.
    """

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self._received = 0
        self._busy_seconds = 0.0
        self._returned_at = monotonic()
        self.response_is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Raises HTTPException above MAX_WIRE_BYTES. None, as if nothing had come, at the end."""
        if self.response_is_over:
            return None
        self._busy_seconds += monotonic() - self._returned_at
        if self._busy_seconds > MAX_BUSY_SECONDS:
            gevent.sleep(PAUSE_SECONDS)
            self._busy_seconds = 0.0
        count: int = self._raw.readinto(buffer)
        self._received += count
        if self._received > MAX_WIRE_BYTES:
            raise HTTPException("the response is too long")
        self._returned_at = monotonic()
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class Response(HTTPResponse):
    """The final response to a request; its connection is used again only where it left nothing."""

    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._socket = sock
        self._wire = WireReader(self.fp.detach())
        self.fp = io.BufferedReader(self._wire)

    def _read_status(self) -> tuple[str, int, str]:
        """Skip interim responses: http.client skips 100 alone, and takes a 103 for the final one.

        A 101 would end HTTP on this connection, which nobody has asked for (RFC 9110, 15.2).
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
        while 100 <= status < 200:
            if status == 101:
                raise BadStatusLine("101")
            parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason

    def begin(self) -> None:
        super().begin()
        if not self._is_framed_clearly():
            self.will_close = True

    def _is_framed_clearly(self) -> bool:
        """Whether everybody sees the same end of this response (RFC 9112, 6.3)."""
        codings = self.headers.get_all("Transfer-Encoding", [])
        lengths = self.headers.get_all("Content-Length", [])
        if self.status in (204, 304):
            return not codings and lengths in ([], ["0"])
        if codings:
            return not lengths and [coding.lower() for coding in codings] == ["chunked"]
        return len(lengths) == 1 and lengths[0].isascii() and lengths[0].isdecimal()

    def _close_conn(self) -> None:
        """At the end of the body, or where it is given up: is anything of the connection unread?

        What has come already may wait in the buffer, or decrypted in TLS, where urllib3's own look
        at the socket would miss it. A connection that is shut down is one that it drops.
        """
        self._wire.response_is_over = True
        if self.fp.peek(1) or _decrypted_bytes(self._socket):
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)
        super()._close_conn()  # type: ignore[misc]  # not in typeshed


class _Connects:
    """Tells a failure to connect (DNS, TCP or TLS) from one after something may have been sent."""

    response_class: ClassVar[type[HTTPResponse]] = Response

    def connect(self) -> None:
        """Raises VideskFailedError: no error of urllib3's, so that it and requests let it pass."""
        try:
            super().connect()  # type: ignore[misc]  # of the class beside this one
        except (Exception, gevent.Timeout) as error:
            raise connect_failure(error) from error


class _Connection(_Connects, HTTPConnection):
    pass


class _TlsConnection(_Connects, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOL_CLASSES = {"http": _Pool, "https": _TlsPool}
"""For urllib3's PoolManager, by scheme."""


def connect_failure(reason: BaseException) -> VideskFailedError:
    """What it means that there was no connection, so that no byte of the request was sent."""
    causes = [reason]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    if any(isinstance(cause, OSError) and cause.errno in _OUR_ERRNOS for cause in causes):
        return VideskNoSocketError(1)
    if any(isinstance(cause, TimeoutError | gevent.Timeout) for cause in causes):
        return VideskTimeoutError()
    return VideskUnreachableError()


def _decrypted_bytes(connection: socket) -> int:
    return connection.pending() if hasattr(connection, "pending") else 0

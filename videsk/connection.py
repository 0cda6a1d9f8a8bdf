"""Connection pool to Videsk: distinguishes connect errors, and never mixes up two responses.

`requests` uses urllib3, and urllib3 uses http.client. These classes replace theirs through
`ConnectionCls` and `response_class`. They override two private methods of http.client,
`_read_status` and `_close_conn`, which are the same in Python 3.11 to 3.13.
"""

import errno
import io
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from http.client import BadStatusLine, HTTPException, HTTPResponse, parse_headers
from socket import SHUT_RDWR, socket
from time import monotonic
from typing import Any, ClassVar

import gevent
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from common.error_chain import error_chain
from videsk.errors import (
    VideskError,
    VideskFailedError,
    VideskNoSocketError,
    VideskTimeoutError,
    VideskUnreachableError,
)

MAX_WIRE_BYTES = 8 * 1024 * 1024
"""Of one response with its head and chunk sizes: twice the largest body that is accepted."""

MAX_BUSY_SECONDS = 0.002
"""How long one response may be parsed before other greenlets run."""

PAUSE_SECONDS = 0.001
"""A timer: unlike `sleep(0)` it lets the loop look at its sockets."""

_OUR_ERRNOS = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
"""This machine has no socket left. That is no failure of Videsk."""


ON_CONNECT: ContextVar[Callable[[float], None]] = ContextVar("on_connect", default=lambda _: None)
"""Called in a request that had to open a connection, before it is sent."""


class WireReader(io.RawIOBase):
    """Reads one response from a socket, with a size limit and pauses for other greenlets.

    Parsing a body in chunks of one byte takes about 2 µs a byte. gevent switches greenlets only
    when a read has to wait, so a fast sender of such a body would block the whole process.
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
        """Raises HTTPException above MAX_WIRE_BYTES. After the response, returns None (no data)."""
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
    """The final response to a request. Its connection is reused only if no byte is left on it."""

    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._socket = sock
        self._wire = WireReader(self.fp.detach())
        self.fp = io.BufferedReader(self._wire)

    def _read_status(self) -> tuple[str, int, str]:
        """Skip interim responses: http.client skips 100 only, and takes a 103 for the final one.

        A 101 without a request for it is an error
        (https://www.rfc-editor.org/rfc/rfc9110#section-15.2).
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
        if not self._has_clear_framing():
            self.will_close = True

    def _has_clear_framing(self) -> bool:
        """Whether all implementations find the same end.

        See https://www.rfc-editor.org/rfc/rfc9112#section-6.3.
        """
        codings = self.headers.get_all("Transfer-Encoding", [])
        lengths = self.headers.get_all("Content-Length", [])
        if self.status in (204, 304):
            return not codings and lengths in ([], ["0"])
        if codings:
            return not lengths and [coding.lower() for coding in codings] == ["chunked"]
        return len(lengths) == 1 and lengths[0].isascii() and lengths[0].isdecimal()

    def _close_conn(self) -> None:
        """Shut the connection down if bytes are left on it after the body: urllib3 then drops it.

        They may be in the buffer, or decrypted in TLS, where urllib3's own check of the socket
        would miss them.
        """
        self._wire.response_is_over = True
        if self.fp.peek(1) or _decrypted_bytes(self._socket):
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)
        super()._close_conn()  # type: ignore[misc]  # not in typeshed


class _ConnectErrors:
    """Raises a separate exception for a failure to connect (DNS, TCP or TLS): nothing was sent."""

    response_class: ClassVar[type[HTTPResponse]] = Response

    def connect(self) -> None:
        """Connect, and call ON_CONNECT with the seconds that took.

        Raises VideskError, which urllib3 and requests pass through.
        """
        started = monotonic()
        try:
            super().connect()  # type: ignore[misc]  # of the class beside this one
            ON_CONNECT.get()(monotonic() - started)
        except VideskError:
            raise
        except (Exception, gevent.Timeout) as error:
            raise map_connect_error(error) from error


class _Connection(_ConnectErrors, HTTPConnection):
    pass


class _TlsConnection(_ConnectErrors, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOL_CLASSES = {"http": _Pool, "https": _TlsPool}
"""For urllib3's PoolManager, by scheme."""


def map_connect_error(reason: BaseException) -> VideskFailedError:
    """Map a failure to connect. No byte of the request was sent."""
    causes = error_chain(reason)
    if any(isinstance(cause, OSError) and cause.errno in _OUR_ERRNOS for cause in causes):
        return VideskNoSocketError(1)
    if any(isinstance(cause, TimeoutError | gevent.Timeout) for cause in causes):
        return VideskTimeoutError()
    return VideskUnreachableError()


def _decrypted_bytes(connection: socket) -> int:
    return connection.pending() if hasattr(connection, "pending") else 0

"""gunicorn's gevent worker, with better manners towards clients.

A request that gunicorn cannot parse never reaches the app; gunicorn would answer it in HTML and log
pieces of it, which may be a customer's. And a stopping gunicorn waits for connections that are kept
alive without a request, up to its graceful timeout.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any
from uuid import uuid4

import gevent
from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from web.shape import error_body
from web.short_way import ShortWay

_STATUSES = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.UnsupportedTransferCoding: 501,
    errors.ExpectationFailed: 417,
}


_IDLE_SECONDS = 0.2
"""A connection that has brought no request for so long may be closed when the worker stops."""


class Worker(GeventWorker):
    """Answers what cannot be parsed in our shape, and closes idle connections when it stops."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sockets: dict[Any, Any] = {}
        self._waiting: dict[Any, float] = {}

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection, in a greenlet of its own."""
        greenlet = gevent.getcurrent()
        self._sockets[greenlet] = client
        try:
            super().handle(listener, client, addr)
        finally:
            del self._sockets[greenlet]

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Around the wait for a connection's next request, at most `keepalive` seconds."""
        client = self._sockets[gevent.getcurrent()]
        self._waiting[client] = monotonic()
        try:
            with super().timeout_ctx():
                yield
        finally:
            del self._waiting[client]

    def run(self) -> None:
        gevent.spawn(self._close_idle_connections)
        super().run()

    def _close_idle_connections(self) -> None:
        """Shut the reading side alone: a request that has arrived meanwhile is still read and
        answered, and then the connection ends.
        """
        while True:
            gevent.sleep(_IDLE_SECONDS)
            long_ago = monotonic() - _IDLE_SECONDS
            for client, since in list(self._waiting.items()) if not self.alive else ():
                if since < long_ago:
                    with suppress(OSError), client.dup() as same_connection:
                        # gevent's shutdown of `client` itself raises in the greenlet that reads it
                        same_connection.shutdown(socket.SHUT_RD)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """The short way's answer, or the application's. Then the other connections have their turn:
        one that brings request after request would keep them waiting.
        """
        answer = self._short_answer(req, addr)
        if answer:
            sock.sendall(answer)
        else:
            super().handle_request(listener_name, req, sock, addr)
        gevent.sleep(0)

    def _short_answer(self, req: Any, addr: Any) -> bytes | None:
        """Only for a connection that is kept alive after it, and a request that is as plain as
        browsers' are.
        """
        short_way = getattr(self.wsgi, "wsgi_app", None)
        if not isinstance(short_way, ShortWay) or not self.alive:
            return None
        if req.version != (1, 1) or req.should_close():
            return None
        environ = {"REQUEST_METHOD": req.method, "RAW_URI": req.uri, "REMOTE_ADDR": addr[0]}
        for name, value in req.headers:
            variable = f"HTTP_{name.replace('-', '_')}"
            if variable in environ:
                return None
            environ[variable] = value
        return short_way.answer(environ)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        status, message = 500, "This proxy has failed. Its log tells when."
        if isinstance(exc, errors.ParseException):
            status, message = _STATUSES.get(type(exc), 400), "The HTTP request is malformed."
        self.log.warning("request not served: %s", type(exc).__name__)
        body = error_body(status, message)
        head = (
            f"HTTP/1.1 {status} {type(exc).__name__}\r\n"
            "Connection: close\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nX-Request-ID: {uuid4().hex}\r\n"
            "X-Error-Source: proxy\r\nX-Content-Type-Options: nosniff\r\n"
            "Cache-Control: no-store\r\nVary: Origin\r\n\r\n"
        )
        try:
            util.write_nonblock(client, head.encode() + body)
        except OSError:
            self.log.debug("the client had gone")

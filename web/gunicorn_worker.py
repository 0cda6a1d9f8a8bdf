"""gunicorn's gevent worker, hardened against clients that are slow, silent or malformed.

gunicorn responds to a malformed request in HTML and logs parts of it, which may be personal data;
it waits for clients without a deadline; and while it stops, it waits for idle connections.
web/connections.py and web/http_request.py set limits to all of this.
"""

import socket
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import gevent
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from web.connections import LOOK_SECONDS, SEND_BYTES, ClientConnection, Connections
from web.error_body import error_body
from web.fast_path import FastPath
from web.http_request import (
    FIELDS_MESSAGE,
    REQUEST_LINE_BYTES,
    ConnectNotImplementedError,
    Requests,
    discard_rest,
)
from web.responses import API_CSP, request_id

_MALFORMED = (400, "The HTTP request is malformed.")
_ERRORS = {
    ConnectNotImplementedError: (
        501,
        "CONNECT is not supported: this server is not a forward proxy.",
    ),
    errors.ExpectationFailed: (417, "The only supported expectation is 100-continue."),
    errors.LimitRequestLine: (
        414,
        f"The request line has more than {REQUEST_LINE_BYTES} bytes. Send a shorter URL.",
    ),
    errors.LimitRequestHeaders: (431, FIELDS_MESSAGE),
    errors.UnsupportedTransferCoding: (501, "The only supported transfer coding is chunked."),
}
_FAULT = (500, "Internal error of the proxy. The operator finds it in the log.")


class Worker(GeventWorker):
    """Serves HTTP/1.1 without TLS."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections = Connections(self.worker_connections)

    def run(self) -> None:
        for listener in self.sockets:  # its connections inherit the option
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        gevent.spawn(self._shut_waiting_connections)
        super().run()

    def _shut_waiting_connections(self) -> None:
        while True:
            gevent.sleep(LOOK_SECONDS)
            self.connections.shut_late()
            if not self.alive:
                self.connections.shut_waiting()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection, in a greenlet of its own, until it ends."""
        address = addr[0] if isinstance(addr, tuple) else ""
        with self.connections.open(client, address) as connection:
            try:
                self._serve(listener.getsockname(), connection, addr)
            except OSError as error:  # NoMoreData and TimeoutError among them
                self.log.debug("a connection ended early: %s", type(error).__name__)

    def _serve(self, listener_name: Any, connection: ClientConnection, addr: Any) -> None:
        request = None
        try:
            for request in Requests(self.cfg, connection, addr, self._fast_response):
                self.handle_request(listener_name, request, connection, addr)
        except StopIteration:  # gunicorn's: the response announced the end of the connection
            pass
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - the client gets a response
            self.handle_error(request, connection, addr, error)
            discard_rest(connection)
            return
        if request and request.unread_bytes():
            discard_rest(connection)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Send the application's response. Then yield to other connections, which would wait for
        one that sends request after request.
        """
        super().handle_request(listener_name, req, sock, addr)
        gevent.sleep(0)

    def _fast_response(self, environ: Mapping[str, str]) -> bytes | None:
        """Return the fast path's response to a plain request, if there is one."""
        fast_path = getattr(self.wsgi, "wsgi_app", None)
        if not isinstance(fast_path, FastPath) or not self.alive:
            return None
        return fast_path.respond(environ)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Respond to a malformed request, or to one in which the server has failed."""
        status, message = _FAULT
        if isinstance(exc, errors.ParseException):
            status, message = _ERRORS.get(type(exc), _MALFORMED)
            req = getattr(exc, "req", None)
        self.log.warning("request not served: %s", type(exc).__name__)
        sent = dict(getattr(req, "headers", ())).get("X-REQUEST-ID", "")
        body = error_body(status, message)
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-Request-ID: {request_id({'HTTP_X_REQUEST_ID': sent})}\r\n"
            "X-Error-Source: proxy\r\nX-Content-Type-Options: nosniff\r\n"
            f"Content-Security-Policy: {API_CSP}\r\nReferrer-Policy: no-referrer\r\n"
            "Cache-Control: no-store\r\nVary: Origin\r\n\r\n"
        )
        client.sendall(head.encode() + body)

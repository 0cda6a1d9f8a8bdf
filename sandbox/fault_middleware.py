"""The door every Videsk request goes through: written down, counted, perhaps played false.

Owns the order: journal, rate limit, fault, application. Knows no endpoint, and lets the control
routes and the demo pass unseen.
"""

import io
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from sandbox.bodies import too_many_requests
from sandbox.demo_routes import is_of_demo
from sandbox.faults import SOCKET_FAULTS, Fault, Faults
from sandbox.ratelimit import Place, RateLimit
from sandbox.request_log import Entry, RequestLog
from sandbox.sockets import PATH_KEY, SOCKET_KEY, interim

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL_PREFIX = "/__sandbox__"


class FaultMiddleware:
    """A WSGI application in front of the sandbox's own."""

    def __init__(
        self, app: "WSGIApplication", journal: RequestLog, rate: RateLimit, faults: Faults
    ) -> None:
        self._app = app
        self._journal = journal
        self._rate = rate
        self._faults = faults

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if f"{path}/".startswith(f"{CONTROL_PREFIX}/") or is_of_demo(path):
            return self._app(environ, start_response)
        request = Request(environ)
        entry = self._journal.arrival(
            request.method,
            str(environ.get(PATH_KEY, request.path)).partition("?")[0],
            environ.get("QUERY_STRING", ""),
            {name.lower(): value for name, value in request.headers},
        )
        place = self._rate.take()
        body = request.get_data()
        entry.body = body.decode(errors="replace")
        if not place.granted:
            response = _with_headers(too_many_requests().response(), place)
        else:
            # The body has been read: hand it on whole, whatever way it came.
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            response = self._answer(request, entry, place)
        entry.status = response.status_code
        return response(environ, start_response)

    def _answer(self, request: Request, entry: Entry, place: Place) -> Response:
        fault = self._faults.take(request.method, request.path)
        if fault is None:
            return self._carry_out(request, place)
        if fault.fault == "delay":
            return self._carry_out_late(fault, request, place)
        if fault.fault == "interim":
            interim(request.environ[SOCKET_KEY])
            return self._carry_out(request, place)
        if fault.after:
            self._carry_out(request, place)
        if fault.fault in SOCKET_FAULTS:
            play, _, entry.status = SOCKET_FAULTS[fault.fault]
            play(request.environ[SOCKET_KEY], fault.seconds)
        if fault.fault == "status":
            time.sleep(fault.seconds)
        return fault.answer(request.headers.get("Authorization", ""))

    def _carry_out(self, request: Request, place: Place) -> Response:
        return _with_headers(Response.from_app(self._app, request.environ, buffered=True), place)

    def _carry_out_late(self, fault: Fault, request: Request, place: Place) -> Response:
        """Wait before or after; a caller that gives up meanwhile does not undo the request."""
        if not fault.after:
            time.sleep(fault.seconds)
        response = self._carry_out(request, place)
        if fault.after:
            time.sleep(fault.seconds)
        return response


def _with_headers(response: Response, place: Place) -> Response:
    response.headers.update(place.headers)
    return response

"""WSGI middleware around Videsk's routes: request log, rate limit, fault, then the application.

The control routes and the demo bypass it.
"""

import io
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from sandbox.bodies import too_many_requests
from sandbox.demo_routes import is_demo_path
from sandbox.faults import SOCKET_FAULTS, Fault, Faults
from sandbox.ratelimit import Admission, RateLimit
from sandbox.request_log import Entry, RequestLog
from sandbox.sockets import PATH_KEY, SOCKET_KEY, interim

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL_PREFIX = "/__sandbox__"


class FaultMiddleware:
    """Logs and limits each request to Videsk, and applies faults."""

    def __init__(
        self, app: "WSGIApplication", request_log: RequestLog, rate: RateLimit, faults: Faults
    ) -> None:
        self._app = app
        self._request_log = request_log
        self._rate = rate
        self._faults = faults

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if f"{path}/".startswith(f"{CONTROL_PREFIX}/") or is_demo_path(path):
            return self._app(environ, start_response)
        request = Request(environ)
        entry = self._request_log.add(
            request.method,
            str(environ.get(PATH_KEY, request.path)).partition("?")[0],
            environ.get("QUERY_STRING", ""),
            {name.lower(): value for name, value in request.headers},
        )
        admission = self._rate.take()
        body = request.get_data()
        entry.body = body.decode(errors="replace")
        if not admission.granted:
            response = _with_headers(too_many_requests().response(), admission)
        else:
            # The body has been read. Pass it on completely, even if it was chunked.
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            response = self._respond(request, entry, admission)
        entry.status = response.status_code
        return response(environ, start_response)

    def _respond(self, request: Request, entry: Entry, admission: Admission) -> Response:
        fault = self._faults.take(request.method, request.path)
        if fault is None:
            return self._call_app(request, admission)
        if fault.fault == "delay":
            return self._call_app_delayed(fault, request, admission)
        if fault.fault == "interim":
            interim(request.environ[SOCKET_KEY])
            return self._call_app(request, admission)
        if fault.after:
            self._call_app(request, admission)
        if fault.fault in SOCKET_FAULTS:
            send_fault, _, entry.status = SOCKET_FAULTS[fault.fault]
            send_fault(request.environ[SOCKET_KEY], fault.seconds)
        if fault.fault == "status":
            time.sleep(fault.seconds)
        return fault.response(request.headers.get("Authorization", ""))

    def _call_app(self, request: Request, admission: Admission) -> Response:
        return _with_headers(
            Response.from_app(self._app, request.environ, buffered=True), admission
        )

    def _call_app_delayed(self, fault: Fault, request: Request, admission: Admission) -> Response:
        """Sleep before or after the app. A client that disconnects does not undo the request."""
        if not fault.after:
            time.sleep(fault.seconds)
        response = self._call_app(request, admission)
        if fault.after:
            time.sleep(fault.seconds)
        return response


def _with_headers(response: Response, admission: Admission) -> Response:
    response.headers.update(admission.headers)
    return response

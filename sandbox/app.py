"""The composition root of the sandbox: builds every part and wires them."""

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from sandbox.appointment_routes import make_appointment_routes
from sandbox.bodies import VideskError
from sandbox.booking_routes import make_booking_routes
from sandbox.catalog_routes import make_catalog_routes
from sandbox.clock import Clock
from sandbox.control_routes import make_control_routes
from sandbox.demo_routes import make_demo_routes
from sandbox.fault_middleware import CONTROL_PREFIX, FaultMiddleware
from sandbox.faults import Faults
from sandbox.ratelimit import RateLimit
from sandbox.request_log import RequestLog
from sandbox.schedule import Schedule
from sandbox.seed import SERVICES

_VIDESK_PREFIX = "/public/video-contact-center"


def create_app(rate_per_second: int | None = 20, proxy_port: int = 8000) -> Flask:
    """Return a new sandbox, which shares no state with others."""
    clock = Clock()
    schedule = Schedule(SERVICES, clock)
    request_log, rate, faults = RequestLog(), RateLimit(rate_per_second), Faults()

    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    for make_routes in (make_catalog_routes, make_booking_routes, make_appointment_routes):
        app.register_blueprint(make_routes(schedule, clock), url_prefix=_VIDESK_PREFIX)
    app.register_blueprint(
        make_control_routes(schedule, clock, request_log, rate, faults), url_prefix=CONTROL_PREFIX
    )
    app.register_blueprint(make_demo_routes(proxy_port))
    app.register_error_handler(VideskError, VideskError.response)
    app.register_error_handler(HTTPException, _feathers_error)
    app.wsgi_app = FaultMiddleware(app.wsgi_app, request_log, rate, faults)  # type: ignore[method-assign]
    return app


def _feathers_error(error: HTTPException) -> Response:
    """Render Flask's own errors in the format of Feathers."""
    if error.code == 404:
        return VideskError(404, "Page not found").response()
    if error.code == 405:
        message = f"Method `{request.method}` is not supported by this endpoint."
        return VideskError(405, message).response()
    return VideskError(500, "Internal server error").response()

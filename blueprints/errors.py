"""Renders every exception as a response, in the format of Videsk's own errors (Feathers)."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Flask, Response, g
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError

from cache.single_flight import SingleFlightTimeoutError
from videsk.errors import VideskFailedError, VideskResponseError, VideskTimeoutError
from web import responses
from web.captcha import CaptchaError
from web.error_body import error_body, http_message
from web.field_errors import error_details

log = logging.getLogger("videsk_proxy.errors")


def register(app: Flask) -> None:
    """Handle every exception of the app. The error is kept in `g.error`, for the metrics."""
    handlers: dict[type[Exception], Callable[[Any], Response]] = {
        ValidationError: on_invalid,
        VideskResponseError: on_videsk_response,
        VideskFailedError: on_videsk_failure,
        CaptchaError: on_captcha,
        SingleFlightTimeoutError: on_single_flight_timeout,
        HTTPException: on_http,
        Exception: on_fault,
    }

    def render(handler: Callable[[Any], Response], error: Exception) -> Response:
        g.error = error
        return handler(error)

    for kind, handler in handlers.items():
        app.register_error_handler(kind, partial(render, handler))


def on_invalid(error: ValidationError) -> Response:
    """Render a request that does not match its schema."""
    return _render(400, *error_details(error))


def on_videsk_response(error: VideskResponseError) -> Response:
    """Pass on Videsk's own error, byte for byte."""
    response = Response(error.body, error.status)
    del response.headers["Content-Type"]
    if error.content_type:
        response.headers["Content-Type"] = error.content_type
    response.headers.extend(error.headers)
    response.headers["X-Error-Source"] = "videsk"
    if error.status == 409 and "alternate" in g:
        response.headers["Link"] = g.alternate
    return response


def on_videsk_failure(error: VideskFailedError) -> Response:
    """Render a failure without a usable response of Videsk."""
    log.warning("%s: %s", type(error).__name__, type(error.__cause__).__name__)
    response = _render(error.status, error.message, error.data)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def on_single_flight_timeout(_: SingleFlightTimeoutError) -> Response:
    """Render the timeout of a fetch that this request waited for."""
    return on_videsk_failure(VideskTimeoutError())


def on_http(error: HTTPException) -> Response:
    """Render Werkzeug's errors: 404, 405, client rate limits (429), web/request_body.py."""
    response = _render(error.code or 500, http_message(error))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    if "retry_after" in g:  # set by web/client_limits.py
        response.headers["Retry-After"] = str(g.retry_after)
    return response


def on_captcha(error: CaptchaError) -> Response:
    """Render a captcha error as Videsk does if it verifies the captcha itself.

    See https://github.com/videsk/developers-docs-es/blob/HEAD/sdks/captcha.md
    """
    return _render(error.status, error.message, error.data, error.errors)


def on_fault(error: Exception) -> Response:
    """Log an unexpected exception, and respond without its details."""
    log.error("fault", exc_info=error)
    return _render(500, http_message(InternalServerError()))


def _render(
    status: int, message: str, data: Any = None, errors: Mapping[str, Any] | None = None
) -> Response:
    response = responses.uncached_response(error_body(status, message, data, errors), status)
    response.headers["X-Error-Source"] = "proxy"
    return response

"""Every exception becomes an answer here, and only here: one shape, Videsk's own (Feathers)."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, g
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from cache.single_flight import SingleFlightTimeoutError
from schemas.bookings import UNKNOWN_FIELD
from schemas.queries import DateInPastError, QueryError
from videsk.errors import VideskFailedError, VideskResponseError, VideskTimeoutError
from web import responses
from web.captcha import CaptchaError, CaptchaMissingError, CaptchaRefusedError
from web.error_body import error_body
from web.field_errors import first_faults, sentence

log = logging.getLogger("videsk_proxy.errors")

OUTCOME_UNKNOWN = "outcomeUnknown"

_VIDESK_SAYS = {
    "date": 'A valid "date" is required',
    "startAt": 'A valid "date" is required',
    "timezone": 'A valid "timezone" is required',
    "service": "A valid service id is required",
    "user": "A valid user id is required",
    "segment": "A valid segment id is required",
}
_VIDESK_DATA = {"date": "date", "startAt": "date", "timezone": "timezone"}
"""Videsk's own messages and `data` for these fields of a schema. Where several are wrong, the first
in this order gives the message. A name that the schema does not have is only an unknown field."""


_HTTP_SAYS = {
    429: "Too many requests from this address. Try again as Retry-After says.",
    404: "There is nothing at this path: see the README's table of routes, and check for slashes.",
    405: "This path does not take this method: the Allow header says which it takes.",
}


def register(app: Flask) -> None:
    """Answer every exception of the app."""
    handlers: dict[type[Exception], Callable[[Any], Response]] = {
        ValidationError: on_invalid,
        VideskResponseError: on_refused,
        VideskFailedError: on_failed,
        CaptchaError: on_captcha,
        SingleFlightTimeoutError: on_flight_timeout,
        HTTPException: on_http,
        Exception: on_fault,
    }
    for kind, handler in handlers.items():
        app.register_error_handler(kind, _with_error_in_g(handler))


def _with_error_in_g(handler: Callable[[Any], Response]) -> Callable[[Any], Response]:
    """Keep the error in `g.error`, for the metrics."""

    def handle(error: Exception) -> Response:
        g.error = error
        return handler(error)

    return handle


def on_invalid(error: ValidationError) -> Response:
    """What a client sent is not as its schema says."""
    fields = error.messages_dict
    if isinstance(error, DateInPastError):
        return _answer(400, "The date can not be in the past.", "dateInPast")
    errors = {} if isinstance(error, QueryError) else first_faults(fields)
    for field, message in _VIDESK_SAYS.items():
        if fields.get(field) not in (None, [UNKNOWN_FIELD]):
            return _answer(400, message, _VIDESK_DATA.get(field), errors)
    return _answer(400, sentence(fields), errors=errors)


def on_refused(error: VideskResponseError) -> Response:
    """Videsk's own error, byte for byte."""
    response = Response(error.body, error.status)
    del response.headers["Content-Type"]
    if error.content_type:
        response.headers["Content-Type"] = error.content_type
    response.headers.extend(error.headers)
    response.headers["X-Error-Source"] = "videsk"
    if error.status == 409 and "alternate" in g:
        response.headers["Link"] = g.alternate
    return response


def on_failed(error: VideskFailedError) -> Response:
    """Videsk gave no answer that could be passed on."""
    log.warning("%s: %s", type(error).__name__, type(error.__cause__).__name__)
    if error.outcome_unknown:
        advice = "It may have been done all the same: look for Videsk's e-mail before trying again."
        return _answer(error.status, f"{error.message} {advice}", OUTCOME_UNKNOWN)
    response = _answer(error.status, error.message)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def on_flight_timeout(_: SingleFlightTimeoutError) -> Response:
    """Who asked Videsk for all of us did not come to an end."""
    return on_failed(VideskTimeoutError())


def on_http(error: HTTPException) -> Response:
    """Werkzeug's own errors: no such path, no such method, and what web/request_body.py refuses."""
    status = error.code or 500
    response = _answer(status, _HTTP_SAYS.get(status) or str(error.description))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    if "retry_after" in g:
        response.headers["Retry-After"] = str(g.retry_after)
    return response


def on_captcha(error: CaptchaError) -> Response:
    """The answers that Videsk itself gives where it asks for a captcha (Videsk, Captcha bodies)."""
    if isinstance(error, CaptchaRefusedError):
        message = "Your submit looks suspicious, not pass the captcha validation."
        return _answer(422, message, {"extraData": error.code})
    if isinstance(error, CaptchaMissingError):
        errors = {"token": ["is required"]}
        return _answer(400, 'Please provide a valid "token", is mandatory.', errors=errors)
    return _answer(503, "The captcha cannot be checked now, so nothing was booked. Try again soon.")


def on_fault(error: Exception) -> Response:
    """A fault of ours: the log tells, the answer does not."""
    log.error("fault", exc_info=error)
    return _answer(500, "This proxy has failed. Its log tells why, under this X-Request-ID.")


def _answer(
    status: int, message: str, data: Any = None, errors: Mapping[str, Any] | None = None
) -> Response:
    response = responses.uncached_response(error_body(status, message, data, errors), status)
    response.headers["X-Error-Source"] = "proxy"
    return response

"""Reads a JSON body or a Bearer token from the request. Neither is ever logged."""

import re
from typing import Any

import gevent
from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import (
    BadRequest,
    RequestEntityTooLarge,
    RequestTimeout,
    Unauthorized,
    UnsupportedMediaType,
)

from common import strict_json

BODY_SECONDS = 10
"""The deadline. A bad connection needs a few seconds for 64 KiB."""

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def read_object(*, may_be_empty: bool = False, any_type: bool = False) -> dict[str, Any]:
    """Return the request's body, a JSON object. Raises werkzeug's 400, 408, 413 and 415."""
    body = _read_body()
    if may_be_empty and not body:
        return {}
    if not any_type and request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be JSON, with Content-Type: application/json.")
    try:
        value = strict_json.loads(body, unique_keys=True)
    except ValueError as error:
        raise BadRequest("The body must be one JSON text in UTF-8.") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return value


def bearer_token() -> str:
    """Return the token of `Authorization: Bearer`, which Videsk validates. Raises Unauthorized."""
    found = _BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    if not found:
        raise Unauthorized("Authorization header with valid JWT is required.")
    return found[1]


def _read_body() -> bytes:
    """Return the body, also of a chunked request. Raises werkzeug's 400, 408 and 413.

    Werkzeug's get_data truncates a chunked body at the limit without an error, so this reads the
    stream of the server, which ends with the body.
    """
    limit = request.max_content_length
    too_large = RequestEntityTooLarge(f"The body must have at most {limit} bytes.")
    if limit is None or (request.content_length or 0) > limit:
        raise too_large
    try:
        with gevent.Timeout(BODY_SECONDS, RequestTimeout("The body did not arrive in time.")):
            body: bytes = request.environ["wsgi.input"].read(limit + 1)
    except (OSError, ParseException) as error:
        raise BadRequest("The body broke off, or its chunks are malformed.") from error
    if len(body) > limit:
        raise too_large
    return body

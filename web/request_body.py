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


class BodyNotJsonError(BadRequest):
    description = "The body must be valid JSON in UTF-8."


class BodyNotObjectError(BadRequest):
    description = "The body must be a JSON object."


class ContentTypeError(UnsupportedMediaType):
    description = "The body must be JSON, with Content-Type: application/json."


class BodyTimeoutError(RequestTimeout):
    description = "The body did not arrive in time."


class BodyTooLargeError(RequestEntityTooLarge):
    def __init__(self, max_bytes: int | None) -> None:
        super().__init__(f"The body must be at most {max_bytes} bytes.")


class TokenMissingError(Unauthorized):
    description = "Authorization header with valid JWT is required."


def read_object(*, may_be_empty: bool = False, any_type: bool = False) -> dict[str, Any]:
    """Return the request's body, a JSON object. Raises werkzeug's 400, 408, 413 and 415."""
    body = _read_body()
    if may_be_empty and not body:
        return {}
    if not any_type and request.mimetype != "application/json":
        raise ContentTypeError
    try:
        value = strict_json.loads(body, unique_keys=True)
    except ValueError as error:
        raise BodyNotJsonError from error
    if not isinstance(value, dict):
        raise BodyNotObjectError
    return value


def bearer_token() -> str:
    """Return the token of `Authorization: Bearer`, which Videsk validates. Raises Unauthorized."""
    found = _BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    if not found:
        raise TokenMissingError
    return found[1]


def _read_body() -> bytes:
    """Return the body, also of a chunked request. Raises werkzeug's 400, 408 and 413.

    Werkzeug's get_data truncates a chunked body at the limit without an error, so this reads the
    stream of the server, which ends with the body.
    """
    limit = request.max_content_length
    too_large = BodyTooLargeError(limit)
    if limit is None or (request.content_length or 0) > limit:
        raise too_large
    try:
        with gevent.Timeout(BODY_SECONDS, BodyTimeoutError()):
            body: bytes = request.environ["wsgi.input"].read(limit + 1)
    except (OSError, ParseException) as error:
        raise BadRequest("The body is incomplete, or its chunks are malformed.") from error
    if len(body) > limit:
        raise too_large
    return body

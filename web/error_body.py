"""The body of every error, in the format of Videsk's (Feathers):
`{"name", "message", "code", "className", "data"?, "errors": {}}`.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException

from common import strict_json

_FEATHERS_NAMES = {
    401: "NotAuthenticated",
    408: "Timeout",
    413: "PayloadTooLarge",
    422: "Unprocessable",
    500: "GeneralError",
    503: "Unavailable",
}
"""Those that differ from HTTP's reason phrase."""

# Those of a 502, 503 and 504 are in the exception classes, in videsk/errors.py and web/captcha.py.
_HTTP_MESSAGES = {
    404: "There is no route at this path. /api/docs lists the routes. Check for extra slashes.",
    405: "This path does not support this method. The Allow header lists the methods it supports.",
    412: "If-Match has not the ETag of this resource. Send the request without it.",
    429: "Too many requests from this address. Wait for the time in Retry-After, then try again.",
    500: "The proxy has failed. Look for this response's X-Request-ID in its log.",
}


def http_message(error: HTTPException) -> str:
    """Return our message for an error that Werkzeug or Flask-Limiter raises, else its own."""
    return _HTTP_MESSAGES.get(error.code or 500) or str(error.description)


def error_body(
    status: int, message: str, data: Any = None, errors: Mapping[str, Any] | None = None
) -> bytes:
    """Return an error of the proxy as JSON. `errors`: messages per field of a body."""
    name = _FEATHERS_NAMES.get(status) or re.sub("[^A-Za-z]", "", HTTPStatus(status).phrase)
    body: dict[str, Any] = {
        "name": name,
        "message": message,
        "code": status,
        "className": re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower(),
    }
    if data is not None:
        body["data"] = data
    return strict_json.dumps(body | {"errors": errors or {}})

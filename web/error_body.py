"""The body of every error, in the format of Videsk's (Feathers):
`{"name", "message", "code", "className", "data"?, "errors": {}}`.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from common import strict_json

_NAMES = {
    401: "NotAuthenticated",
    408: "Timeout",
    413: "PayloadTooLarge",
    422: "Unprocessable",
    500: "GeneralError",
    503: "Unavailable",
}
"""Feathers' names that differ from HTTP's reason phrase."""


def error_body(
    status: int, message: str, data: Any = None, errors: Mapping[str, Any] | None = None
) -> bytes:
    """Return an error of the proxy as JSON. `errors`: messages per field of a body."""
    name = _NAMES.get(status) or re.sub("[^A-Za-z]", "", HTTPStatus(status).phrase)
    body: dict[str, Any] = {
        "name": name,
        "message": message,
        "code": status,
        "className": re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower(),
    }
    if data is not None:
        body["data"] = data
    return strict_json.dumps(body | {"errors": errors or {}})

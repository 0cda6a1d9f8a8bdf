"""The documented response bodies of Videsk: JSON, and errors in the format of Feathers."""

import json
from typing import Any

from werkzeug.wrappers import Response

CONTENT_TYPE = "application/json; charset=utf-8"

# HTTP status to Feathers' name and className.
_NAMES = {
    400: ("BadRequest", "bad-request"),
    401: ("NotAuthenticated", "not-authenticated"),
    403: ("Forbidden", "forbidden"),
    404: ("NotFound", "not-found"),
    405: ("MethodNotAllowed", "method-not-allowed"),
    409: ("Conflict", "conflict"),
    422: ("Unprocessable", "unprocessable"),
    429: ("TooManyRequests", "too-many-requests"),
    500: ("GeneralError", "general-error"),
}


class VideskError(Exception):
    """An error response: `status` is the HTTP status and the body's `code`."""

    def __init__(self, status: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.data = data

    def response(self) -> Response:
        name, class_name = _NAMES[self.status]
        body: dict[str, Any] = {
            "name": name,
            "message": self.message,
            "code": self.status,
            "className": class_name,
        }
        if self.data is not None:
            body["data"] = self.data
        return json_response(body | {"errors": {}}, self.status)


def json_response(body: object, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # JSON may contain half a surrogate pair, which UTF-8 cannot encode.
    return Response(text.encode(errors="replace"), status, content_type=CONTENT_TYPE)


def required(field: str) -> VideskError:
    """Return the error for a missing or invalid field, documented for `date` and `timezone`."""
    return VideskError(400, f'A valid "{field}" is required', field)


def date_in_past() -> VideskError:
    return VideskError(400, "The date can not be in the past.", "dateInPast")


def service_required() -> VideskError:
    return VideskError(400, "A valid service id is required")


def not_found(record_id: str) -> VideskError:
    return VideskError(404, f"No record found for id '{record_id}'")


def form_not_found() -> VideskError:
    return VideskError(404, "Not form found in segment provided.")


def hour_unavailable(written_instant: str) -> VideskError:
    return VideskError(409, f'Sorry, the hour "{written_instant}" is unavailable.')


def token_invalid() -> VideskError:
    return VideskError(401, "The token is not valid any more.")


def captcha_required() -> VideskError:
    return VideskError(400, 'Please provide a valid "token", is mandatory.')


def captcha_rejected() -> VideskError:
    return VideskError(
        422,
        "Your submit looks suspicious, not pass the captcha validation.",
        {"extraData": "invalid-input-response"},
    )


def too_many_requests() -> VideskError:
    return VideskError(429, "Too many requests, please try again later.")

"""The responses that several operations share, and the examples of responses."""

from openapi.errors import ERROR_EXAMPLES
from openapi.examples import RESPONSE_EXAMPLES
from openapi.spec import Response, error, read_error, write_error


def _not_modified(kept: str) -> Response:
    return Response("Unchanged since that ETag.", headers=(kept, "ETag", "Cache-Status"))


_KEY = ("jwtMalformed", "signatureInvalid", "jwtUnreadable", "jwtExpired")
_TOKEN = ("tokenMissing", "tokenDead", *_KEY)
_DENIED = ("accessDenied", "keyRemoved")
_KEY_REFUSED = "Videsk refuses the proxy's key."
_TOKEN_REFUSED = "There is no token, or Videsk refuses it."  # noqa: S105 - no password
_ACCESS_DENIED = "Videsk refuses this to the key."
_TOO_MANY = "This client calls too often; or, of Videsk's, the whole account."
_FAULT = "A fault of the proxy; or, of Videsk's, its own."
_BAD_GATEWAY = "Videsk is not reachable, or its answer is no sound JSON."
_UNAVAILABLE = "Videsk is failing, or too many ask it."
_TIMEOUT = "Videsk is too slow."
_IN_DOUBT = " With `outcomeUnknown` it may have been done all the same."
_OTHER = "Any other error of Videsk, as it came."

RESPONSES = {
    "NotModified": _not_modified("AlwaysAsk"),
    "NotModifiedBriefly": _not_modified("Briefly"),
    "NotFound": error("There is no such path.", "notFound"),
    "MethodNotAllowed": error(
        "The path has other methods.", "methodNotAllowed", headers=("Allow",)
    ),
    "BodyLate": error("The body did not arrive within 10 seconds.", "bodyLate"),
    "BodyTooLarge": error("The body is too large, with or without a length.", "bodyTooLarge"),
    "NotJson": error("The body is not `application/json`.", "notJson"),
    "TooManyRequests": error(_TOO_MANY, "tooMany", headers=("Retry-After",)),
    "Fault": error("A fault of the proxy.", "fault"),
    "ReadKeyRefused": read_error(_KEY_REFUSED, *_KEY),
    "ReadTokenRefused": read_error(_TOKEN_REFUSED, *_TOKEN),
    "ReadAccessDenied": read_error(_ACCESS_DENIED, *_DENIED),
    "ReadTooManyRequests": read_error(_TOO_MANY, "tooMany"),
    "ReadFault": read_error(_FAULT, "fault"),
    "ReadBadGateway": read_error(
        _BAD_GATEWAY, "videskUnreachable", "videskBroken", "videskUnsound"
    ),
    "ReadUnavailable": read_error(_UNAVAILABLE, "videskBusy", "videskClosed"),
    "ReadTimeout": read_error(_TIMEOUT, "videskSlow"),
    "ReadOther": read_error(_OTHER),
    "WriteKeyRefused": write_error(_KEY_REFUSED, *_KEY),
    "WriteTokenRefused": write_error(_TOKEN_REFUSED, *_TOKEN),
    "WriteAccessDenied": write_error(_ACCESS_DENIED, *_DENIED),
    "WriteTooManyRequests": write_error(_TOO_MANY, "tooMany"),
    "WriteFault": write_error(_FAULT, "fault"),
    "WriteBadGateway": write_error(
        _BAD_GATEWAY + _IN_DOUBT, "videskUnreachable", "brokenInDoubt", "unsoundInDoubt"
    ),
    "WriteUnavailable": write_error(_UNAVAILABLE, "videskBusy", "videskClosed"),
    "BookingUnavailable": write_error(
        "Videsk is failing, or too many ask it; or the captcha's provider does not answer.",
        "videskBusy",
        "videskClosed",
        "captchaUnavailable",
    ),
    "WriteTimeout": write_error(_TIMEOUT + _IN_DOUBT, "slowInDoubt"),
    "WriteOther": write_error(_OTHER),
    "IdempotencyKeyUsed": write_error(
        "The `Idempotency-Key` was another request's.", "idempotencyKeyUsed"
    ),
    "BookingUnprocessable": write_error(
        "The captcha was not confirmed, or the `Idempotency-Key` was another request's.",
        "captchaRefused",
        "idempotencyKeyUsed",
    ),
}
"""The answers that are components, by name."""

EXAMPLES = {
    name: {"summary": example.summary, "value": example.body()}
    for name, example in ERROR_EXAMPLES.items()
} | {
    name: {"summary": summary, "value": value}
    for name, (summary, value) in RESPONSE_EXAMPLES.items()
}
"""The examples that are components, by name."""

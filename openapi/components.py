"""The responses that several operations share, and the examples of responses."""

from openapi.errors import ERROR_EXAMPLES
from openapi.examples import RESPONSE_EXAMPLES
from openapi.spec import Response, error, read_error, write_error


def _not_modified(*headers: str) -> Response:
    return Response(
        "The resource has not changed since that ETag.",
        headers=("ETag", *headers),
    )


_KEY = ("jwtMalformed", "signatureInvalid", "jwtUnreadable", "jwtExpired")
_TOKEN = ("tokenMissing", "tokenInvalidated", *_KEY)
_DENIED = ("accessDenied", "keyRemoved")
_KEY_REJECTED = "Videsk rejects the proxy's API key."
_TOKEN_REJECTED = "The token is missing, or Videsk rejects it."  # noqa: S105 - no password
_ACCESS_DENIED = "The proxy's API key has no access to this."
_TOO_MANY = "The rate limit of this client is exceeded, or, from Videsk, that of the account."
_INTERNAL_ERROR = "The proxy failed unexpectedly, or, from Videsk, Videsk did."
_BAD_GATEWAY = "Videsk could not be reached, or its response is not valid JSON."
_UNAVAILABLE = "Videsk is failing, or its rate limit is exhausted."
_TIMEOUT = "Videsk did not respond in time."
_IN_DOUBT = " With `outcomeUnknown` the request may have succeeded."
_OTHER = "Any other error of Videsk, passed on unchanged."

RESPONSES = {
    "NotModified": _not_modified("NoCache", "Cache-Status"),
    "NotModifiedWidget": _not_modified("WidgetCacheControl"),
    "NotModifiedMaxAge30": _not_modified("MaxAge30", "Cache-Status"),
    "NotFound": error("The path does not exist.", "notFound"),
    "BodyTimeout": error("The body did not arrive within 10 seconds.", "bodyTimeout"),
    "BodyTooLarge": error("The body is too large, with or without a length.", "bodyTooLarge"),
    "UnsupportedMediaType": error("The body is not `application/json`.", "contentTypeWrong"),
    "HeaderFieldsTooLarge": error(
        "The request has too many header fields, or one that is too long.", "headerFieldsTooLarge"
    ),
    "TooManyRequests": error(_TOO_MANY, "tooManyRequests", headers=("Retry-After",)),
    "InternalError": error("The proxy failed unexpectedly.", "internalError"),
    "ReadKeyRejected": read_error(_KEY_REJECTED, *_KEY),
    "ReadTokenRejected": read_error(_TOKEN_REJECTED, *_TOKEN),
    "ReadAccessDenied": read_error(_ACCESS_DENIED, *_DENIED),
    "ReadTooManyRequests": read_error(_TOO_MANY, "tooManyRequests"),
    "ReadInternalError": read_error(_INTERNAL_ERROR, "internalError"),
    "ReadBadGateway": read_error(
        _BAD_GATEWAY, "videskUnreachable", "videskConnectionLost", "videskInvalidResponse"
    ),
    "ReadUnavailable": read_error(_UNAVAILABLE, "videskRateLimitExhausted", "videskCircuitOpen"),
    "ReadTimeout": read_error(_TIMEOUT, "videskTimeout"),
    "ReadOther": read_error(_OTHER),
    "WriteKeyRejected": write_error(_KEY_REJECTED, *_KEY),
    "WriteTokenRejected": write_error(_TOKEN_REJECTED, *_TOKEN),
    "WriteAccessDenied": write_error(_ACCESS_DENIED, *_DENIED),
    "WriteTooManyRequests": write_error(_TOO_MANY, "tooManyRequests"),
    "WriteInternalError": write_error(_INTERNAL_ERROR, "internalError"),
    "WriteBadGateway": write_error(
        _BAD_GATEWAY + _IN_DOUBT,
        "videskUnreachable",
        "connectionLostInDoubt",
        "invalidResponseInDoubt",
    ),
    "WriteUnavailable": write_error(_UNAVAILABLE, "videskRateLimitExhausted", "videskCircuitOpen"),
    "BookingUnavailable": write_error(
        "Videsk is failing, its rate limit is exhausted, or the captcha provider does not respond.",
        "videskRateLimitExhausted",
        "videskCircuitOpen",
        "captchaUnavailable",
    ),
    "WriteTimeout": write_error(_TIMEOUT + _IN_DOUBT, "timeoutInDoubt"),
    "WriteOther": write_error(_OTHER),
    "IdempotencyKeyReused": write_error(
        "The `Idempotency-Key` was already used with a different request.", "idempotencyKeyReused"
    ),
    "BookingUnprocessable": write_error(
        "The captcha was rejected, or the `Idempotency-Key` was used with a different request.",
        "captchaRejected",
        "idempotencyKeyReused",
    ),
}
"""By the name of the component."""

EXAMPLES = {
    name: {"summary": example.summary, "value": example.body()}
    for name, example in ERROR_EXAMPLES.items()
} | {
    name: {"summary": summary, "value": value}
    for name, (summary, value) in RESPONSE_EXAMPLES.items()
}
"""By the name of the component."""

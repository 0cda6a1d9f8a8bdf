"""Examples of error bodies: the proxy's, from the exceptions that carry their texts, and Videsk's,
as https://docs.videsk.io/es-developers/api-publica/calendario shows them.

tests/e2e/test_openapi.py provokes each, and compares it to the letter.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from marshmallow import ValidationError
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    NotFound,
    TooManyRequests,
)

from idempotency.attempt import IdempotencyKeyMalformedError, IdempotencyKeyReusedError
from openapi.examples import DAY, REQUEST_EXAMPLES, ZONE
from schemas.bookings import BookingSchema, RescheduleSchema, UserBookingSchema
from schemas.fields import HONEYPOT
from schemas.queries import load_availability, load_form, load_id, load_month, load_next
from videsk import errors
from web import captcha, request_body, shared_secrets
from web.error_body import error_body, http_message
from web.field_errors import error_details
from web.http_request import FIELDS_MESSAGE
from web.referrers import Referrers


class ErrorExample(NamedTuple):
    """An error's body: `status` is its `code`."""

    summary: str
    status: int
    message: str
    data: Any = None
    errors: Mapping[str, Any] | None = None

    def body(self) -> Any:
        return json.loads(error_body(*self[1:]))


def _of(
    summary: str, error: errors.VideskFailedError | captcha.CaptchaError | HTTPException
) -> ErrorExample:
    if isinstance(error, HTTPException):
        return ErrorExample(summary, error.code or 500, http_message(error))
    fields = error.errors if isinstance(error, captcha.CaptchaError) else None
    return ErrorExample(summary, error.status, error.message, error.data, fields)


def _invalid(summary: str, load: Callable[..., object], *args: object) -> ErrorExample:
    """Return the example of the ValidationError that `load` raises for these arguments."""
    try:
        load(*args)
    except ValidationError as error:
        return ErrorExample(summary, 400, *error_details(error))
    raise AssertionError(summary)


def _query(summary: str, load: Callable[..., object], **changed: str) -> ErrorExample:
    return _invalid(summary, load, {"date": DAY, "timezone": ZONE} | changed, datetime.now(UTC))


def _booking(summary: str, **changed: object) -> ErrorExample:
    return _invalid(summary, BookingSchema().load, _BOOKING | changed)


_BOOKING = REQUEST_EXAMPLES["bookingByService"][1]
_DATE_IN_PAST = _query("The month or day is over", load_month, date="2020-01")

ERROR_EXAMPLES = {
    # Videsk's
    "serviceNotOfUser": ErrorExample("The user does not offer the service", 400, "A valid service id is required"),
    "valueTooLong": ErrorExample("A value violates a rule of its form field", 400, 'You reach the max characters is 50 for element "60dbe3416af0be33b8b372b1".'),
    "elementUnknown": ErrorExample("The form has changed", 400, "Some element not as field, please check or try again", "Maybe the organization has changed the form and you're submit is not valid anymore."),
    "honeypotMissing": ErrorExample("The form lacks the honeypot", 400, 'The element form "videsk_essential" is required, never delete.'),
    "captchaRequired": ErrorExample("The API key is public and the captcha token is missing", 400, captcha.CaptchaMissingError.message),
    "reasonNotString": ErrorExample("Videsk's own check, after the proxy's", 400, 'Cast to string failed for value "[]" (type Array) at path "cancelReason"'),
    "reasonTooLong": ErrorExample("Videsk counts an emoji as more than one character", 400, "Validation failed: cancelReason: Path `cancelReason` (`...`) is longer than the maximum allowed length (1000)."),
    "jwtMalformed": ErrorExample("The token is not a JWT", 401, "jwt malformed"),
    "signatureInvalid": ErrorExample("The JWT has an invalid signature", 401, "invalid signature"),
    "jwtUnreadable": ErrorExample("The JWT's header is not JSON", 401, "Unexpected token \ufffd in JSON at position 6"),
    "jwtExpired": ErrorExample("The JWT has expired", 401, "jwt expired"),
    "tokenInvalidated": ErrorExample("The appointment was canceled or rescheduled, or has begun", 401, "The token is not valid any more."),
    "accessDenied": ErrorExample("The API key has no access to this endpoint", 403, "You don't have access to /public/video-contact-center/segments. Please contact to your administrator."),
    "keyRemoved": ErrorExample("The API key was removed", 403, "The integration token it's invalid or was removed."),
    "formNotFound": ErrorExample("The segment or the version does not exist", 404, "Not form found in segment provided."),
    "hourTaken": ErrorExample("The hour has been taken", 409, 'Sorry, the hour "2023-02-07T03:56:00.000Z" is unavailable.'),
    # the proxy's, some in Videsk's words
    "dateInvalid": _query("Not a month, day or instant", load_month, date="tomorrow"),
    "timezoneInvalid": _query("Not an IANA time zone", load_month, timezone="Mars/Olympus"),
    "dateInPast": _DATE_IN_PAST,
    "hourInPast": _DATE_IN_PAST._replace(summary="The hour is over"),
    "serviceIdInvalid": _invalid("Not 24 hex digits", load_id, "service", "x"),
    "userIdInvalid": _invalid("Not 24 hex digits", load_id, "user", "x"),
    "segmentInvalid": _invalid("Not 24 hex digits", load_id, "segment", "x"),
    "daysInvalid": _query("Out of range", load_availability, days="32"),
    "limitInvalid": _query("Out of range", load_next, limit="0"),
    "versionInvalid": _invalid("Neither base nor contact", load_form, {"version": "long"}),
    "startAtInvalid": _booking("Not an instant", startAt="tomorrow"),
    "newDateInvalid": _invalid("Not an instant", RescheduleSchema().load, {"date": "tomorrow"}),
    "bodyTimezoneInvalid": _booking("Not an IANA time zone", timezone="Mars/Olympus"),
    "serviceMissing": _invalid("A booking by user has to name its service", UserBookingSchema().load, _BOOKING),
    "elementIdInvalid": _booking("An element of the form is malformed", form=[{"_id": "x", "value": ""}]),
    "honeypotFilled": _booking("A bot has filled in the honeypot", form=[{"_id": HONEYPOT, "value": "x"}]),
    "referrerNotAllowed": _invalid("A URL of another origin", Referrers((), None).choose, "https://other.example/", ()),
    "fieldUnknown": _booking("The schema has no such field", email="ana@example.com"),
    "tokenMissing": _of("The Bearer token is missing", request_body.TokenMissingError()),
    "captchaMissing": _of("The proxy verifies captchas and the token is missing", captcha.CaptchaMissingError()),
    "captchaRejected": _of("The provider rejects the token", captcha.CaptchaRejectedError("invalid-input-response")),
    "captchaUnavailable": _of("The captcha provider does not respond", captcha.CaptchaUnavailableError()),
    "bodyNotJson": _of("Not JSON", request_body.BodyNotJsonError()),
    "bodyNotObject": _of("JSON, but not an object", request_body.BodyNotObjectError()),
    "bodyTimeout": _of("The body arrives too slowly", request_body.BodyTimeoutError()),
    "bodyTooLarge": _of("More than MAX_BODY_BYTES", request_body.BodyTooLargeError(65536)),
    "contentTypeWrong": _of("Another Content-Type", request_body.ContentTypeError()),
    "idempotencyKeyMalformed": _of("The key is empty", IdempotencyKeyMalformedError()),
    "idempotencyKeyReused": _of("The key belongs to a different request", IdempotencyKeyReusedError()),
    "metricsTokenWrong": _of("Not METRICS_TOKEN", shared_secrets.MetricsTokenError()),
    "webhookSecretWrong": _of("Not WEBHOOK_SECRET", shared_secrets.WebhookSecretError()),
    "notFound": _of("The path does not exist", NotFound()),
    "headerFieldsTooLarge": ErrorExample("A field is too long", 431, FIELDS_MESSAGE),
    "tooManyRequests": _of("Too many requests of this client", TooManyRequests()),
    "tooManyGuesses": _of("Too many wrong secrets", TooManyRequests()),
    "internalError": _of("The proxy failed unexpectedly", InternalServerError()),
    "videskUnreachable": _of("No connection", errors.VideskUnreachableError()),
    "videskConnectionLost": _of("The connection was lost", errors.VideskBrokenError()),
    "videskInvalidResponse": _of("Not valid JSON", errors.VideskInvalidResponseError()),
    "connectionLostInDoubt": _of("The connection was lost", errors.VideskBrokenError(outcome_unknown=True)),
    "invalidResponseInDoubt": _of("Not valid JSON", errors.VideskInvalidResponseError(outcome_unknown=True)),
    "videskRateLimitExhausted": _of("The rate limit is exhausted", errors.VideskRateLimitError(1)),
    "videskCircuitOpen": _of("The circuit breaker is open", errors.VideskCircuitOpenError(1)),
    "videskTimeout": _of("No response in time", errors.VideskTimeoutError()),
    "timeoutInDoubt": _of("No response in time", errors.VideskTimeoutError(outcome_unknown=True)),
}  # fmt: skip

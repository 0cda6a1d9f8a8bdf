"""How to provoke each documented response, by the name of its example.

Responses without examples are listed by status.
"""

from openapi.errors import ERROR_EXAMPLES
from tests.client import AUTOMATIC_SERVICE
from tests.e2e.openapi import call_changes
from tests.e2e.openapi.call_changes import (
    Provocation,
    form_element,
    through,
    token_or_key,
    videsk_responds,
    with_body,
    with_fault,
    with_fields,
    with_headers,
    with_path,
    with_query,
)
from web.http_request import FIELD_BYTES

BY_STATUS: dict[str, Provocation] = {
    "200": call_changes.valid,
    "204": call_changes.valid,
    "304": call_changes.not_modified,
    "default": with_fault("status", status=418, body=ERROR_EXAMPLES["notFound"].body()),
}

VALID = (
    "services", "dates", "hours", "availability", "nextHours", "bookingByService", "bookingByUser",
    "rescheduled", "appointment", "canceled", "form", "healthy",
)  # fmt: skip
SUCCESSES: dict[str, Provocation] = dict.fromkeys(VALID, call_changes.valid) | {
    "availabilityIncomplete": with_fault("status", path="/hours", status=500, body={}, times=1),
    "ready": call_changes.key_accepted,
    "degraded": call_changes.degraded,
    "keyRejected": call_changes.key_rejected,
}

ERRORS: dict[str, Provocation] = {
    "dateInvalid": with_query(date="tomorrow"),
    "timezoneInvalid": with_query(timezone="Mars/Olympus"),
    "dateInPast": with_query(date="2020-02-29"),
    "hourInPast": call_changes.hour_in_past,
    "serviceIdInvalid": with_path(id="x"),
    "userIdInvalid": with_path(id="x"),
    "tokenMissing": call_changes.no_token,
    "serviceNotOfUser": with_fields(service=AUTOMATIC_SERVICE),
    "valueTooLong": form_element(1, value="x" * 51),
    "elementUnknown": call_changes.unknown_element,
    "honeypotMissing": call_changes.without_honeypot,
    "captchaRequired": through("public"),
    "reasonNotString": videsk_responds("reasonNotString"),
    "reasonTooLong": videsk_responds("reasonTooLong"),
    "jwtMalformed": token_or_key("x", "jwtMalformed"),
    "signatureInvalid": call_changes.signed_with_other_key,
    "jwtUnreadable": token_or_key("a.b.c", "jwtUnreadable"),
    "jwtExpired": videsk_responds("jwtExpired"),
    "tokenInvalidated": call_changes.invalidated_token,
    "accessDenied": videsk_responds("accessDenied"),
    "keyRemoved": videsk_responds("keyRemoved"),
    "formNotFound": with_path(segment="a" * 24),
    "hourTaken": call_changes.hour_taken,
    "captchaRejected": call_changes.captcha_rejected,
    "daysInvalid": with_query(days="32"),
    "limitInvalid": with_query(limit="0"),
    "versionInvalid": with_query(version="long"),
    "segmentInvalid": with_path(segment="x"),
    "startAtInvalid": with_fields(startAt="tomorrow"),
    "newDateInvalid": with_fields(date="tomorrow"),
    "bodyTimezoneInvalid": with_fields(timezone="Mars/Olympus"),
    "serviceMissing": call_changes.without_service,
    "elementIdInvalid": form_element(0, _id="x"),
    "honeypotFilled": form_element(0, value="buy pills"),
    "referrerNotAllowed": with_fields(referrer="https://stranger.example/"),
    "fieldUnknown": with_fields(email="a@b"),
    "captchaMissing": through("captcha"),
    "bodyNotJson": with_body(b"{"),
    "bodyNotObject": with_body(b"[]"),
    "idempotencyKeyMalformed": with_headers(Idempotency_Key=""),
    "metricsTokenWrong": with_headers(Authorization="Bearer x"),
    "webhookSecretWrong": with_headers(X_Webhook_Secret="x"),
    "notFound": call_changes.not_found,
    "headerFieldsTooLarge": with_headers(X_Large="x" * FIELD_BYTES),
    "bodyTimeout": call_changes.body_timeout,
    "bodyTooLarge": with_body(b" " * 65537),
    "contentTypeWrong": with_headers(Content_Type="text/plain"),
    "idempotencyKeyReused": call_changes.key_reused,
    "tooManyRequests": call_changes.too_many,
    "tooManyGuesses": call_changes.too_many_guesses,
    "internalError": through("failing"),
    "videskUnreachable": call_changes.unreachable,
    "videskConnectionLost": with_fault("reset"),
    "videskInvalidResponse": with_fault("html"),
    "connectionLostInDoubt": with_fault("reset"),
    "invalidResponseInDoubt": with_fault("html"),
    "videskRateLimitExhausted": call_changes.rate_limit_exhausted,
    "videskCircuitOpen": call_changes.circuit_open,
    "captchaUnavailable": call_changes.captcha_unavailable,
    "videskTimeout": call_changes.too_slow,
    "timeoutInDoubt": call_changes.too_slow,
}
PROVOCATIONS = BY_STATUS | SUCCESSES | ERRORS

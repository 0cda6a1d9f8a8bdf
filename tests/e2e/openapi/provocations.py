"""How each answer that the document shows is brought about.

By the example's name, or by the status of an answer without one.
"""

from openapi.errors import ERROR_EXAMPLES
from tests.client import AUTOMATIC_SERVICE
from tests.e2e.openapi import ways
from tests.e2e.openapi.ways import (
    Provocation,
    asking,
    at,
    by,
    form_element,
    in_header,
    sending,
    token_or_key,
    videsk_says,
    with_body,
    with_fault,
)

OF_NO_EXAMPLE: dict[str, Provocation] = {
    "200": ways.good,
    "204": ways.good,
    "304": ways.unchanged,
    "default": with_fault("status", status=418, body=ERROR_EXAMPLES["notFound"].body()),
}

GOOD = (
    "services", "dates", "hours", "availability", "nextHours", "bookingByService", "bookingByUser",
    "rescheduled", "appointment", "canceled", "form", "healthy",
)  # fmt: skip
OF_ANSWERS: dict[str, Provocation] = dict.fromkeys(GOOD, ways.good) | {
    "availabilityIncomplete": with_fault("status", path="/hours", status=500, body={}, times=1),
    "ready": ways.key_accepted,
    "degraded": ways.degraded,
    "keyRejected": ways.key_refused,
}

OF_REFUSALS: dict[str, Provocation] = {
    "dateInvalid": asking(date="tomorrow"),
    "timezoneInvalid": asking(timezone="Mars/Olympus"),
    "dateInPast": asking(date="2020-02-29"),
    "hourInPast": ways.hour_in_past,
    "serviceIdInvalid": at(id="x"),
    "userIdInvalid": at(id="x"),
    "tokenMissing": ways.no_token,
    "serviceNotOfUser": sending(service=AUTOMATIC_SERVICE),
    "valueTooLong": form_element(1, value="x" * 51),
    "elementUnknown": ways.unknown_element,
    "honeypotMissing": ways.without_honeypot,
    "captchaRequired": by("public"),
    "reasonNotString": videsk_says("reasonNotString"),
    "reasonTooLong": videsk_says("reasonTooLong"),
    "jwtMalformed": token_or_key("x", "jwtMalformed"),
    "signatureInvalid": ways.signed_by_another,
    "jwtUnreadable": token_or_key("a.b.c", "jwtUnreadable"),
    "jwtExpired": videsk_says("jwtExpired"),
    "tokenInvalidated": ways.dead_token,
    "accessDenied": videsk_says("accessDenied"),
    "keyRemoved": videsk_says("keyRemoved"),
    "formNotFound": at(segment="a" * 24),
    "hourTaken": ways.hour_taken,
    "captchaRejected": ways.captcha_refused,
    "daysInvalid": asking(days="32"),
    "limitInvalid": asking(limit="0"),
    "versionInvalid": asking(version="long"),
    "segmentInvalid": at(segment="x"),
    "startAtInvalid": sending(startAt="tomorrow"),
    "newDateInvalid": sending(date="tomorrow"),
    "bodyTimezoneInvalid": sending(timezone="Mars/Olympus"),
    "serviceMissing": ways.without_service,
    "elementIdInvalid": form_element(0, _id="x"),
    "honeypotFilled": form_element(0, value="buy pills"),
    "referrerNotAllowed": sending(referrer="https://stranger.example/"),
    "fieldUnknown": sending(email="a@b"),
    "captchaMissing": by("captcha"),
    "bodyNotJson": with_body(b"{"),
    "bodyNotObject": with_body(b"[]"),
    "idempotencyKeyMalformed": in_header(Idempotency_Key=""),
    "metricsTokenWrong": in_header(Authorization="Bearer x"),
    "webhookSecretWrong": in_header(X_Webhook_Secret="x"),
    "notFound": ways.not_found,
    "bodyTimeout": ways.body_late,
    "bodyTooLarge": with_body(b" " * 65537),
    "contentTypeWrong": in_header(Content_Type="text/plain"),
    "idempotencyKeyReused": ways.key_used,
    "tooManyRequests": ways.too_many,
    "tooManyGuesses": ways.too_many_guesses,
    "internalError": by("failing"),
    "videskUnreachable": ways.unreachable,
    "videskConnectionLost": with_fault("reset"),
    "videskInvalidResponse": with_fault("html"),
    "connectionLostInDoubt": with_fault("reset"),
    "invalidResponseInDoubt": with_fault("html"),
    "videskRateLimitExhausted": ways.no_place,
    "videskCircuitOpen": ways.circuit_open,
    "captchaUnavailable": ways.captcha_unavailable,
    "videskTimeout": ways.too_slow,
    "timeoutInDoubt": ways.too_slow,
}
PROVOCATIONS = OF_NO_EXAMPLE | OF_ANSWERS | OF_REFUSALS
"""All but `methodNotAllowed`, which is no operation's."""

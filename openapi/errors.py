"""What errors look like, by name: Videsk's as its pages show them, and ours.

tests/e2e/test_openapi.py provokes each, and compares it to the letter.
"""

import json
from typing import Any, NamedTuple

from web.error_body import error_body


class ErrorExample(NamedTuple):
    """An error's body: `status` is its `code`."""

    summary: str
    status: int
    message: str
    data: Any = None
    errors: dict[str, Any] | None = None

    def body(self) -> Any:
        return json.loads(error_body(*self[1:]))


_UNKNOWN = " It may have been done all the same: look for Videsk's e-mail before trying again."
_DATE, _ZONE = 'A valid "date" is required', 'A valid "timezone" is required'
_SERVICE = "A valid service id is required"
_INSTANT = "must be an instant with Z or an offset, such as 2026-12-01T12:00:00.000Z"
_TIMEZONE = "must be an IANA time zone, such as America/Santiago"

ERROR_EXAMPLES = {
    # Videsk's words, and ours where it is asked for the same
    "dateInvalid": ErrorExample("No month, day or instant", 400, _DATE, "date"),
    "timezoneInvalid": ErrorExample("No IANA time zone", 400, _ZONE, "timezone"),
    "dateInPast": ErrorExample("A month or day that is over", 400, "The date can not be in the past.", "dateInPast"),
    "hourInPast": ErrorExample("An hour that is over", 400, "The date can not be in the past.", "dateInPast"),
    "serviceIdInvalid": ErrorExample("No 24 hex digits", 400, _SERVICE),
    "userIdInvalid": ErrorExample("No 24 hex digits", 400, "A valid user id is required"),
    "tokenMissing": ErrorExample("No Bearer token", 401, "Authorization header with valid JWT is required."),
    # Videsk's own
    "serviceOfAnother": ErrorExample("The user does not serve it", 400, _SERVICE),
    "valueTooLong": ErrorExample("A value of the form breaks the field's rule", 400, 'You reach the max characters is 50 for element "60dbe3416af0be33b8b372b1".'),
    "elementUnknown": ErrorExample("The form has changed", 400, "Some element not as field, please check or try again", "Maybe the organization has changed the form and you're submit is not valid anymore."),
    "honeypotMissing": ErrorExample("The form has no honeypot", 400, 'The element form "videsk_essential" is required, never delete.'),
    "captchaRequired": ErrorExample("A public key, and no captcha token", 400, 'Please provide a valid "token", is mandatory.'),
    "reasonNoString": ErrorExample("Videsk's own check; ours comes before it", 400, 'Cast to string failed for value "[]" (type Array) at path "cancelReason"'),
    "reasonTooLong": ErrorExample("Videsk counts otherwise than we do, where there are emoji", 400, "Validation failed: cancelReason: Path `cancelReason` (`...`) is longer than the maximum allowed length (1000)."),
    "jwtMalformed": ErrorExample("No JWT", 401, "jwt malformed"),
    "signatureInvalid": ErrorExample("Another's signature", 401, "invalid signature"),
    "jwtUnreadable": ErrorExample("A JWT whose head is no JSON", 401, "Unexpected token \ufffd in JSON at position 6"),
    "jwtExpired": ErrorExample("An old JWT", 401, "jwt expired"),
    "tokenDead": ErrorExample("Canceled, moved, begun or over", 401, "The token is not valid any more."),
    "accessDenied": ErrorExample("The key may not use this", 403, "You don't have access to /public/video-contact-center/segments. Please contact to your administrator."),
    "keyRemoved": ErrorExample("The key was removed", 403, "The integration token it's invalid or was removed."),
    "formNotFound": ErrorExample("No such segment, or no such version", 404, "Not form found in segment provided."),
    "hourTaken": ErrorExample("Somebody was faster", 409, 'Sorry, the hour "2023-02-07T03:56:00.000Z" is unavailable.'),
    "captchaRefused": ErrorExample("The provider does not confirm the token", 422, "Your submit looks suspicious, not pass the captcha validation.", {"extraData": "invalid-input-response"}),
    # ours
    "daysInvalid": ErrorExample("Out of range", 400, '"days" must be a whole number from 1 to 31'),
    "limitInvalid": ErrorExample("Out of range", 400, '"limit" must be a whole number from 1 to 20'),
    "versionInvalid": ErrorExample("None of the two", 400, '"version" must be base or contact'),
    "segmentInvalid": ErrorExample("No 24 hex digits", 400, "A valid segment id is required"),
    "startAtInvalid": ErrorExample("No instant", 400, _DATE, "date", {"startAt": [_INSTANT]}),
    "moveDateInvalid": ErrorExample("No instant", 400, _DATE, "date", {"date": [_INSTANT]}),
    "bodyTimezoneInvalid": ErrorExample("No IANA time zone", 400, _ZONE, "timezone", {"timezone": [_TIMEZONE]}),
    "serviceMissing": ErrorExample("A booking by user names its service", 400, _SERVICE, errors={"service": ["is required"]}),
    "elementIdInvalid": ErrorExample("An element of the form is malformed", 400, '"form.0._id" must be 24 hex digits or "videsk_essential"', errors={"form": {"0": {"_id": ['must be 24 hex digits or "videsk_essential"']}}}),
    "honeypotFilled": ErrorExample("A bot", 400, '"form.0.value" must be empty', errors={"form": {"0": {"value": ["must be empty"]}}}),
    "referrerForeign": ErrorExample("A URL of another origin", 400, '"referrer" must be a URL of an origin in REFERRER_ORIGINS', errors={"referrer": ["must be a URL of an origin in REFERRER_ORIGINS"]}),
    "fieldUnknown": ErrorExample("A field that is not described here", 400, '"email" is an unknown field', errors={"email": ["is an unknown field"]}),
    "captchaMissing": ErrorExample("The proxy checks captchas, and there is no token", 400, 'Please provide a valid "token", is mandatory.', errors={"token": ["is required"]}),
    "bodyNotJson": ErrorExample("No JSON", 400, "The body must be one JSON text in UTF-8."),
    "bodyNoObject": ErrorExample("JSON, but no object", 400, "The body must be a JSON object."),
    "idempotencyKeyMalformed": ErrorExample("An empty key", 400, "An Idempotency-Key must be 1 to 255 visible ASCII characters."),
    "metricsTokenWrong": ErrorExample("Not METRICS_TOKEN", 401, "The Bearer token must be METRICS_TOKEN."),
    "webhookSecretWrong": ErrorExample("Not WEBHOOK_SECRET", 401, "The X-Webhook-Secret header must be WEBHOOK_SECRET."),
    "notFound": ErrorExample("No such path", 404, "There is nothing at this path: see the README's table of routes, and check for slashes."),
    "methodNotAllowed": ErrorExample("Not this method", 405, "This path does not take this method: the Allow header says which it takes."),
    "bodyLate": ErrorExample("The body dribbles", 408, "The body did not arrive in time."),
    "bodyTooLarge": ErrorExample("More than MAX_BODY_BYTES", 413, "The body must have at most 65536 bytes."),
    "notJson": ErrorExample("Another Content-Type", 415, "The body must be JSON, with Content-Type: application/json."),
    "idempotencyKeyUsed": ErrorExample("The key was another request's", 422, "This Idempotency-Key was used before with another request."),
    "tooMany": ErrorExample("This client calls too often", 429, "Too many requests from this address. Try again as Retry-After says."),
    "tooManyGuesses": ErrorExample("Too many wrong secrets", 429, "Too many requests from this address. Try again as Retry-After says."),
    "fault": ErrorExample("A fault of the proxy", 500, "This proxy has failed. Its log tells why, under this X-Request-ID."),
    "videskUnreachable": ErrorExample("No connection", 502, "Videsk could not be reached, so nothing was sent to it. Try again in a moment."),
    "videskBroken": ErrorExample("The connection broke", 502, "The connection to Videsk broke before its answer was complete."),
    "videskUnsound": ErrorExample("No sound JSON", 502, "Videsk answered something that is not sound JSON."),
    "brokenInDoubt": ErrorExample("The connection broke", 502, f"The connection to Videsk broke before its answer was complete.{_UNKNOWN}", "outcomeUnknown"),
    "unsoundInDoubt": ErrorExample("No sound JSON", 502, f"Videsk answered something that is not sound JSON.{_UNKNOWN}", "outcomeUnknown"),
    "videskBusy": ErrorExample("No place in the budget", 503, "Too many ask Videsk just now, so nothing was sent. Try again as Retry-After says."),
    "videskClosed": ErrorExample("Videsk fails, and is left alone", 503, "Videsk is failing, so nothing was sent. Try again as Retry-After says."),
    "captchaUnavailable": ErrorExample("The captcha's provider does not answer", 503, "The captcha cannot be checked now, so nothing was booked. Try again soon."),
    "videskSlow": ErrorExample("No answer in time", 504, "Videsk did not answer in time."),
    "slowInDoubt": ErrorExample("No answer in time", 504, f"Videsk did not answer in time.{_UNKNOWN}", "outcomeUnknown"),
}  # fmt: skip

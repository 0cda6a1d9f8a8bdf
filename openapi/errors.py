"""What errors look like, by name: Videsk's as its pages show them, and ours.

tests/e2e/test_openapi.py provokes each, and compares it to the letter.
"""

import json
from typing import Any, NamedTuple

from web.error_body import error_body


class Refusal(NamedTuple):
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

REFUSALS = {
    # Videsk's words, and ours where it is asked for the same
    "dateInvalid": Refusal("No month, day or instant", 400, _DATE, "date"),
    "timezoneInvalid": Refusal("No IANA time zone", 400, _ZONE, "timezone"),
    "dateInPast": Refusal("A month or day that is over", 400, "The date can not be in the past.", "dateInPast"),
    "hourInPast": Refusal("An hour that is over", 400, "The date can not be in the past.", "dateInPast"),
    "serviceIdInvalid": Refusal("No 24 hex digits", 400, _SERVICE),
    "userIdInvalid": Refusal("No 24 hex digits", 400, "A valid user id is required"),
    "tokenMissing": Refusal("No Bearer token", 401, "Authorization header with valid JWT is required."),
    # Videsk's own
    "serviceOfAnother": Refusal("The user does not serve it", 400, _SERVICE),
    "valueTooLong": Refusal("A value of the form breaks the field's rule", 400, 'You reach the max characters is 50 for element "60dbe3416af0be33b8b372b1".'),
    "elementUnknown": Refusal("The form has changed", 400, "Some element not as field, please check or try again", "Maybe the organization has changed the form and you're submit is not valid anymore."),
    "honeypotMissing": Refusal("The form has no honeypot", 400, 'The element form "videsk_essential" is required, never delete.'),
    "captchaRequired": Refusal("A public key, and no captcha token", 400, 'Please provide a valid "token", is mandatory.'),
    "reasonNoString": Refusal("Videsk's own check; ours comes before it", 400, 'Cast to string failed for value "[]" (type Array) at path "cancelReason"'),
    "reasonTooLong": Refusal("Videsk counts otherwise than we do, where there are emoji", 400, "Validation failed: cancelReason: Path `cancelReason` (`...`) is longer than the maximum allowed length (1000)."),
    "jwtMalformed": Refusal("No JWT", 401, "jwt malformed"),
    "signatureInvalid": Refusal("Another's signature", 401, "invalid signature"),
    "jwtUnreadable": Refusal("A JWT whose head is no JSON", 401, "Unexpected token \ufffd in JSON at position 6"),
    "jwtExpired": Refusal("An old JWT", 401, "jwt expired"),
    "tokenDead": Refusal("Canceled, moved, begun or over", 401, "The token is not valid any more."),
    "accessDenied": Refusal("The key may not use this", 403, "You don't have access to /public/video-contact-center/segments. Please contact to your administrator."),
    "keyRemoved": Refusal("The key was removed", 403, "The integration token it's invalid or was removed."),
    "formNotFound": Refusal("No such segment, or no such version", 404, "Not form found in segment provided."),
    "hourTaken": Refusal("Somebody was faster", 409, 'Sorry, the hour "2023-02-07T03:56:00.000Z" is unavailable.'),
    "captchaRefused": Refusal("The provider does not confirm the token", 422, "Your submit looks suspicious, not pass the captcha validation.", {"extraData": "invalid-input-response"}),
    # ours
    "daysInvalid": Refusal("Out of range", 400, '"days" must be a whole number from 1 to 31'),
    "limitInvalid": Refusal("Out of range", 400, '"limit" must be a whole number from 1 to 20'),
    "versionInvalid": Refusal("None of the two", 400, '"version" must be base or contact'),
    "segmentInvalid": Refusal("No 24 hex digits", 400, "A valid segment id is required"),
    "startAtInvalid": Refusal("No instant", 400, _DATE, "date", {"startAt": [_INSTANT]}),
    "moveDateInvalid": Refusal("No instant", 400, _DATE, "date", {"date": [_INSTANT]}),
    "bodyTimezoneInvalid": Refusal("No IANA time zone", 400, _ZONE, "timezone", {"timezone": [_TIMEZONE]}),
    "serviceMissing": Refusal("A booking by user names its service", 400, _SERVICE, errors={"service": ["is required"]}),
    "elementIdInvalid": Refusal("An element of the form is malformed", 400, '"form.0._id" must be 24 hex digits or "videsk_essential"', errors={"form": {"0": {"_id": ['must be 24 hex digits or "videsk_essential"']}}}),
    "honeypotFilled": Refusal("A bot", 400, '"form.0.value" must be empty', errors={"form": {"0": {"value": ["must be empty"]}}}),
    "referrerForeign": Refusal("A URL of another origin", 400, '"referrer" must be a URL of an origin in REFERRER_ORIGINS', errors={"referrer": ["must be a URL of an origin in REFERRER_ORIGINS"]}),
    "fieldUnknown": Refusal("A field that is not described here", 400, '"email" is an unknown field', errors={"email": ["is an unknown field"]}),
    "captchaMissing": Refusal("The proxy checks captchas, and there is no token", 400, 'Please provide a valid "token", is mandatory.', errors={"token": ["is required"]}),
    "bodyNotJson": Refusal("No JSON", 400, "The body must be one JSON text in UTF-8."),
    "bodyNoObject": Refusal("JSON, but no object", 400, "The body must be a JSON object."),
    "idempotencyKeyMalformed": Refusal("An empty key", 400, "An Idempotency-Key must be 1 to 255 visible ASCII characters."),
    "metricsTokenWrong": Refusal("Not METRICS_TOKEN", 401, "The Bearer token must be METRICS_TOKEN."),
    "webhookSecretWrong": Refusal("Not WEBHOOK_SECRET", 401, "The X-Webhook-Secret header must be WEBHOOK_SECRET."),
    "notFound": Refusal("No such path", 404, "There is nothing at this path: see the README's table of routes, and check for slashes."),
    "methodNotAllowed": Refusal("Not this method", 405, "This path does not take this method: the Allow header says which it takes."),
    "bodyLate": Refusal("The body dribbles", 408, "The body did not arrive in time."),
    "bodyTooLarge": Refusal("More than MAX_BODY_BYTES", 413, "The body must have at most 65536 bytes."),
    "notJson": Refusal("Another Content-Type", 415, "The body must be JSON, with Content-Type: application/json."),
    "idempotencyKeyUsed": Refusal("The key was another request's", 422, "This Idempotency-Key was used before with another request."),
    "tooMany": Refusal("This client calls too often", 429, "Too many requests from this address. Try again as Retry-After says."),
    "tooManyGuesses": Refusal("Too many wrong secrets", 429, "Too many requests from this address. Try again as Retry-After says."),
    "fault": Refusal("A fault of the proxy", 500, "This proxy has failed. Its log tells why, under this X-Request-ID."),
    "videskUnreachable": Refusal("No connection", 502, "Videsk could not be reached, so nothing was sent to it. Try again in a moment."),
    "videskBroken": Refusal("The connection broke", 502, "The connection to Videsk broke before its answer was complete."),
    "videskUnsound": Refusal("No sound JSON", 502, "Videsk answered something that is not sound JSON."),
    "brokenInDoubt": Refusal("The connection broke", 502, f"The connection to Videsk broke before its answer was complete.{_UNKNOWN}", "outcomeUnknown"),
    "unsoundInDoubt": Refusal("No sound JSON", 502, f"Videsk answered something that is not sound JSON.{_UNKNOWN}", "outcomeUnknown"),
    "videskBusy": Refusal("No place in the budget", 503, "Too many ask Videsk just now, so nothing was sent. Try again as Retry-After says."),
    "videskClosed": Refusal("Videsk fails, and is left alone", 503, "Videsk is failing, so nothing was sent. Try again as Retry-After says."),
    "captchaUnavailable": Refusal("The captcha's provider does not answer", 503, "The captcha cannot be checked now, so nothing was booked. Try again soon."),
    "videskSlow": Refusal("No answer in time", 504, "Videsk did not answer in time."),
    "slowInDoubt": Refusal("No answer in time", 504, f"Videsk did not answer in time.{_UNKNOWN}", "outcomeUnknown"),
}  # fmt: skip

"""Choose what happens to an idempotency record when its request has ended. Pure functions.

See docs/guarantees.md#g5.
"""

from enum import Enum

from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from videsk.errors import VideskFailedError, VideskResponseError
from web.captcha import CaptchaError

_FINAL_STATUSES = {400, 404, 409, 422}
"""Videsk would respond the same way again."""

_FINAL_TOKEN_STATUSES = {401, 403}
"""Final for an appointment's own token only: a rejected API key is replaced, then a retry works."""


class Disposition(Enum):
    """What becomes of a record."""

    KEEP = "answered"
    """Replay the response to identical requests."""
    FORGET = "forgotten"
    """Nothing was done, so the key can be used again."""
    DOUBT = "doubt"
    """It may have been done, so the key never does it again."""


def disposition_of(
    error: Exception | None, *, by_token: bool, is_double_click: bool = False
) -> Disposition:
    """Decide by the exception that the request ended with; None for a success.

    Args:
        by_token: the request was authorized by an appointment's token, not by the API key.
        is_double_click: the request had no Idempotency-Key, so the same body after an error
            response is a new attempt.
    """
    if error is None:
        return Disposition.KEEP
    if isinstance(error, VideskResponseError):
        if error.status >= 500:
            return Disposition.FORGET if error.status == 503 else Disposition.DOUBT
        is_final = error.status in _FINAL_STATUSES or (
            by_token and error.status in _FINAL_TOKEN_STATUSES
        )
        return Disposition.KEEP if is_final and not is_double_click else Disposition.FORGET
    if isinstance(error, VideskFailedError):
        return Disposition.DOUBT if error.outcome_unknown else Disposition.FORGET
    never_sent = isinstance(error, ValidationError | HTTPException | CaptchaError)
    return Disposition.FORGET if never_sent else Disposition.DOUBT

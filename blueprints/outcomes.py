"""Counts booking outcomes, gateway errors, captcha failures and 429s for /metrics."""

from flask import Flask, Response, g, request

from idempotency.attempt import REPLAYED
from idempotency.disposition import Disposition, disposition_of
from videsk.errors import VideskFailedError
from web import responses
from web.captcha import CaptchaError
from web.metrics import GATEWAY_ERROR_STATUSES, Metrics


def register(app: Flask, metrics: Metrics) -> None:
    """Count the outcome of every request, after its response is made."""

    @app.after_request
    def count(response: Response) -> Response:
        error, status = g.get("error"), response.status_code
        replayed = REPLAYED in response.headers
        if replayed:
            metrics.count_replay()
        if request.method == "POST" and responses.route().endswith("/appointments"):
            attempts = g.request_context.attempts
            metrics.count_booking(
                booking_outcome(status, error, replayed=replayed, upstream_attempts=attempts)
            )
        request_kind = gateway_error(request.method, status, error)
        if request_kind and not replayed:
            metrics.count_gateway_error(request_kind, status)
        reason = captcha_failure(error)
        if reason:
            metrics.count_captcha_failure(reason)
        source = rate_limiter(status, response.headers.get("X-Error-Source"))
        if source:
            metrics.count_rate_limited(source)
        return response


def booking_outcome(
    status: int, error: Exception | None, *, replayed: bool, upstream_attempts: int
) -> str:
    """Return one of BOOKING_OUTCOMES for the response to a booking.

    A booking in doubt counts once: a later attempt with its Idempotency-Key gets the same error
    without a request to Videsk, and is a replay.
    """
    if replayed or (
        isinstance(error, VideskFailedError) and _is_repeated(error, upstream_attempts)
    ):
        return "replayed"
    if error is None:
        return "booked"
    if _may_have_happened(error):
        return "in_doubt"
    return "conflict" if status == 409 else "refused"


def gateway_error(method: str, status: int, error: Exception | None) -> str | None:
    """Return which of GATEWAY_ERROR_REQUESTS a 502 or 504 answers; None for other statuses."""
    if status not in GATEWAY_ERROR_STATUSES:
        return None
    if method in {"GET", "HEAD"}:
        return "read"
    return "write_in_doubt" if error and _may_have_happened(error) else "write_not_done"


def captcha_failure(error: Exception | None) -> str | None:
    """Return which of CAPTCHA_REASONS an error is; None if it is no error of the captcha."""
    return error.reason if isinstance(error, CaptchaError) else None


def rate_limiter(status: int, error_source: str | None) -> str | None:
    """Return whose limit a 429 reports, ours per client or Videsk's; None for other statuses."""
    if status != 429:
        return None
    return "videsk" if error_source == "videsk" else "client"


def _may_have_happened(error: Exception) -> bool:
    return disposition_of(error, by_token=False) is Disposition.DOUBT


def _is_repeated(error: VideskFailedError, upstream_attempts: int) -> bool:
    return error.outcome_unknown and upstream_attempts == 0

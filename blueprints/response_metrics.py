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
            metrics.replays.inc()
        if request.method == "POST" and responses.route().endswith("/appointments"):
            attempts = g.request_context.attempts
            outcome = classify_booking(status, error, replayed=replayed, upstream_attempts=attempts)
            metrics.bookings.labels(outcome).inc()
        request_kind = classify_gateway_error(request.method, status, error)
        if request_kind and not replayed:
            metrics.gateway_errors.labels(request_kind, status).inc()
        if isinstance(error, CaptchaError):
            metrics.captcha_failures.labels(error.reason).inc()
        if status == 429:
            by_videsk = response.headers.get("X-Error-Source") == "videsk"
            metrics.rate_limited.labels("videsk" if by_videsk else "client").inc()
        return response


def classify_booking(
    status: int, error: Exception | None, *, replayed: bool, upstream_attempts: int
) -> str:
    """Return one of BOOKING_OUTCOMES for the response to a booking.

    A booking in doubt counts once: a later attempt with its Idempotency-Key gets the same error
    without a request to Videsk, and is a replay.
    """
    in_doubt = isinstance(error, VideskFailedError) and error.outcome_unknown
    if replayed or (in_doubt and upstream_attempts == 0):
        return "replayed"
    if error is None:
        return "booked"
    if _may_have_happened(error):
        return "in_doubt"
    return "conflict" if status == 409 else "refused"


def classify_gateway_error(method: str, status: int, error: Exception | None) -> str | None:
    """Return which of GATEWAY_ERROR_REQUESTS a 502 or 504 responds to; None for other statuses."""
    if status not in GATEWAY_ERROR_STATUSES:
        return None
    if method in {"GET", "HEAD"}:
        return "read"
    return "write_in_doubt" if error and _may_have_happened(error) else "write_not_done"


def _may_have_happened(error: Exception) -> bool:
    return disposition_of(error, by_token=False) is Disposition.DOUBT

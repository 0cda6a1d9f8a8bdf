"""What the metrics call what became of a request."""

import pytest
from werkzeug.exceptions import BadRequest, TooManyRequests

from blueprints.outcomes import booking_outcome, gateway_error, rate_limiter
from videsk.errors import (
    VideskBrokenError,
    VideskCircuitOpenError,
    VideskError,
    VideskResponseError,
    VideskTimeoutError,
    VideskUnreachableError,
)


def refused(status: int) -> VideskResponseError:
    return VideskResponseError(status, b"{}", None, {})


@pytest.mark.parametrize(
    ("status", "error", "attempts", "outcome"),
    [
        (201, None, 1, "booked"),
        (409, refused(409), 1, "conflict"),
        (400, refused(400), 1, "refused"),
        (429, refused(429), 1, "refused"),
        (503, refused(503), 1, "refused"),
        (400, BadRequest(), 0, "refused"),
        (429, TooManyRequests(), 0, "refused"),
        (503, VideskCircuitOpenError(1), 0, "refused"),
        (502, VideskUnreachableError(), 1, "refused"),
        (502, VideskBrokenError(outcome_unknown=True), 1, "in_doubt"),
        (500, refused(500), 1, "in_doubt"),
        (500, KeyError(), 0, "in_doubt"),
        (504, VideskTimeoutError(outcome_unknown=True), 1, "in_doubt"),
        (504, VideskTimeoutError(outcome_unknown=True), 0, "replayed"),
    ],
)
def test_a_booking_has_one_outcome(
    status: int, error: Exception | None, attempts: int, outcome: str
) -> None:
    found = booking_outcome(status, error, replayed=False, upstream_attempts=attempts)
    assert found == outcome
    assert booking_outcome(status, error, replayed=True, upstream_attempts=0) == "replayed"


@pytest.mark.parametrize(
    ("method", "status", "error", "request_kind"),
    [
        ("GET", 200, None, None),
        ("GET", 503, VideskCircuitOpenError(1), None),
        ("GET", 502, VideskBrokenError(), "read"),
        ("HEAD", 504, VideskTimeoutError(), "read"),
        ("POST", 502, VideskUnreachableError(), "write_not_done"),
        ("POST", 502, VideskBrokenError(outcome_unknown=True), "write_in_doubt"),
        ("POST", 504, refused(504), "write_in_doubt"),
    ],
)
def test_gateway_errors_are_of_reads_or_of_writes(
    method: str, status: int, error: VideskError | None, request_kind: str | None
) -> None:
    assert gateway_error(method, status, error) == request_kind


def test_a_429_is_ours_unless_videsk_sent_it() -> None:
    assert rate_limiter(429, "videsk") == "videsk"
    assert rate_limiter(429, "proxy") == "client"
    assert rate_limiter(400, "videsk") is None

"""How the outcome of a request is classified in the metrics."""

import pytest
from flask import Response
from werkzeug.exceptions import BadRequest, TooManyRequests

from blueprints import response_metrics
from blueprints.response_metrics import classify_booking, classify_gateway_error
from tests.unit.web.setup import small_app
from videsk.errors import (
    VideskBrokenError,
    VideskCircuitOpenError,
    VideskError,
    VideskResponseError,
    VideskTimeoutError,
    VideskUnreachableError,
)
from web.metrics import Metrics


def rejection(status: int) -> VideskResponseError:
    return VideskResponseError(status, b"{}", None, {})


@pytest.mark.parametrize(
    ("status", "error", "attempts", "outcome"),
    [
        (201, None, 1, "booked"),
        (409, rejection(409), 1, "conflict"),
        (400, rejection(400), 1, "refused"),
        (429, rejection(429), 1, "refused"),
        (503, rejection(503), 1, "refused"),
        (400, BadRequest(), 0, "refused"),
        (429, TooManyRequests(), 0, "refused"),
        (503, VideskCircuitOpenError(1), 0, "refused"),
        (502, VideskUnreachableError(), 1, "refused"),
        (502, VideskBrokenError(outcome_unknown=True), 1, "in_doubt"),
        (500, rejection(500), 1, "in_doubt"),
        (500, KeyError(), 0, "in_doubt"),
        (504, VideskTimeoutError(outcome_unknown=True), 1, "in_doubt"),
        (504, VideskTimeoutError(outcome_unknown=True), 0, "replayed"),
    ],
)
def test_a_booking_has_one_outcome(
    status: int, error: Exception | None, attempts: int, outcome: str
) -> None:
    found = classify_booking(status, error, replayed=False, upstream_attempts=attempts)
    assert found == outcome
    assert classify_booking(status, error, replayed=True, upstream_attempts=0) == "replayed"


@pytest.mark.parametrize(
    ("method", "status", "error", "request_kind"),
    [
        ("GET", 200, None, None),
        ("GET", 503, VideskCircuitOpenError(1), None),
        ("GET", 502, VideskBrokenError(), "read"),
        ("HEAD", 504, VideskTimeoutError(), "read"),
        ("POST", 502, VideskUnreachableError(), "write_not_done"),
        ("POST", 502, VideskBrokenError(outcome_unknown=True), "write_in_doubt"),
        ("POST", 504, rejection(504), "write_in_doubt"),
    ],
)
def test_gateway_errors_are_of_reads_or_of_writes(
    method: str, status: int, error: VideskError | None, request_kind: str | None
) -> None:
    assert classify_gateway_error(method, status, error) == request_kind


@pytest.mark.parametrize(
    ("status", "source", "counted"),
    [(429, "videsk", "videsk"), (429, "proxy", "client"), (400, "videsk", None)],
)
def test_a_429_is_counted_for_the_proxy_unless_videsk_sent_it(
    status: int, source: str, counted: str | None
) -> None:
    app, metrics = small_app(), Metrics()
    response_metrics.register(app, metrics)
    error = Response(status=status, headers={"X-Error-Source": source})
    app.add_url_rule("/", "view", lambda: error)
    app.test_client().get("/")
    values = {
        name: metrics.registry.get_sample_value("videsk_proxy_rate_limited_total", {"source": name})
        for name in ("client", "videsk")
    }
    assert values == {name: float(name == counted) for name in values}

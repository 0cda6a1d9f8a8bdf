"""What the metrics count, and with which labels."""

import gevent
import pytest
from flask import Flask

from common.instrumentation import Instrumentation
from tests.unit.web.setup import small_app
from web import metrics
from web.metrics import BOOKING_OUTCOMES, FAILURES, Metrics


@pytest.fixture
def app_metrics() -> Metrics:
    return Metrics()


def value(app_metrics: Metrics, name: str, **labels: str) -> float | None:
    return app_metrics.registry.get_sample_value(f"videsk_proxy_{name}", labels)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("gate_total", {"verdict": "full"}),
        *[("bookings_total", {"outcome": outcome}) for outcome in BOOKING_OUTCOMES],
        ("gateway_errors_total", {"request": "write_in_doubt", "status": "504"}),
        ("captcha_failures_total", {"reason": "secret_refused"}),
        ("rate_limited_total", {"source": "videsk"}),
    ],
)
def test_metrics_of_alerts_start_at_0(
    app_metrics: Metrics, name: str, labels: dict[str, str]
) -> None:
    assert value(app_metrics, name, **labels) == 0


def test_the_failures_of_every_route_start_at_0(app_metrics: Metrics) -> None:
    app = Flask("test", static_folder=None)
    app.add_url_rule("/api/users/<ident>/hours", "hours", lambda ident: "")
    app_metrics.add_routes(app)
    for status in FAILURES:
        route = "/api/users/{id}/hours"
        assert value(app_metrics, "requests_total", route=route, status=str(status)) == 0


@pytest.mark.parametrize(
    ("cache_status", "result"),
    [
        ("hit; ttl=5", "hit"),
        ("hit; ttl=-5; detail=stale", "stale"),
        ("fwd=miss", "miss"),
        ("fwd=miss; stored", "miss"),
        ("fwd=miss; collapsed", "collapsed"),
    ],
)
def test_a_cacheable_read_counts_by_its_cache_status(
    app_metrics: Metrics, cache_status: str, result: str
) -> None:
    app_metrics.count_responses("/api/users/{id}/hours", 200, cache_status, [0.1, 0.5])
    assert value(app_metrics, "cache_total", kind="hours", result=result) == 2
    assert value(app_metrics, "requests_total", route="/api/users/{id}/hours", status="200") == 2
    assert value(app_metrics, "request_seconds_sum", route="/api/users/{id}/hours") == 0.6


def test_a_form_is_counted_by_its_kind_and_a_post_is_not_a_read(app_metrics: Metrics) -> None:
    app_metrics.count_responses("/api/forms/{segment}", 200, "fwd=miss", [0])
    app_metrics.count_responses("/api/users/{id}/appointments", 201, None, [0])
    assert value(app_metrics, "cache_total", kind="forms", result="miss") == 1
    assert value(app_metrics, "cache_total", kind="appointments", result="miss") is None


def test_events_below_web_are_counted(app_metrics: Metrics) -> None:
    events: Instrumentation = app_metrics
    events.count_upstream("/services", "200", 0.2)
    events.count_throttled("wait", 1.5)
    events.count_throttled("full", 3)
    events.count_invalidated(4)
    assert value(app_metrics, "upstream_requests_total", endpoint="/services", status="200") == 1
    assert value(app_metrics, "upstream_request_seconds_sum", endpoint="/services") == 0.2
    assert value(app_metrics, "gate_total", verdict="wait") == 1
    assert value(app_metrics, "gate_wait_seconds_total") == 1.5
    assert value(app_metrics, "generations_raised_total") == 4


def test_events_of_responses_are_counted(app_metrics: Metrics) -> None:
    app_metrics.bookings.labels("in_doubt").inc()
    app_metrics.gateway_errors.labels("read", 502).inc()
    app_metrics.captcha_failures.labels("missing").inc()
    app_metrics.rate_limited.labels("client").inc()
    app_metrics.replays.inc()
    app_metrics.worker_restarts.inc()
    assert value(app_metrics, "bookings_total", outcome="in_doubt") == 1
    assert value(app_metrics, "gateway_errors_total", request="read", status="502") == 1
    assert value(app_metrics, "captcha_failures_total", reason="missing") == 1
    assert value(app_metrics, "rate_limited_total", source="client") == 1
    assert value(app_metrics, "idempotent_replays_total") == 1
    assert value(app_metrics, "worker_restarts_total") == 1


def test_an_outage_of_redis_may_be_counted_in_a_native_thread(app_metrics: Metrics) -> None:
    gevent.get_hub().threadpool.apply(app_metrics.count_redis_outage)
    gevent.sleep(0.1)
    assert value(app_metrics, "redis_outages_total") == 1


def test_every_response_of_the_app_is_counted(app_metrics: Metrics) -> None:
    app = small_app()
    metrics.register(app, app_metrics)
    assert app.extensions[metrics.EXTENSION] is app_metrics
    app.test_client().get("/nothing")
    assert value(app_metrics, "requests_total", route="unknown", status="404") == 1

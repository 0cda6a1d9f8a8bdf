"""Metrics for Prometheus; web/metrics_exposition.py renders them.

A counter with few label values starts at 0 for each: a series that first appears at 1 has no
increase, so an alert on the first bad booking would not fire.
"""

import time
from collections.abc import Sequence
from functools import cache
from itertools import product

import gevent
from flask import Flask, Response, g
from prometheus_client import CollectorRegistry, Counter, Histogram

from web import captcha, responses

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
EXTENSION = "videsk_proxy_metrics"
"""The name in app.extensions of the Metrics, for gunicorn.conf.py."""

FAILURES = (500, 502, 503, 504)

BOOKING_OUTCOMES = ("booked", "conflict", "refused", "in_doubt", "replayed")
GATEWAY_ERROR_REQUESTS = ("read", "write_not_done", "write_in_doubt")
GATEWAY_ERROR_STATUSES = (502, 504)
RATE_LIMITERS = ("client", "videsk")


class Metrics:
    """All counters and histograms."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter("requests", "Responses", "route", "status")
        self._latency = self._histogram("request_seconds", "Time to the response", "route")
        self._cache = self._counter("cache", "Cacheable reads", "kind", "result")
        self._upstream = self._counter(
            "upstream_requests", "Requests to Videsk; status: its response's, or the failure",
            "endpoint", "status",
        )  # fmt: skip
        self._upstream_latency = self._histogram(
            "upstream_request_seconds", "Time to Videsk's complete response", "endpoint"
        )
        self._throttled = self._counter(
            "gate",
            "Requests that waited for a slot, or failed: queue full, circuit open",
            "verdict",
        )
        self._waited = self._counter("gate_wait_seconds", "Time spent waiting for a slot")
        self._invalidated = self._counter("generations_raised", "Groups invalidated by writes")
        self._redis_outages = self._counter(
            "redis_outages", "Redis outages, counted by each worker"
        )
        self.replays = self._counter("idempotent_replays", "POSTs with a replayed response")
        self.bookings = self._counter("bookings", "Bookings by outcome", "outcome")
        self.gateway_errors = self._counter(
            "gateway_errors", "502 and 504 responses to reads and writes", "request", "status"
        )
        self.captcha_failures = self._counter(
            "captcha_failures", "Bookings rejected by the captcha check", "reason"
        )
        self.rate_limited = self._counter(
            "rate_limited", "429 responses: of the limit per client, or of Videsk", "source"
        )
        self.worker_restarts = self._counter(
            "worker_restarts", "Workers started in place of a crashed one"
        )
        self._hub = gevent.get_hub()
        self._start_at_zero()
        # Cached: finding a counter by its labels costs more than incrementing it.
        self._counters_of = cache(self._find_counters)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"videsk_proxy_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            f"videsk_proxy_{name}", text, labels, registry=self.registry, buckets=SECONDS
        )

    def count_upstream(self, endpoint: str, status: str, seconds: float) -> None:
        self._upstream.labels(endpoint, status).inc()
        self._upstream_latency.labels(endpoint).observe(seconds)

    def count_throttled(self, decision: str, seconds: float) -> None:
        self._throttled.labels(decision).inc()
        if decision == "wait":
            self._waited.inc(seconds)

    def count_invalidated(self, groups: int) -> None:
        self._invalidated.inc(groups)

    def count_responses(
        self, route: str, status: int, cache_status: str | None, durations: Sequence[float]
    ) -> None:
        """Count responses of the same kind, by the seconds that each took.

        `cache_status`: how cacheable reads were served.
        """
        requests, latency, cache = self._counters_of(
            route, status, _cache_result(cache_status) if cache_status else None
        )
        requests.inc(len(durations))
        if cache:
            cache.inc(len(durations))
        for seconds in durations:
            latency.observe(seconds)

    def _find_counters(
        self, route: str, status: int, result: str | None
    ) -> tuple[Counter, Histogram, Counter | None]:
        kind = route.removesuffix("/{segment}").rpartition("/")[2]
        return (
            self._requests.labels(route, status),
            self._latency.labels(route),
            self._cache.labels(kind, result) if result else None,
        )

    def count_redis_outage(self) -> None:
        """Count an outage of Redis, from any thread.

        The event loop counts it, since the lock of prometheus-client is gevent's here.
        """
        self._hub.loop.run_callback_threadsafe(self._redis_outages.inc)

    def add_routes(self, app: Flask) -> None:
        """Start the error counters of every route at 0."""
        for rule in app.url_map.iter_rules():
            for status in FAILURES:
                self._requests.labels(responses.route_of(rule.rule), status)

    def _start_at_zero(self) -> None:
        for counter, values in (
            (self._throttled, ("wait", "full", "open")),
            (self.bookings, BOOKING_OUTCOMES),
            (self.captcha_failures, captcha.REASONS),
            (self.rate_limited, RATE_LIMITERS),
        ):
            for value in values:
                counter.labels(value)
        for request, status in product(GATEWAY_ERROR_REQUESTS, GATEWAY_ERROR_STATUSES):
            self.gateway_errors.labels(request, status)


def _cache_result(cache_status: str) -> str:
    """Return hit, stale, miss or collapsed for a Cache-Status."""
    if cache_status.startswith("hit"):
        return "stale" if cache_status.endswith("stale") else "hit"
    return "collapsed" if cache_status.endswith("collapsed") else "miss"


def register(app: Flask, metrics: Metrics) -> None:
    """Count every response."""
    app.extensions[EXTENSION] = metrics

    @app.after_request
    def count(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        cache_status = g.get("cache_status")
        metrics.count_responses(responses.route(), response.status_code, cache_status, [seconds])
        return response

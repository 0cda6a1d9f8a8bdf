"""Prometheus figures, summed over the workers of an instance by prometheus-client's own files.

gunicorn.conf.py sets their folder before this is imported; without it, one process counts alone.
"""

import hmac
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from werkzeug.exceptions import NotFound, Unauthorized

from meter import Meter
from web import answers
from web.idempotency import REPLAYED

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class Metrics(Meter):
    """All that is counted, under the names that Prometheus sees."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter("requests", "Answers given", "route", "status")
        self._latency = self._histogram("request_seconds", "Time to an answer", "route")
        self._cache = self._counter("cache", "Cacheable reads", "kind", "result")
        self._replays = self._counter("idempotent_replays", "POSTs answered again")
        self._upstream = self._counter(
            "upstream_requests", "Requests to Videsk; status: its own, or how it failed",
            "endpoint", "status",
        )  # fmt: skip
        self._upstream_latency = self._histogram(
            "upstream_request_seconds", "Time to Videsk's whole answer", "endpoint"
        )
        self._gate = self._counter(
            "gate", "Requests that did not leave for Videsk at once: wait, full, open", "verdict"
        )
        self._waited = self._counter("gate_wait_seconds", "Time spent waiting for a place")
        self._outdated = self._counter("generations_raised", "Groups outdated by writes")
        # Found once: to find them by their labels costs more than to count.
        self._counters_of = cache(self._find_counters)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"videsk_proxy_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            f"videsk_proxy_{name}", text, labels, registry=self.registry, buckets=SECONDS
        )

    def upstream(self, endpoint: str, status: str, seconds: float) -> None:
        self._upstream.labels(endpoint, status).inc()
        self._upstream_latency.labels(endpoint).observe(seconds)

    def gate(self, verdict: str, seconds: float) -> None:
        self._gate.labels(verdict).inc()
        if verdict == "wait":
            self._waited.inc(seconds)

    def outdated(self, groups: int) -> None:
        self._outdated.inc(groups)

    def answered(self, route: str, status: int, seconds: float, cache_status: str | None) -> None:
        """Count an answer; `cache_status` is that of a cacheable read."""
        requests, latency, cache = self._counters_of(
            route, status, _result(cache_status) if cache_status else None
        )
        requests.inc()
        latency.observe(seconds)
        if cache:
            cache.inc()

    def _find_counters(
        self, route: str, status: int, result: str | None
    ) -> tuple[Counter, Histogram, Counter | None]:
        kind = route.removesuffix("/{segment}").rpartition("/")[2]
        return (
            self._requests.labels(route, status),
            self._latency.labels(route),
            self._cache.labels(kind, result) if result else None,
        )

    def replayed(self) -> None:
        """Count a POST that was answered again."""
        self._replays.inc()


def _result(cache_status: str) -> str:
    """hit, stale, miss, or collapsed: from our own Cache-Status."""
    if cache_status.startswith("hit"):
        return "stale" if cache_status.endswith("stale") else "hit"
    return "collapsed" if cache_status.endswith("collapsed") else "miss"


class _State(Collector):
    """What the gate knows at this moment, for all processes."""

    def __init__(self, look: Callable[[], dict[str, Any]]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        state = self._look()
        is_open = float(state["circuit"] == "open")
        yield GaugeMetricFamily("videsk_proxy_circuit_open", "1: Videsk fails", value=is_open)
        left = state["budget"]["left"]
        yield GaugeMetricFamily("videsk_proxy_budget_left", "Requests left now", value=left)


def register(
    app: Flask, metrics: Metrics, look: Callable[[], dict[str, Any]], token: str | None
) -> None:
    """Count every answer, and show the figures to who has the token; without one, to nobody."""

    @app.after_request
    def count(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        metrics.answered(answers.route(), response.status_code, seconds, g.get("cache_status"))
        if REPLAYED in response.headers:
            metrics.replayed()
        return response

    @app.get("/metrics")
    def show() -> Response:
        """Show the figures to Prometheus."""
        if not token:
            raise NotFound
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise Unauthorized("The Bearer token must be METRICS_TOKEN.")
        counted = of_all_workers() if FOLDER in os.environ else generate_latest(metrics.registry)
        state = CollectorRegistry()
        state.register(_State(look))
        return Response(counted + generate_latest(state), content_type=CONTENT_TYPE_LATEST)


def of_all_workers() -> bytes:
    """What the workers have counted, from their files.

    While a worker makes its file, or a new figure in it, the file cannot be read: an instant later
    it can.
    """
    for pause_seconds in (0.01, 0.05, 0.2):
        with suppress(struct.error, RuntimeError, ValueError):
            return _read_files()
        time.sleep(pause_seconds)
    return _read_files()


def _read_files() -> bytes:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)

"""/metrics: the figures of all workers of an instance, summed by prometheus-client's own files.

gunicorn.conf.py sets their folder before this is imported; without it, one process counts alone.
"""

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from common.version import VERSION
from web import shared_secrets
from web.metrics import Metrics

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class State(Collector):
    """What holds at the moment of a scrape. `snapshot`: the throttle's state, for all processes;
    `redis_unavailable`: for the worker that answers the scrape.
    """

    def __init__(
        self,
        snapshot: Callable[[], dict[str, Any]],
        key_refused: Callable[[], bool],
        redis_unavailable: Callable[[], bool],
    ) -> None:
        self._look = snapshot
        self._key_refused = key_refused
        self._redis_unavailable = redis_unavailable

    def collect(self) -> Iterator[Metric]:
        state = self._look()
        is_open = float(state["circuit"] == "open")
        yield GaugeMetricFamily("videsk_proxy_circuit_open", "1: Videsk fails", value=is_open)
        left = state["budget"]["left"]
        yield GaugeMetricFamily("videsk_proxy_budget_left", "Requests left now", value=left)
        yield GaugeMetricFamily(
            "videsk_proxy_redis_unavailable",
            "1: this instance works without its Redis",
            value=float(self._redis_unavailable()),
        )
        yield GaugeMetricFamily(
            "videsk_proxy_key_refused",
            "1: Videsk refuses VIDESK_API_KEY",
            value=float(self._key_refused()),
        )
        build = GaugeMetricFamily("videsk_proxy_build_info", "The release", labels=["version"])
        build.add_metric([VERSION], 1)
        yield build


def register(
    app: Flask,
    metrics: Metrics,
    state: State,
    tokens: tuple[str, ...],
    limit_guesses: Callable[[Callable[[], Response]], Callable[[], Response]],
) -> None:
    """Show the figures to who has one of the tokens; without any, to nobody."""

    @app.get("/metrics")
    @limit_guesses
    def show() -> Response:
        """Show the figures to Prometheus."""
        opens = [f"Bearer {token}" for token in tokens]
        given = request.headers.get("Authorization", "")
        shared_secrets.check(given, opens, "The Bearer token must be METRICS_TOKEN.")
        counted = of_all_workers() if FOLDER in os.environ else generate_latest(metrics.registry)
        now = CollectorRegistry()
        now.register(state)
        return Response(counted + generate_latest(now), content_type=CONTENT_TYPE_LATEST)


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

"""Prometheus' text format: the counters of all workers of an instance, and gauges.

prometheus-client sums the workers' counters from files. gunicorn.conf.py sets their folder before
this module is imported; without it, the process shows its own counters only.
"""

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from common.redis_probe import clock_ahead_seconds
from common.resilient_redis import RedisUnavailableError, ResilientRedis
from common.version import VERSION
from web.metrics import Metrics

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(eq=False)
class State(Collector):
    """Gauges at the time of a scrape.

    `snapshot`: the throttle's state, of all processes. `redis`: None if REDIS_URL is not set.
    """

    snapshot: Callable[[], dict[str, Any]]
    key_rejected: Callable[[], bool]
    redis: ResilientRedis | None = None

    def collect(self) -> Iterator[Metric]:
        state = self.snapshot()
        left = state["budget"]["left"]
        unavailable = bool(self.redis and self.redis.unavailable)  # to the worker that responds
        for name, text, value in (
            ("circuit_open", "1: the circuit breaker is open", state["circuit"] == "open"),
            ("budget_left", "Requests to Videsk left in the current window", left),
            ("redis_unavailable", "1: Redis is unavailable to this instance", unavailable),
            ("key_refused", "1: Videsk rejects VIDESK_API_KEY", self.key_rejected()),
        ):
            yield GaugeMetricFamily(f"videsk_proxy_{name}", text, value=float(value))
        if self.redis:
            with suppress(RedisUnavailableError):
                yield from _redis_server(self.redis)
        build = GaugeMetricFamily("videsk_proxy_build_info", "The release", labels=["version"])
        build.add_metric([VERSION], 1)
        yield build


def _redis_server(redis: ResilientRedis) -> list[Metric]:
    """Return what to monitor of the server. Raises RedisUnavailableError."""
    client = redis.client
    (ahead_seconds, _), stats = redis.call(
        lambda: (clock_ahead_seconds(client), client.info("stats"))
    )
    return [
        CounterMetricFamily(
            "videsk_proxy_redis_evicted_keys",
            "Keys that Redis evicted",
            value=int(stats["evicted_keys"]),
        ),
        GaugeMetricFamily(
            "videsk_proxy_redis_clock_ahead_seconds",
            "How far the clock of Redis is ahead of this machine's",
            value=ahead_seconds,
        ),
    ]


def render(metrics: Metrics, state: State) -> bytes:
    """Return the counters and gauges in Prometheus' text format."""
    counters = read_all_workers() if FOLDER in os.environ else generate_latest(metrics.registry)
    gauges = CollectorRegistry()
    gauges.register(state)
    return counters + generate_latest(gauges)


def read_all_workers() -> bytes:
    """Return the metrics in all workers' files.

    A file cannot be read while a worker creates it or adds a series: retry a moment later.
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

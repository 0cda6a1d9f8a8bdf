"""The time from the start of gunicorn to its first responses."""

from statistics import median
from time import monotonic, perf_counter, sleep

import requests
from redis import Redis

from bench.report import Row
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server, sandbox_server

STARTS = 5
RESPONSE_SECONDS = 10
TARGET = "≤ 0.8 s"


def measure() -> list[Row]:
    """Measure one worker without Redis and two with Redis. Every start has an empty cache."""
    with redis_server() as redis, sandbox_server() as sandbox:
        return [
            *_rows("1 worker without Redis", sandbox),
            *_rows("2 workers on Redis", sandbox, REDIS_URL=redis.redis_url),
        ]


def _rows(setup: str, sandbox: Sandbox, **settings: str) -> list[Row]:
    starts = [_start(sandbox, settings) for _ in range(STARTS)]
    labels = "its first 200 on /healthz", "its first hit on /api/services"
    return [
        Row(
            f"From start to {label}, {setup}, median of {STARTS}",
            f"{median(elapsed):.2f} s",
            TARGET,
        )
        for label, elapsed in zip(labels, zip(*starts, strict=True), strict=True)
    ]


def _start(sandbox: Sandbox, settings: dict[str, str]) -> tuple[float, float]:
    """Return the seconds to the first 200 on /healthz, and to the first cached response."""
    if "REDIS_URL" in settings:
        Redis.from_url(settings["REDIS_URL"]).flushall()
    started = perf_counter()
    with proxy_server(sandbox, **settings) as proxy:
        healthy = perf_counter() - started
        _wait_for_hit(proxy)
        return healthy, perf_counter() - started


def _wait_for_hit(proxy: ServerProcess) -> None:
    end = monotonic() + RESPONSE_SECONDS
    while monotonic() < end:
        response = requests.get(f"{proxy.url}/api/services", timeout=RESPONSE_SECONDS)
        if response.ok and "; hit" in response.headers["Cache-Status"]:
            return
        sleep(0.001)
    raise TimeoutError("no hit on /api/services")

"""How long gunicorn takes from its start to its first answers."""

from statistics import median
from time import monotonic, perf_counter, sleep

import requests
from redis import Redis

from bench.figures import Row
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server, sandbox_server

STARTS = 5
ANSWER_SECONDS = 10
TARGET = "≤ 0.8 s"


def measure() -> list[Row]:
    """Both ways to be set up, with an empty cache at every start."""
    with redis_server() as redis, sandbox_server() as sandbox:
        return [
            *_rows("1 worker without Redis", sandbox),
            *_rows("2 workers on Redis", sandbox, REDIS_URL=redis.redis_url),
        ]


def _rows(what: str, sandbox: Sandbox, **settings: str) -> list[Row]:
    starts = [_start(sandbox, settings) for _ in range(STARTS)]
    labels = "its first 200 on /healthz", "its first hit on /api/services"
    return [
        Row(
            f"From start to {label}, {what}, median of {STARTS}", f"{median(elapsed):.2f} s", TARGET
        )
        for label, elapsed in zip(labels, zip(*starts, strict=True), strict=True)
    ]


def _start(sandbox: Sandbox, settings: dict[str, str]) -> tuple[float, float]:
    """Seconds to the first 200 on /healthz, and to the first answer out of the cache."""
    if "REDIS_URL" in settings:
        Redis.from_url(settings["REDIS_URL"]).flushall()
    begun = perf_counter()
    with proxy_server(sandbox, **settings) as proxy:
        healthy = perf_counter() - begun
        _wait_for_hit(proxy)
        return healthy, perf_counter() - begun


def _wait_for_hit(proxy: ServerProcess) -> None:
    end = monotonic() + ANSWER_SECONDS
    while monotonic() < end:
        response = requests.get(f"{proxy.url}/api/services", timeout=ANSWER_SECONDS)
        if response.ok and "; hit" in response.headers["Cache-Status"]:
            return
        sleep(0.001)
    raise TimeoutError("no hit on /api/services")

"""Misses and hits if Redis is far away. A Forwarder delays its responses."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import median
from time import perf_counter, sleep

import requests

from bench import read_paths
from bench.report import Row, milliseconds
from tests.forwarder import Forwarder
from tests.processes import local_redis_url, proxy_server, redis_server, sandbox_server

DELAYS_SECONDS = (0.005, 0.035)
HITS = 100
MISSES = 10


def measure() -> list[Row]:
    """Measure one worker, so that all hits use the same near cache."""
    with (
        redis_server() as redis,
        sandbox_server() as sandbox,
        closing(Forwarder(redis.port)) as forwarder,
        proxy_server(
            sandbox,
            REDIS_URL=local_redis_url(forwarder.port),
            WEB_CONCURRENCY="1",
            **read_paths.TTLS,
        ) as proxy,
    ):
        first, *others = [f"{proxy.url}/api/{path}" for path in read_paths.days(MISSES)]
        rows = []
        for delay in DELAYS_SECONDS:
            forwarder.delay = delay
            sleep(1)
            _time_request(first)
            misses = [_time_request(others.pop()) for _ in range(MISSES)]
            with ThreadPoolExecutor(HITS) as pool:
                hits = sorted(pool.map(_time_request, [first] * HITS))
            away = f"Redis {milliseconds(delay)} away"
            rows += [
                Row(f"{away}: a miss, median", milliseconds(median(misses))),
                Row(f"{away}: {HITS} concurrent hits, median and last",
                    f"{milliseconds(median(hits))}, {milliseconds(hits[-1])}"),
            ]  # fmt: skip
        return rows


def _time_request(url: str) -> float:
    started = perf_counter()
    requests.get(url, timeout=30).raise_for_status()
    return perf_counter() - started

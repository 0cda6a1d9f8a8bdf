"""Cached reads per second, compared with an empty application under the same gunicorn.

The load generator shares the CPU with the servers, so the ratio is more reliable than either
number.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import load, read_paths
from bench.load import Load
from bench.report import Row, milliseconds
from tests.processes import free_port, proxy_server, redis_server, running_server, sandbox_server

ROUNDS = 5
ROUND_SECONDS = 3
ROUND_ANSWERS = 30_000


def measure() -> list[Row]:
    """Measure two workers with Redis, and one worker without."""
    with redis_server() as redis:
        return [
            *_rows("2 workers on Redis", REDIS_URL=redis.redis_url),
            *_rows("1 worker without Redis"),
        ]


def _rows(label: str, **settings: str) -> list[Row]:
    """Read the free days of one month repeatedly. Alternate between proxy and empty application."""
    path = f"/api/{read_paths.months(1)[0]}"
    hits, baselines = [], []
    # gunicorn.conf.py requires a key. With the same settings, it starts the same workers.
    environ = {"VIDESK_API_KEY": "none", "WEB_CONCURRENCY": "2"} | settings
    with (
        sandbox_server() as sandbox,
        proxy_server(sandbox, **read_paths.TTLS, **settings) as proxy,
        _empty_app(environ) as empty_app_port,
    ):
        load.run(proxy.port, [path], 1000, ROUND_SECONDS)
        load.run(empty_app_port, ["/"], 1000, ROUND_SECONDS)
        for _ in range(ROUNDS):
            hits.append(load.run(proxy.port, [path], ROUND_ANSWERS, ROUND_SECONDS, "; hit"))
            baselines.append(load.run(empty_app_port, ["/"], ROUND_ANSWERS, ROUND_SECONDS))
    misses = sum(done.unexpected for done in hits)
    responses = sum(done.responses for done in hits)
    ratio = load.median_load(hits).per_second / load.median_load(baselines).per_second
    return [
        Row(f"Hits, {label}, {load.CONNECTIONS} connections", _figure(load.median_load(hits))),
        Row(f"Of these, not served from the cache, {label}", f"{misses} of {responses}", "0"),
        Row(f"An empty WSGI application, {label}", _figure(load.median_load(baselines))),
        Row(f"Hits to empty application, {label}", f"{ratio:.2f}"),
    ]


@contextmanager
def _empty_app(environ: dict[str, str]) -> Iterator[int]:
    """Run an empty application, and yield its port."""
    port = free_port()
    with running_server(["gunicorn", "bench.empty_wsgi:app"], port, environ | {"PORT": str(port)}):
        yield port


def _figure(done: Load) -> str:
    times = f"p50 {milliseconds(done.p50)}, p99 {milliseconds(done.p99)}"
    return f"{done.per_second:.0f} requests/s, {times}"

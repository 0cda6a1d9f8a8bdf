"""Compare gunicorn's worker classes: cached hits, also while clients wait for Videsk.

A gevent worker uses a greenlet for each waiting client, gthread a thread. If all threads wait for a
hanging Videsk, clients of cached reads wait too. All classes run at the same time and are measured
in turn, each with its own Redis database.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from redis import Redis

from bench import load, read_paths, stalled_videsk
from bench.load import Load
from bench.memory import proportional_megabytes
from bench.report import Row
from tests.processes import (
    Sandbox,
    ServerProcess,
    free_port,
    redis_server,
    running_server,
    sandbox_server,
)

CLASSES = {
    "gevent": ["-k", "web.gunicorn_worker.Worker", "app:app"],
    "gthread, 32 threads": ["-k", "gthread", "--threads", "32", "bench.threaded:app"],
    "gthread, 128 threads": ["-k", "gthread", "--threads", "128", "bench.threaded:app"],
}
CROWDS = (100, 400)
HIT_ROUNDS = 3
HIT_SECONDS = 2


def measure() -> list[Row]:
    """Measure two workers of each class."""
    with redis_server() as redis, sandbox_server() as sandbox, ExitStack() as stack:
        proxies, databases = [], []
        for number, options in enumerate(CLASSES.values()):
            port = free_port()
            settings = {
                "VIDESK_API_KEY": sandbox.keys["backend"],
                "VIDESK_BASE_URL": sandbox.url,
                "REDIS_URL": f"redis://127.0.0.1:{redis.port}/{number}",
                "PORT": str(port),
                "WEB_CONCURRENCY": "2",
                "VIDESK_RATE_LIMIT": "10000",
                "CLIENT_RATE_LIMIT": "1000000/minute",
                **stalled_videsk.SETTINGS,
            }
            proxies.append(
                stack.enter_context(running_server(["gunicorn", *options], port, settings))
            )
            databases.append(Redis(port=redis.port, db=number))
        rows = _hits(proxies)
        for clients in CROWDS:
            for label, proxy_, database in zip(CLASSES, proxies, databases, strict=True):
                rows += _hanging(label, sandbox, proxy_, database, clients)
        for label, proxy_ in zip(CLASSES, proxies, strict=True):
            memory = ", ".join(proportional_megabytes(proxy_.process.pid))
            rows.append(Row(f"Memory of 2 workers after these loads, {label}", f"PSS {memory}"))
        return rows


def _hits(proxies: Sequence[ServerProcess]) -> list[Row]:
    """Measure repeated reads of the free days of one month."""
    path = f"/api/{read_paths.months(1)[0]}"
    rounds: list[list[Load]] = [[] for _ in proxies]
    for proxy in proxies:
        load.run(proxy.port, [path], 1000, HIT_SECONDS)
    for _ in range(HIT_ROUNDS):
        for proxy, measured in zip(proxies, rounds, strict=True):
            measured.append(load.run(proxy.port, [path], 30_000, HIT_SECONDS, "; hit"))
    return [
        Row(f"Hits, 2 workers, {label}", stalled_videsk.figure(load.median_load(measured)))
        for label, measured in zip(CLASSES, rounds, strict=True)
    ]


def _hanging(
    label: str, sandbox: Sandbox, proxy: ServerProcess, redis: Redis, clients: int
) -> list[Row]:
    """Measure one round, because the differences are large."""
    measured = stalled_videsk.take_turn(sandbox, proxy, redis, clients)
    return stalled_videsk.rows(label, [measured])

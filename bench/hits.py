"""How many cached reads a second, beside an empty application under the same gunicorn.

The load shares the processor with the servers, so the ratio means more than either figure.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import load, read_paths
from bench.figures import Row, milliseconds
from bench.load import Load
from tests.processes import free_port, proxy_server, redis_server, running_server, sandbox_server

ROUNDS = 5
ROUND_SECONDS = 3
ROUND_ANSWERS = 30_000


def measure() -> list[Row]:
    """Both ways to be set up."""
    with redis_server() as redis:
        return [
            *_rows("2 workers on Redis", REDIS_URL=redis.redis_url),
            *_rows("1 worker without Redis"),
        ]


def _rows(what: str, **settings: str) -> list[Row]:
    """The free days of one month, again and again; proxy and floor in turns."""
    path = f"/api/{read_paths.months(1)[0]}"
    hits, floors = [], []
    # gunicorn.conf.py requires a key; with the same settings it starts the same workers.
    environ = {"VIDESK_API_KEY": "none", "WEB_CONCURRENCY": "2"} | settings
    with (
        sandbox_server() as sandbox,
        proxy_server(sandbox, **read_paths.TTLS, **settings) as proxy,
        _floor(environ) as floor_port,
    ):
        load.run(proxy.port, [path], 1000, ROUND_SECONDS)
        load.run(floor_port, ["/"], 1000, ROUND_SECONDS)
        for _ in range(ROUNDS):
            hits.append(load.run(proxy.port, [path], ROUND_ANSWERS, ROUND_SECONDS, "; hit"))
            floors.append(load.run(floor_port, ["/"], ROUND_ANSWERS, ROUND_SECONDS))
    asked_videsk = sum(done.unexpected for done in hits)
    responses = sum(done.answers for done in hits)
    ratio = load.middle(hits).per_second / load.middle(floors).per_second
    return [
        Row(f"Hits, {what}, {load.CONNECTIONS} connections", _figure(load.middle(hits))),
        Row(f"Of these, no hits after all, {what}", f"{asked_videsk} of {responses}", "0"),
        Row(f"An empty WSGI application, {what}", _figure(load.middle(floors))),
        Row(f"Hits to empty application, {what}", f"{ratio:.2f}"),
    ]


@contextmanager
def _floor(environ: dict[str, str]) -> Iterator[int]:
    """The port of an empty application."""
    port = free_port()
    with running_server(["gunicorn", "bench.empty_wsgi:app"], port, environ | {"PORT": str(port)}):
        yield port


def _figure(done: Load) -> str:
    times = f"p50 {milliseconds(done.p50)}, p99 {milliseconds(done.p99)}"
    return f"{done.per_second:.0f} requests/s, {times}"

"""Cached reads while other clients wait for a hanging Videsk, compared with a healthy Videsk.

Each waiting client reads a different cold key of another user, so the hanging Videsk gets one
request for each client. Videsk closes the connections before VIDESK_TIMEOUT, and the measurement
ends before that. Rounds with a healthy and a hanging Videsk alternate.
"""

from collections import Counter
from collections.abc import Iterator
from time import monotonic, sleep
from typing import NamedTuple

from redis import Redis

from bench import crowd, load, read_paths
from bench.crowd import ClientResult
from bench.load import Load
from bench.report import Row, milliseconds
from tests.client import JOHN, MARK
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server, sandbox_server

CLIENTS = 100
TARGET = "≤ 1.5"
ROUNDS = 3
MEASURED_SECONDS = 3
HANGING_SECONDS = 5
ARRIVAL_SECONDS = 1.5
MAX_RESPONSES = 30_000

SETTINGS = {**read_paths.TTLS, "VIDESK_TIMEOUT": "10"}


class Round(NamedTuple):
    """Hits with a healthy and with a hanging Videsk, and the results of the waiting clients."""

    healthy: Load
    hanging: Load
    at_videsk: int
    """The number of requests that hung at Videsk when the measurement started."""
    waited: list[ClientResult]


def measure() -> list[Row]:
    """Measure two workers with Redis."""
    with redis_server() as redis_process, sandbox_server() as sandbox:
        redis = Redis(port=redis_process.port)
        with proxy_server(sandbox, REDIS_URL=redis_process.redis_url, **SETTINGS) as proxy:
            rounds = [take_turn(sandbox, proxy, redis, CLIENTS) for _ in range(ROUNDS)]
    return rows("2 workers", rounds, TARGET)


def take_turn(sandbox: Sandbox, proxy: ServerProcess, redis: Redis, clients: int) -> Round:
    """Measure one round of each. Start with an empty Redis: a cold cache, a closed circuit."""
    redis.flushdb()
    sandbox.control("DELETE", "faults")
    path = next(paths(JOHN))
    load.run(proxy.port, [path], 200, 1)
    healthy = _hits(proxy, path)
    sandbox.clear_request_log()
    sandbox.fault("hang", path=MARK, seconds=HANGING_SECONDS)
    cold = [path for path, _ in zip(paths(MARK), range(clients), strict=False)]
    with crowd.run_crowd(proxy.port, cold) as waited:
        at_videsk = wait_for_arrival(sandbox, clients)
        hanging = _hits(proxy, path)
    return Round(healthy, hanging, at_videsk, waited)


def rows(label: str, rounds: list[Round], target: str = "") -> list[Row]:
    healthy = load.median_load(round_.healthy for round_ in rounds)
    hanging = load.median_load(round_.hanging for round_ in rounds)
    ratios = ", ".join(f"{each.hanging.p99 / each.healthy.p99:.2f}" for each in rounds)
    unexpected = sum(each.healthy.unexpected + each.hanging.unexpected for each in rounds)
    waited = Counter(response.status for each in rounds for response in each.waited)
    at_videsk = min(each.at_videsk for each in rounds)
    clients = len(rounds[0].waited)
    while_they_wait = f"while {clients} clients wait for a hanging Videsk, {label}"
    return [
        Row(f"Hits, Videsk healthy, {label}", figure(healthy)),
        Row(f"Hits {while_they_wait}", figure(hanging)),
        Row(
            f"p99 of hits {while_they_wait}, to healthy",
            f"{hanging.p99 / healthy.p99:.2f} (each round: {ratios})",
            target,
        ),
        Row(f"Of these, not served from the cache, {label}", str(unexpected), "0"),
        Row(
            f"Of {clients} clients, at Videsk at the same time, {label}",
            f"{at_videsk} (responses by status: {dict(waited)})",
            str(clients),
        ),
    ]


def figure(done: Load) -> str:
    times = f"p50 {milliseconds(done.p50)}, p99 {milliseconds(done.p99)}"
    return f"{done.per_second:.0f} requests/s, {times}"


def _hits(proxy: ServerProcess, path: str) -> Load:
    return load.run(proxy.port, [path], MAX_RESPONSES, MEASURED_SECONDS, "; hit")


def paths(user: str) -> Iterator[str]:
    """Yield the paths of this user's hours on the coming days."""
    return (f"/api/{path}" for path in read_paths.days(500) if user in path)


def wait_for_arrival(sandbox: Sandbox, clients: int) -> int:
    """Wait until all requests hang, or for ARRIVAL_SECONDS. Return the number that hang."""
    end = monotonic() + ARRIVAL_SECONDS
    while (arrived := len(sandbox.request_log())) < clients and monotonic() < end:
        sleep(0.05)
    return arrived

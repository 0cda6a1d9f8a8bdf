"""Latency of hits at a constant arrival rate of 50 % and 80 % of each server's capacity.

wrk waits for a response before it sends the next request on a connection, so that a server that
stalls gets fewer requests and its stalls hardly count. autocannon sends at a constant rate and
corrects for responses that it waited for (coordinated omission). It takes more CPU time than wrk,
so the capacity is also measured with autocannon.
"""

import json
import subprocess
from collections.abc import Mapping
from statistics import median
from typing import Any

from bench import load, read_paths, servers
from bench.peers_speed import BROWSER, HEADERS
from bench.report import Row
from bench.servers import PROXY, Candidate
from tests.processes import ROOT, redis_server, sandbox_server

AUTOCANNON = ROOT / "bench/peers/node/node_modules/.bin/autocannon"
NAMES = (PROXY, "FastAPI", "Express", "Fastify", "an empty WSGI application")
CONNECTIONS = 64
SECONDS = 5
ROUNDS = 3
SHARES = (0.5, 0.8)
PERCENTILES = ("p50", "p99", "p99_9")
TARGET = "p99 ≤ 20 ms"


def measure() -> list[Row]:
    """Measure all servers with two workers each, one after another."""
    if not AUTOCANNON.exists():
        return [Row("Not measured: latency at a constant rate", "not installed: autocannon")]
    path = f"/api/{read_paths.months(1)[0]}"
    headers = HEADERS[BROWSER]
    elapsed: dict[tuple[str, float], list[Mapping[str, float]]] = {}
    with (
        redis_server() as redis,
        sandbox_server() as sandbox,
        servers.start_all(NAMES, sandbox, redis.port, **read_paths.TTLS) as candidates,
    ):
        for number in range(ROUNDS):
            for each in servers.rotate(candidates, number):
                load.run(each.port, [path], 1, 10)
                capacity = _run(each, path, headers)["requests"]["average"]
                for share in SHARES:
                    result = _run(each, path, headers, "--overallRate", str(int(capacity * share)))
                    elapsed.setdefault((each.name, share), []).append(result["latency"])
    return [
        Row(
            f"{BROWSER} at {share:.0%} of capacity, p50, p99 and p99.9: {name}",
            ", ".join(f"{median(each[which] for each in rounds):.0f}" for which in PERCENTILES)
            + " ms",
            TARGET if (name, share) == (PROXY, max(SHARES)) else "",
        )
        for (name, share), rounds in sorted(elapsed.items(), key=lambda item: item[0][1])
    ] + servers.not_measured(NAMES)


def _run(each: Candidate, path: str, headers: Mapping[str, str], *options: str) -> Any:
    """Return autocannon's result: requests per second, latency in milliseconds."""
    command = [str(AUTOCANNON), *options, "--json", "--duration", str(SECONDS)]
    command += ["--connections", str(CONNECTIONS), "--timeout", "10"]
    for name, value in headers.items():
        command += ["--headers", f"{name}={value}"]
    output = subprocess.run(
        [*command, each.server.url + path],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS + 60,
    ).stdout
    result = json.loads(output)
    if result["non2xx"] or result["errors"]:
        raise ValueError(f"{each.name}: {result['non2xx']} errors, {result['errors']} failures")
    return result

"""A load generator in a separate process: keep-alive connections that send as fast as they can.

`run` starts it and returns its results. Requests are encoded once and responses are not parsed, to
use as little CPU time as possible, because it shares the CPU with the servers.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from statistics import median
from time import monotonic
from typing import NamedTuple

import gevent

from bench import sockets
from bench.report import percentile

CONNECTIONS = 32
RESPONSE_SECONDS = 10


class Load(NamedTuple):
    """The results of a load. Durations are in seconds."""

    responses: int
    unexpected: int
    per_second: float
    p50: float
    p99: float


def run(
    port: int, paths: Sequence[str], max_responses: int, seconds: float, expected: str = ""
) -> Load:
    """Request the paths in turn, up to `max_responses` and for at most `seconds`.

    Responses without `expected` in their head count as unexpected, as do timeouts after
    RESPONSE_SECONDS. Raises CalledProcessError if a status is not 200.
    """
    command = [
        sys.executable,
        "-m",
        "bench.load",
        str(port),
        str(max_responses),
        str(seconds),
        expected,
    ]
    done = subprocess.run(
        command,
        input="\n".join(paths),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + 3 * RESPONSE_SECONDS,
    )
    return Load(*json.loads(done.stdout))


def median_load(rounds: Iterable[Load]) -> Load:
    """Return the median of each field."""
    return Load(*map(median, zip(*rounds, strict=True)))


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.load")
    arguments.add_argument("port", type=int)
    arguments.add_argument("max_responses", type=int)
    arguments.add_argument("seconds", type=float)
    arguments.add_argument("expected")
    chosen = arguments.parse_args()
    requests = [sockets.get(path) for path in sys.stdin.read().split()]

    started = monotonic()
    requests_left = _next_requests(requests, chosen.max_responses, started + chosen.seconds)
    expected = chosen.expected.encode()
    responses: list[tuple[float, bool]] = []
    clients = [
        gevent.spawn(_send, chosen.port, requests_left, expected, responses)
        for _ in range(CONNECTIONS)
    ]
    gevent.joinall(clients, raise_error=True)
    per_second = len(responses) / (monotonic() - started)
    elapsed = [seconds for seconds, _ in responses]
    unexpected = sum(not as_expected for _, as_expected in responses)
    times = percentile(elapsed, 50), percentile(elapsed, 99)
    print(json.dumps(Load(len(responses), unexpected, per_second, *times)))


def _next_requests(requests: Sequence[bytes], max_responses: int, end: float) -> Iterator[bytes]:
    """Yield the requests in turn, shared by all clients."""
    for request in islice(cycle(requests), max_responses):
        if monotonic() >= end:
            return
        yield request


def _send(
    port: int, requests_left: Iterator[bytes], expected: bytes, responses: list[tuple[float, bool]]
) -> None:
    """Send requests over one connection. Record the seconds, and if the head has `expected`."""
    with sockets.connect(port, RESPONSE_SECONDS) as connection:
        for request in requests_left:
            requested_at = monotonic()
            try:
                head, _ = sockets.exchange(connection, request)
            except TimeoutError:
                responses.append((monotonic() - requested_at, False))
                return
            responses.append((monotonic() - requested_at, expected in head))
            if sockets.status(head) != 200:
                raise ValueError(head.decode(errors="replace"))


if __name__ == "__main__":
    main()

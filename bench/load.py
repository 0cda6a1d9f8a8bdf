"""A load generator in a process of its own: kept-alive connections that ask as fast as they can.

`run` starts it and returns what it measured. Requests are encoded once and answers are not parsed,
so that it takes as little as it can of the processor that it shares with the servers.
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
from bench.figures import percentile

CONNECTIONS = 32
ANSWER_SECONDS = 10


class Load(NamedTuple):
    """What a load met with; how long answers took is in seconds."""

    answers: int
    unexpected: int
    per_second: float
    p50: float
    p99: float


def run(port: int, paths: Sequence[str], most: int, seconds: float, expected: str = "") -> Load:
    """Ask for the paths in turn until `most` answers or `seconds` are over.

    An answer that lacks `expected` in its head is counted as unexpected, and so is one that has not
    come within ANSWER_SECONDS. Raises CalledProcessError where one is no 200.
    """
    command = [sys.executable, "-m", "bench.load", str(port), str(most), str(seconds), expected]
    done = subprocess.run(
        command,
        input="\n".join(paths),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + 3 * ANSWER_SECONDS,
    )
    return Load(*json.loads(done.stdout))


def middle(rounds: Iterable[Load]) -> Load:
    """The median of each figure."""
    return Load(*map(median, zip(*rounds, strict=True)))


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.load")
    arguments.add_argument("port", type=int)
    arguments.add_argument("most", type=int)
    arguments.add_argument("seconds", type=float)
    arguments.add_argument("expected")
    chosen = arguments.parse_args()
    requests = [sockets.get(path) for path in sys.stdin.read().split()]

    begun = monotonic()
    turns = _turns(requests, chosen.most, begun + chosen.seconds)
    expected = chosen.expected.encode()
    responses: list[tuple[float, bool]] = []
    callers = [
        gevent.spawn(_ask, chosen.port, turns, expected, responses) for _ in range(CONNECTIONS)
    ]
    gevent.joinall(callers, raise_error=True)
    per_second = len(responses) / (monotonic() - begun)
    elapsed = [seconds for seconds, _ in responses]
    unexpected = sum(not as_expected for _, as_expected in responses)
    times = percentile(elapsed, 50), percentile(elapsed, 99)
    print(json.dumps(Load(len(responses), unexpected, per_second, *times)))


def _turns(requests: Sequence[bytes], most: int, end: float) -> Iterator[bytes]:
    """The requests in turn, one list for all callers."""
    for request in islice(cycle(requests), most):
        if monotonic() >= end:
            return
        yield request


def _ask(
    port: int, turns: Iterator[bytes], expected: bytes, responses: list[tuple[float, bool]]
) -> None:
    """Ask on one connection while there are turns; note the seconds, and if it was `expected`."""
    with sockets.connect(port, ANSWER_SECONDS) as connection:
        for request in turns:
            asked_at = monotonic()
            try:
                head, _ = sockets.exchange(connection, request)
            except TimeoutError:
                responses.append((monotonic() - asked_at, False))
                return
            responses.append((monotonic() - asked_at, expected in head))
            if sockets.status(head) != 200:
                raise ValueError(head.decode(errors="replace"))


if __name__ == "__main__":
    main()

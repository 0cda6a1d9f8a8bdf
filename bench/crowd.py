"""Clients in a separate process that send one request each, all at the same time."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple

import gevent

from bench import sockets

RESPONSE_SECONDS = 30


class ClientResult(NamedTuple):
    """The result of a client. `seconds`: since the start of all. `status`: 0 without a response."""

    seconds: float
    status: int
    cache_status: str


@contextmanager
def run_crowd(port: int, paths: Sequence[str]) -> Iterator[list[ClientResult]]:
    """Start a client for each path. The list is filled after the block, when all have finished."""
    command = [sys.executable, "-m", "bench.crowd", str(port)]
    responses: list[ClientResult] = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin  # noqa: S101 - stdin=PIPE
        process.stdin.write("\n".join(paths))
        process.stdin.close()
        process.stdin = None
        try:
            yield responses
            output, _ = process.communicate(timeout=2 * RESPONSE_SECONDS)
        except BaseException:
            process.kill()
            raise
    responses += [ClientResult(*response) for response in json.loads(output)]


def send_all(port: int, paths: Sequence[str]) -> list[ClientResult]:
    """Start a client for each path, and return their results in the order of the paths."""
    with run_crowd(port, paths) as responses:
        pass
    return responses


def main() -> None:
    port = int(sys.argv[1])
    requests = [sockets.get(path) for path in sys.stdin.read().split()]
    started = monotonic()
    clients = [gevent.spawn(_send, port, request, started) for request in requests]
    gevent.joinall(clients, raise_error=True)
    print(json.dumps([client.value for client in clients]))


def _send(port: int, request: bytes, started: float) -> ClientResult:
    try:
        with sockets.connect(port, RESPONSE_SECONDS) as connection:
            head, _ = sockets.exchange(connection, request)
    except OSError as error:
        return ClientResult(monotonic() - started, 0, type(error).__name__)
    return ClientResult(monotonic() - started, sockets.status(head), sockets.cache_status(head))


if __name__ == "__main__":
    main()

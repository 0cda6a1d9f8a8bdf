"""Clients in a separate process that each send one request, all at the same time."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple

import gevent

from bench import sockets

ANSWER_SECONDS = 30


class Answer(NamedTuple):
    """One client's: seconds since all began, the connecting included; status 0 is no answer."""

    seconds: float
    status: int
    cache_status: str


@contextmanager
def under_way(port: int, paths: Sequence[str]) -> Iterator[list[Answer]]:
    """A client for each path. The list is filled when the block has ended and all have answers."""
    command = [sys.executable, "-m", "bench.crowd", str(port)]
    responses: list[Answer] = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin  # noqa: S101 - stdin=PIPE
        process.stdin.write("\n".join(paths))
        process.stdin.close()
        process.stdin = None
        try:
            yield responses
            output, _ = process.communicate(timeout=2 * ANSWER_SECONDS)
        except BaseException:
            process.kill()
            raise
    responses += [Answer(*response) for response in json.loads(output)]


def ask(port: int, paths: Sequence[str]) -> list[Answer]:
    """What each client got, in the order of the paths."""
    with under_way(port, paths) as responses:
        pass
    return responses


def main() -> None:
    port = int(sys.argv[1])
    requests = [sockets.get(path) for path in sys.stdin.read().split()]
    begun = monotonic()
    clients = [gevent.spawn(_ask, port, request, begun) for request in requests]
    gevent.joinall(clients, raise_error=True)
    print(json.dumps([client.value for client in clients]))


def _ask(port: int, request: bytes, begun: float) -> Answer:
    try:
        with sockets.connect(port, ANSWER_SECONDS) as connection:
            head, _ = sockets.exchange(connection, request)
    except OSError as error:
        return Answer(monotonic() - begun, 0, type(error).__name__)
    return Answer(monotonic() - begun, sockets.status(head), sockets.cache_status(head))


if __name__ == "__main__":
    main()

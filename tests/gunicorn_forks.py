"""Start gunicorn as a fork of a process that has imported the proxy's libraries.

The command spends most of its start on imports: 1.2 s of CPU time. Settings, gunicorn.conf.py and
the app are imported after the fork.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock

from tests.processes import ROOT, clean_environ

_lock = Lock()


class ForkedGunicorn:
    """A gunicorn process with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self._status: int | None = None
        request = {"args": list(command), "environ": dict(environ), "log": str(log)}
        self.pid = int(_request(request) or 0)

    def poll(self) -> int | None:
        if self._status is None:
            self._status = _request({"pid": self.pid})
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (timeout or 60)
        while (status := self.poll()) is None:
            assert time.monotonic() < end, f"{self.pid} has not ended"
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _request(request: Mapping[str, object]) -> int | None:
    with _lock:
        server = _server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        response: int | None = json.loads(server.stdout.readline())
        return response


@cache
def _server() -> "subprocess.Popen[str]":
    """Start the process that forks. It ends with this process, which then closes its input."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.gunicorn_fork_server"],
        cwd=ROOT,
        env=clean_environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

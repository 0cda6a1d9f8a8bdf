"""Several instances of the proxy that share a Redis, and helpers to call each instance and worker."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from tests.client import Client
from tests.processes import Sandbox, ServerProcess, local_redis_url, proxy_server

T = TypeVar("T")


@dataclass
class Fleet:
    """Instances that share a Redis, and a client of each (`clients`)."""

    instances: list[ServerProcess]

    @property
    def clients(self) -> list[Client]:
        return [Client(instance.url) for instance in self.instances]

    def clients_for(self, calls: int) -> list[Client]:
        """Return this number of clients, spread evenly over the instances."""
        return [self.clients[number % len(self.instances)] for number in range(calls)]


@contextmanager
def run_fleet(
    sandbox: Sandbox,
    redis_port: int | None,
    settings: Mapping[str, str],
    instances: int = 2,
    app: str = "app:app",
) -> Iterator[Fleet]:
    """Start this number of instances with two workers each, in parallel."""
    redis_url = {"REDIS_URL": local_redis_url(redis_port)} if redis_port else {}
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        servers = [proxy_server(sandbox, app, **settings, **redis_url) for _ in range(instances)]
        yield Fleet(list(pool.map(stack.enter_context, servers)))


def fleet_fixture(settings: Mapping[str, str], instances: int = 2, with_redis: bool = True) -> Any:
    """Return a module-scoped fixture: a fleet shared by the tests of a file."""

    @pytest.fixture(scope="module")
    def shared(sandbox_process: Sandbox, redis_process: ServerProcess) -> Iterator[Fleet]:
        redis_port = redis_process.port if with_redis else None
        with run_fleet(sandbox_process, redis_port, settings, instances) as fleet:
            yield fleet

    return shared


def concurrently(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run the calls concurrently, each in its own thread, and return their results."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Return the result of the call and its duration in seconds."""
    started = time.monotonic()
    response = call()
    return response, time.monotonic() - started


def wait_until(condition: Callable[[], object], seconds: float = 15) -> float:
    """Poll until the condition holds, and return the seconds that took."""
    started = time.monotonic()
    while not condition():
        elapsed = time.monotonic() - started
        assert elapsed < seconds, f"condition still false after {elapsed:.1f} s"
        time.sleep(0.02)
    return time.monotonic() - started


def cache_status(response: requests.Response) -> str:
    """Return the Cache-Status header without the name of the cache."""
    name, status = response.headers["Cache-Status"].split("; ", 1)
    assert name == "videsk-proxy"
    return status


def workers_of(server: ServerProcess) -> list[int]:
    """Return the process ids of an instance's workers."""
    parents = {int(path.name): _stat(path)[1] for path in Path("/proc").glob("[0-9]*")}
    return [pid for pid, parent in parents.items() if parent == str(server.process.pid)]


def started_workers(server: ServerProcess, count: int = 2) -> list[int]:
    """Wait until the instance has so many workers: it accepts connections before that."""
    wait_until(lambda: len(workers_of(server)) == count)
    return workers_of(server)


@contextmanager
def only_worker(server: ServerProcess, worker: int) -> Iterator[None]:
    """Suspend the other workers, so that this one accepts all new connections."""
    others = [pid for pid in workers_of(server) if pid != worker]
    try:
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
            while _stat(Path(f"/proc/{pid}"))[0] != "T":
                time.sleep(0.001)
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def client_of_each_worker(server: ServerProcess) -> list[Client]:
    """Return a client per worker, whose connection to it is kept alive.

    Many calls are faster over it than with `on_each_worker`, which suspends the other workers.
    """
    clients = []
    for worker in started_workers(server):
        client = Client(server.url, requests.Session())
        with only_worker(server, worker):
            assert client.get("/healthz").status_code == 200
        clients.append(client)
    return clients


def on_each_worker(server: ServerProcess, call: Callable[[], T]) -> list[T]:
    """Make the call once to each of the instance's workers, and return the results."""
    responses = []
    for worker in started_workers(server):
        with only_worker(server, worker):
            responses.append(call())
    return responses


def _stat(process: Path) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on, empty if the process has ended.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        return (process / "stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["", ""]


def readiness(fleet: Fleet) -> list[dict[str, Any]]:
    """Return the body of `/readyz` and its status (`http`), of each worker of each instance."""
    states = []
    for server, client in zip(fleet.instances, fleet.clients, strict=True):
        for response in on_each_worker(server, partial(client.get, "/readyz")):
            states.append(response.json() | {"http": response.status_code})
    return states


def arrival_times(sandbox: Sandbox, path: str = "") -> list[float]:
    """Return the times in seconds at which requests whose path ends with `path` reached Videsk."""
    entries = sandbox.request_log()
    return [float(str(entry["at"])) for entry in entries if str(entry["path"]).endswith(path)]


def max_in_window(seconds: float, times: Sequence[float]) -> int:
    """Return the maximum number of these times within any window of `seconds`."""
    return max(sum(start <= at < start + seconds for at in times) for start in times)

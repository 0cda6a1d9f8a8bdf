"""Failover under load, with Sentinel and Redis Cluster: promoted by hand, suspended, killed.

With `-s`, prints the duration and the errors that clients got.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import monotonic, sleep
from uuid import uuid4

import pytest
import requests

from tests.client import OPEN_SERVICE, Client
from tests.days import YEAR
from tests.e2e.fleet import Fleet, client_of_each_worker, run_fleet, wait_until
from tests.e2e.redis.topologies import Topology, cluster, sentinels
from tests.processes import Sandbox
from tests.timing import TIMING

pytestmark = TIMING

NOOR = "63bdbf3b25ab497401602d13"
"""The agent that gets the first booking of each hour of OPEN_SERVICE. A duplicate goes to another."""

SETTLE_SECONDS = 6
"""A primary counts as dead after 1 s. The rest is for the election and for the proxy to reconnect."""


class BookingLoad:
    """One thread per worker books hours, and reads them from the same worker and from another."""

    def __init__(self, servers: Fleet) -> None:
        self.booked: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()
        self.stale_here: list[str] = []
        self.stale_elsewhere: list[tuple[float, str]] = []
        self._servers = servers
        self._hours = (
            f"{YEAR}-05-{5 + n // 250:02}T{n % 250 // 12 + 4:02}:{n % 12 * 5:02}" for n in count()
        )
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        workers = [each for server in servers.instances for each in client_of_each_worker(server)]
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in workers]

    def __enter__(self) -> "BookingLoad":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, worker: Client) -> None:
        for number in count():
            if self._is_over.is_set():
                return
            with self._lock:
                start = f"{next(self._hours)}:00.000Z"
            key = uuid4().hex
            response = book(worker, start, key)
            self.statuses[response.status_code] += 1
            if response.status_code == 201:
                self.booked[key] = start
                if start in self._read(worker, start):
                    self.stale_here.append(start)
                began = monotonic()
                if start in self._read(self._servers.clients[number % 2], start):
                    self.stale_elsewhere.append((began, start))
            sleep(0.02)

    def _read(self, client: Client, start: str) -> list[str]:
        response = client.hours("users", NOOR, start[:10], "UTC")
        self.statuses[response.status_code] += 1
        hours: list[str] = response.json() if response.status_code == 200 else []
        return hours


def book(client: Client, start: str, key: str) -> requests.Response:
    return client.book("services", OPEN_SERVICE, start, headers={"Idempotency-Key": key})


def watch_outage(workers: list[Client], seconds: float) -> tuple[float, float]:
    """Return when the first worker found Redis unavailable, and when all of them used it again.

    Both are times of time.monotonic(), or 0 for never. Returns a second after the recovery, or after
    `seconds`.
    """
    end, first, last = monotonic() + seconds, 0.0, 0.0
    while monotonic() < (last + 1 if last else end):
        if "away" in [worker.get("/readyz").json()["redis"] for worker in workers]:
            first, last = first or monotonic(), 0.0
        elif first:
            last = last or monotonic()
        sleep(0.02)
    return first, last


def kill(topology: Topology) -> None:
    topology.primary().process.send_signal(signal.SIGKILL)


def promote(topology: Topology) -> None:
    topology.fail_over()


def suspend(topology: Topology) -> None:
    """Suspend the primary for 3 s. It resumes as a primary after the replica has been promoted."""
    process = topology.primary().process
    process.send_signal(signal.SIGSTOP)
    threading.Timer(3, process.send_signal, [signal.SIGCONT]).start()


@pytest.fixture(scope="module", params=[sentinels, cluster], ids=["sentinel", "cluster"])
def topology(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Topology]:
    with request.param(tmp_path_factory.mktemp("redis")) as topology:
        yield topology


@pytest.fixture(scope="module")
def fleet(topology: Topology, sandbox_process: Sandbox) -> Iterator[Fleet]:
    with run_fleet(
        sandbox_process, None, {"REDIS_URL": topology.url, "HOURS_TTL": "600"}
    ) as servers:
        yield servers


@pytest.mark.parametrize("fault", [promote, suspend, kill])
def test_a_failover_loses_no_booking(
    topology: Topology, fleet: Fleet, sandbox: Sandbox, fault: Callable[[Topology], None]
) -> None:
    topology.restore_replication()
    wait_until(topology.is_replicated, seconds=20)
    workers = [worker for server in fleet.instances for worker in client_of_each_worker(server)]
    wait_until(lambda: watch_outage(workers, 0.1) == (0, 0))
    old = topology.primary()
    with BookingLoad(fleet) as load:
        sleep(1)
        started = monotonic()
        fault(topology)
        first, last = watch_outage(workers, SETTLE_SECONDS)
    assert first, "the failover was detected"
    assert last, "all workers reconnected"
    assert topology.primary().port != old.port
    stale_after = [start for at, start in load.stale_elsewhere if at > last]
    failed = {status: number for status, number in load.statuses.items() if status >= 500}
    with ThreadPoolExecutor(8) as pool:
        retries = list(
            pool.map(
                lambda item: book(fleet.clients[item[0] % 2], *reversed(item[1])),
                enumerate(load.booked.items()),
            )
        )
    again = [each for each in retries if "Idempotency-Replayed" not in each.headers]
    made = Counter(str(each["startAt"]) for each in sandbox.appointments())
    duplicates = {start: number for start, number in made.items() if number > 1}
    print(  # noqa: T201 - figures
        f"\n{type(topology).__name__} {fault.__name__}: unavailable from {first - started:.2f} to {last - started:.2f} s; "
        f"{len(load.booked)} booked, {len(again)} lost records, {len(duplicates)} duplicates, 5xx {failed}, "
        f"stale: {len(load.stale_here)} same worker, {len(load.stale_elsewhere)} other, {len(stale_after)} after"
    )
    assert not failed
    assert not load.stale_here
    assert not stale_after
    assert not again
    assert not duplicates
    assert len(made) == len(load.booked)

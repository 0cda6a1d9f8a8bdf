"""A stop loses no request, and a killed worker only its own (docs/guarantees.md#g8)."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from http.client import HTTPConnection
from time import monotonic

import pytest
import requests

from tests.client import FORM, JOHN, MARK, OPEN_SERVICE, Client
from tests.days import YEAR
from tests.e2e.fleet import (
    arrival_times,
    cache_status,
    only_worker,
    started_workers,
    wait_until,
    workers_of,
)
from tests.e2e.test_logs import log_lines
from tests.processes import (
    ROOT,
    Sandbox,
    ServerProcess,
    free_port,
    gunicorn_settings,
    proxy_server,
)
from tests.timing import TIMING

pytestmark = TIMING

DAY = f"{YEAR}-05-06"
SLOTS = [
    f"{DAY}T{hour:02}:{minute:02}:00.000Z"
    for hour in range(14, 16)
    for minute in (0, 5, 10, 15, 20, 25, 30)
]
SLOW_SECONDS = 2
REFUSED_WITHIN_SECONDS = 5
"""gunicorn's workers check once a second whether they have to stop."""

STOP_SECONDS = 10
"""Much less than gunicorn's graceful timeout (27 s), which a stop takes if a connection delays it."""

LONGER_THAN_IDLE_SECONDS = 0.5
"""A worker closes a connection that has been idle for 0.2 s when it stops."""

APP_LOAD_ERROR = 4
"""gunicorn's exit status if a worker cannot load the application."""

ROUTER_SECONDS = 90
"""The time for which a router such as Heroku's keeps an idle connection, and may reuse it."""


@pytest.fixture(params=["redis", "in process"])
def server(
    request: pytest.FixtureRequest, sandbox: Sandbox, redis_url: str
) -> Iterator[ServerProcess]:
    """Run the proxy with two workers and Redis, and with one worker without Redis."""
    with_redis = {"REDIS_URL": redis_url} if request.param == "redis" else {}
    with proxy_server(sandbox, HOURS_TTL="600", **with_redis) as server:
        yield server


@contextmanager
def stop_within(server: ServerProcess, seconds: float) -> Iterator[None]:
    """Send SIGTERM before the block. Check that all processes end in time and with status 0."""
    since = monotonic()
    workers = workers_of(server)
    server.process.send_signal(signal.SIGTERM)
    yield
    assert server.process.wait(30) == 0
    assert monotonic() - since < seconds
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110
    assert "Traceback" not in server.output()
    assert '"ERROR"' not in server.output()
    assert "was sent SIG" not in server.output(), "gunicorn logs this if a signal killed a worker"


def have_exited(server: ServerProcess, workers: list[int]) -> bool:
    """Whether all of these workers have exited and been reaped."""
    return not set(workers) & set(workers_of(server))


def is_port_closed(server: ServerProcess) -> bool:
    """Whether the port refuses connections."""
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=1):
            return False
    except ConnectionRefusedError:
        return True
    except OSError:  # queued when the port was closed
        return False


def read_until_refused(client: Client, warm: threading.Semaphore) -> int:
    """Read cached hours over keep-alive connections until no connection is accepted. Return the count.
    An incomplete response raises another exception than ConnectionError.
    """
    responses = 0
    with requests.Session() as session, suppress(requests.ConnectionError):
        while True:
            query = {"date": DAY, "timezone": "UTC"}
            response = session.get(f"{client.url}/api/users/{MARK}/hours", params=query, timeout=30)
            assert response.status_code == 200
            assert cache_status(response).startswith("hit; ttl=")
            assert response.json()
            responses += 1
            warm.release()
    return responses


def test_a_stop_under_load_completes_every_request(server: ServerProcess, sandbox: Sandbox) -> None:
    client, warm = Client(server.url), threading.Semaphore(0)
    assert client.hours("users", MARK, DAY, "UTC").json()
    sandbox.clear_request_log()
    sandbox.fault("delay", seconds=SLOW_SECONDS)
    days = [f"{YEAR}-06-{day:02}" for day in range(2, 15)]
    with ThreadPoolExecutor(40) as pool:
        bookings = [pool.submit(client.book, "services", OPEN_SERVICE, slot) for slot in SLOTS]
        misses = [pool.submit(client.hours, "users", JOHN, day) for day in days]
        reading = [pool.submit(read_until_refused, client, warm) for _ in range(13)]
        for _ in reading:
            assert warm.acquire(timeout=20)
        wait_until(lambda: len(arrival_times(sandbox)) == len(bookings) + len(misses))
        assert not any(future.done() for future in bookings + misses)
        with stop_within(server, STOP_SECONDS):
            wait_until(partial(is_port_closed, server), seconds=REFUSED_WITHIN_SECONDS)
            booked = [future.result() for future in bookings]
            read = [future.result() for future in misses]
    assert {response.status_code for response in booked} == {201}
    assert sorted(str(appointment["startAt"]) for appointment in sandbox.appointments()) == SLOTS
    assert {(response.status_code, cache_status(response)) for response in read} == {
        (200, "fwd=miss; stored")
    }
    assert all(response.json() is not None for response in booked + read)
    hits = [
        line for line in log_lines(server) if (line.get("cache") or "")[:18] == "videsk-proxy; hit;"
    ]
    assert sum(future.result() for future in reading) == len(hits), (
        "every request that was accepted got its response"
    )


def test_an_idle_keep_alive_connection_does_not_delay_the_stop(server: ServerProcess) -> None:
    with requests.Session() as session, requests.Session() as other:
        assert session.get(f"{server.url}/healthz").headers["Connection"] == "keep-alive"
        assert other.get(f"{server.url}/api/services").status_code == 200
        with (
            socket.create_connection(("127.0.0.1", server.port)) as silent,
            socket.create_connection(("127.0.0.1", server.port)) as unfinished,
        ):
            unfinished.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
            with stop_within(server, STOP_SECONDS):
                pass
            assert silent.recv(1) == b""


def test_a_request_on_an_idle_connection_during_the_stop_gets_a_response(
    server: ServerProcess,
) -> None:
    """Suspend the workers while the signal and the requests arrive, so that they find both."""
    slots = [f"{DAY}T14:{minute:02}:00.000Z" for minute in range(0, 60, 5)]
    slots += [slot.replace("T14", "T15") for slot in slots]
    workers = workers_of(server)
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(HTTPConnection("127.0.0.1", server.port, timeout=10)))
            for _ in slots
        ]
        for connection in connections:
            connection.request("GET", "/healthz")
            assert connection.getresponse().read()
        time.sleep(LONGER_THAN_IDLE_SECONDS)
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
            os.kill(pid, signal.SIGTERM)
        path = f"/api/services/{OPEN_SERVICE}/appointments"
        for connection, slot in zip(connections, slots, strict=True):
            body = json.dumps({"startAt": slot, "timezone": "UTC", "form": FORM})
            connection.request("POST", path, body, {"Content-Type": "application/json"})
        time.sleep(LONGER_THAN_IDLE_SECONDS)
        with stop_within(server, STOP_SECONDS):
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            responses = [connection.getresponse() for connection in connections]
            assert [response.status for response in responses] == [201] * len(slots)
            assert {response.getheader("Connection") for response in responses} == {"close"}


def test_a_stopping_proxy_is_not_ready_over_a_keep_alive_connection(
    server: ServerProcess,
) -> None:
    with requests.Session() as session:
        readyz = f"{server.url}/readyz"
        assert session.get(readyz).status_code == 200
        with stop_within(server, STOP_SECONDS):
            wait_until(lambda: session.get(readyz).status_code == 503)


def test_a_killed_worker_is_replaced_while_others_keep_serving(
    sandbox: Sandbox, redis_url: str
) -> None:
    with (
        proxy_server(sandbox, REDIS_URL=redis_url) as server,
        ThreadPoolExecutor(len(SLOTS)) as pool,
    ):
        client = Client(server.url)
        victim, survivor = started_workers(server)
        sandbox.clear_request_log()
        sandbox.fault("delay", seconds=SLOW_SECONDS)
        with only_worker(server, survivor):
            bookings = [pool.submit(client.book, "services", OPEN_SERVICE, slot) for slot in SLOTS]
            wait_until(lambda: len(arrival_times(sandbox)) == len(SLOTS))
        sandbox.control("DELETE", "faults")
        os.kill(victim, signal.SIGKILL)
        for _ in range(30):
            assert client.get("/readyz").status_code == 200
        wait_until(lambda: len(set(workers_of(server)) - {victim, survivor}) == 1)
        assert {booking.result().status_code for booking in bookings} == {201}
        assert survivor in workers_of(server)
        (replacement,) = set(workers_of(server)) - {survivor}
        wait_until(lambda: victim not in workers_of(server))
        with only_worker(server, replacement):
            assert client.get("/api/services").status_code == 200


def test_the_keep_alive_timeout_is_longer_than_that_of_routers() -> None:
    """The router must close first. Otherwise it may send a request over a closed connection."""
    assert int(gunicorn_settings()["keepalive"]) > ROUTER_SECONDS


def test_a_reload_under_load_loses_no_request_and_ends_every_worker_with_status_0(
    sandbox: Sandbox, redis_url: str
) -> None:
    """20 workers exit: 4 for each of 4 reloads, and 4 for the stop."""
    ended = threading.Event()

    def read_until_ended(server: ServerProcess) -> list[int]:
        statuses = []
        while not ended.is_set():
            statuses.append(requests.get(f"{server.url}/api/services", timeout=30).status_code)
        return statuses

    with (
        proxy_server(sandbox, REDIS_URL=redis_url, WEB_CONCURRENCY="4") as server,
        ThreadPoolExecutor(4) as pool,
    ):
        reading = [pool.submit(read_until_ended, server) for _ in range(4)]
        try:
            for _ in range(4):
                old = started_workers(server, 4)
                server.process.send_signal(signal.SIGHUP)
                wait_until(partial(have_exited, server, old))
        finally:
            ended.set()
        assert {status for future in reading for status in future.result()} == {200}
        with stop_within(server, STOP_SECONDS):
            pass
        assert server.output().count("Worker exiting") == 20


def test_a_worker_that_reaches_max_requests_ends_with_status_0(
    sandbox: Sandbox, redis_url: str
) -> None:
    settings = {
        "REDIS_URL": redis_url,
        "WEB_CONCURRENCY": "1",
        "GUNICORN_CMD_ARGS": "--max-requests 5",
    }
    with proxy_server(sandbox, **settings) as server:
        (first,) = started_workers(server, 1)
        for _ in range(5):
            assert requests.get(f"{server.url}/healthz", timeout=10).status_code == 200
        wait_until(lambda: first not in workers_of(server))
        wait_until(lambda: len(workers_of(server)) == 1)
        with stop_within(server, STOP_SECONDS):
            pass


def test_a_worker_that_cannot_start_ends_the_proxy_with_gunicorns_own_status(
    sandbox: Sandbox,
) -> None:
    environ = {"VIDESK_API_KEY": "a-key-of-the-tests", "PORT": str(free_port())}
    started = subprocess.run(
        ["gunicorn", "app:there_is_no_such_name"],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert started.returncode == APP_LOAD_ERROR

"""Concurrent reads of an uncached entry cost one request, over all workers and instances (docs/guarantees.md#g2)."""

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from redis import Redis

from tests.client import FIRST_SERVICE, JOHN, MARK, Client, working_day
from tests.days import YEAR
from tests.e2e.fleet import (
    Fleet,
    arrival_times,
    cache_status,
    concurrently,
    fleet_fixture,
    only_worker,
    timed,
    wait_until,
    workers_of,
)
from tests.processes import Sandbox, ServerProcess, proxy_server
from tests.timing import SERIAL, TIMING

pytestmark = TIMING

CLIENTS = 120
FETCH_SECONDS = 2
"""Until then all clients must have come, also on a busy machine."""
UNKNOWN = "0123456789abcdef01234567"
SETTINGS = {"DATES_TTL": "300", "HOURS_TTL": "0", "VIDESK_TIMEOUT": "10"}
"""Hours are not cached. Other reads are."""


shared_fleet = fleet_fixture(SETTINGS)


@pytest.fixture
def fleet(shared_fleet: Fleet, redis: Redis, sandbox: Sandbox) -> Fleet:
    """Return two instances with an empty cache."""
    return shared_fleet


@pytest.mark.parametrize(
    ("path", "requests", "miss"),
    [
        (f"/api/users/{JOHN}/dates?date={YEAR}-05&timezone=UTC", 1, "fwd=miss; stored"),
        (f"/api/services/{FIRST_SERVICE}/hours?date={YEAR}-05-06&timezone=UTC", 1, "fwd=miss"),
        ("/api/services", 2, "fwd=miss; stored"),
    ],
    ids=["dates-cached", "hours-not-cached", "services-of-two-pages"],
)
def test_concurrent_cold_reads_cost_one_request(
    fleet: Fleet, sandbox: Sandbox, path: str, requests: int, miss: str
) -> None:
    sandbox.fault("delay", seconds=FETCH_SECONDS)
    responses = concurrently([partial(client.get, path) for client in fleet.clients_for(CLIENTS)])
    assert Counter((a.status_code, a.content) for a in responses) == {
        (200, responses[0].content): CLIENTS
    }
    sent = [f"{entry['path']}?{entry['query']}" for entry in sandbox.request_log()]
    assert len(sent) == len(set(sent)) == requests
    statuses = Counter(map(cache_status, responses))
    assert statuses == {miss: 1, "fwd=miss; collapsed": CLIENTS - 1}


@SERIAL
@pytest.mark.parametrize("read", ["dates", "hours"])
def test_all_followers_get_the_error_of_the_fetch(
    fleet: Fleet, sandbox: Sandbox, read: str
) -> None:
    sandbox.fault("delay", seconds=FETCH_SECONDS)
    responses = concurrently(
        [
            partial(getattr(client, read), "services", UNKNOWN, f"{YEAR}-05-06")
            for client in fleet.clients_for(CLIENTS)
        ]
    )
    assert len(arrival_times(sandbox)) == 1
    assert {response.status_code for response in responses} == {404}
    assert {response.headers["X-Error-Source"] for response in responses} == {"videsk"}
    assert {response.headers["Content-Type"] for response in responses} == {
        "application/json; charset=utf-8"
    }
    (body,) = {response.content for response in responses}
    assert UNKNOWN.encode() in body


def test_a_broken_connection_is_shared_with_all_followers(fleet: Fleet, sandbox: Sandbox) -> None:
    sandbox.fault("hang", seconds=FETCH_SECONDS)
    responses = concurrently(
        [
            partial(client.dates, "users", JOHN, f"{YEAR}-05")
            for client in fleet.clients_for(CLIENTS)
        ]
    )
    assert len(arrival_times(sandbox)) == 1
    assert {response.status_code for response in responses} == {502}
    assert {response.json()["name"] for response in responses} == {"BadGateway"}


def test_a_worker_that_dies_during_a_fetch_blocks_others_for_at_most_5_s(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    """Half of the other reads start before it dies, half of them after."""
    sandbox.fault("delay", seconds=60, times=1)
    server = fleet.instances[0]
    victim = workers_of(server)[0]
    clients = fleet.clients
    with ThreadPoolExecutor(50) as pool:
        with only_worker(server, victim):
            lost = pool.submit(clients[0].dates, "users", MARK, f"{YEAR}-05")
            wait_until(lambda: arrival_times(sandbox))
        early = [
            pool.submit(timed, partial(clients[1].dates, "users", MARK, f"{YEAR}-05"))
            for _ in range(20)
        ]
        time.sleep(1.8)  # the leader has renewed its lease once
        os.kill(victim, signal.SIGKILL)
        died = time.monotonic()
        assert lost.exception() is not None
        late = concurrently(
            [partial(timed, partial(clients[1].dates, "users", MARK, f"{YEAR}-05"))] * 20
        )
        responses = [response for response, _ in [future.result() for future in early] + late]
        elapsed = time.monotonic() - died
    assert {response.status_code for response in responses} == {200}
    assert elapsed < 5 + 0.7, "plus the time of the fetch"
    assert len(arrival_times(sandbox)) == 2, "one by the dead worker, and one for all followers"
    wait_until(lambda: len(workers_of(server)) == 2)


def test_a_leader_slower_than_its_lock_still_costs_one_request(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    sandbox.fault("delay", seconds=6)

    def read_after(client: Client, wait_seconds: float) -> int:
        time.sleep(wait_seconds)
        return client.dates("users", JOHN, f"{YEAR}-05").status_code

    calls = [
        partial(read_after, client, 5.5 * number / CLIENTS)
        for number, client in enumerate(fleet.clients_for(CLIENTS))
    ]
    assert set(concurrently(calls)) == {200}
    assert len(arrival_times(sandbox)) == 1


@pytest.mark.parametrize("with_redis", [True, False])
def test_a_stale_response_is_refreshed_once_however_long_videsk_takes(
    sandbox: Sandbox, redis: Redis, redis_process: ServerProcess, with_redis: bool
) -> None:
    settings = {"HOURS_TTL": "0.5", "HOURS_STALE": "30", "VIDESK_TIMEOUT": "8"}
    if with_redis:
        settings["REDIS_URL"] = redis_process.redis_url
    with proxy_server(sandbox, **settings) as server:
        read = partial(Client(server.url).hours, "users", JOHN, working_day())
        assert cache_status(read()) == "fwd=miss; stored"
        time.sleep(0.6)
        sandbox.clear_request_log()
        sandbox.fault("delay", seconds=4)
        started = time.monotonic()
        while time.monotonic() - started < 3.8:
            assert cache_status(read()).endswith("detail=stale")
            time.sleep(0.05)
        assert len(arrival_times(sandbox)) == 1
        sandbox.control("DELETE", "faults")
        wait_until(lambda: "stale" not in cache_status(read()))

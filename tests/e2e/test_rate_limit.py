"""The rate limit of Videsk holds, whichever clients call and whatever fails (docs/guarantees.md#g3)."""

import signal
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
import requests
from redis import Redis

from tests.client import JOHN, Client, bearer
from tests.days import YEAR
from tests.e2e.fleet import (
    Fleet,
    arrival_times,
    cache_status,
    concurrently,
    fleet_fixture,
    max_in_window,
    run_fleet,
    timed,
    wait_until,
)
from tests.processes import Sandbox, ServerProcess, free_port, redis_server
from tests.timing import SERIAL, TIMING

pytestmark = TIMING

SLOT = f"{YEAR}-05-06T14:00:00.000Z"
KEYS = [
    ("services", f"63bdbf49394aad976d4aa4{service}", f"{YEAR}-{month:02}")
    for service in ("3d", "3e", "3f", "41", "42", "43", "44", "45", "46", "47")
    for month in range(1, 7)
]
"""Sixty months of services that a booking with JOHN does not invalidate."""


shared_fleet = fleet_fixture({"VIDESK_RATE_LIMIT": "20"})


@pytest.fixture
def fleet(shared_fleet: Fleet, redis: Redis, sandbox: Sandbox) -> Fleet:
    """Return two instances with an empty cache. Videsk enforces its rate limit."""
    sandbox.control("POST", "rate", {"limit": 20})
    return shared_fleet


def flood(servers: Fleet, keys: list[tuple[str, str, str]], each: int = 5) -> list[Any]:
    """Return `each` calls for every key."""
    clients = servers.clients_for(len(servers.instances))
    calls = [(number, key) for number in range(each) for key in keys]
    return [partial(clients[number % len(clients)].dates, *key) for number, key in calls]


def assert_within(sandbox: Sandbox, limit: int) -> None:
    assert max_in_window(1, arrival_times(sandbox)) <= limit
    assert 429 not in {entry["status"] for entry in sandbox.request_log()}


@SERIAL
def test_a_flood_is_served_completely_and_evenly_within_the_rate_limit(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    responses, seconds = timed(partial(concurrently, flood(fleet, KEYS)))
    assert Counter(response.status_code for response in responses) == {200: 300}
    assert len(arrival_times(sandbox)) == len(KEYS)
    assert_within(sandbox, 20)
    assert seconds < 60 / 18 + 1.5


def test_the_rate_limit_holds_if_connecting_takes_up_to_450_ms(sandbox: Sandbox) -> None:
    """Each write and each read of a burst opens a connection. They count when they are sent."""
    with ExitStack() as stack, ThreadPoolExecutor(200) as pool:
        redis = stack.enter_context(redis_server(free_port()))
        slow = "tests.e2e.slow_connect_app:app"
        settings = {"VIDESK_RATE_LIMIT": "20"}
        fleet = stack.enter_context(run_fleet(sandbox, redis.port, settings, app=slow))
        writes = [
            partial(client.post, "/api/appointment/cancel", {}, headers=bearer(f"a.b.{number}"))
            for number in range(15)
            for client in fleet.clients
        ]
        calls = flood(fleet, KEYS, each=1)
        responses = [pool.submit(call) for call in [*calls[:30], *writes, *calls[30:]]]
        statuses = Counter(response.result().status_code for response in responses)
    assert statuses == {200: 60, 401: 30}
    assert max_in_window(0.95, arrival_times(sandbox)) <= 20  # a busy machine adds delays


def test_a_write_has_priority_over_queued_reads(fleet: Fleet, sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(300) as pool:
        reads = [pool.submit(call) for call in flood(fleet, KEYS, each=1)]
        wait_until(lambda: len(arrival_times(sandbox)) > 25)
        for number, client in enumerate(fleet.clients):
            start_at = SLOT.replace("14:00", f"{14 + number}:30")
            booked, seconds = timed(partial(client.book, "users", JOHN, start_at))
            assert booked.status_code == 201
            assert seconds < 0.5
        assert not all(read.done() for read in reads), (
            "the flood was over: too early for a meaningful result"
        )
        assert {read.result().status_code for read in reads} == {200}
    assert_within(sandbox, 20)


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (429, {"Retry-After": "2"}, 2),
        (429, {}, 1),
        (200, {"Ratelimit-Remaining": "0", "Ratelimit-Reset": "2"}, 2),
    ],
    ids=["retry-after", "429-without-it", "none-remaining"],
)
def test_a_retry_after_pauses_all_requests(
    fleet: Fleet, sandbox: Sandbox, status: int, headers: dict[str, str], pause: int
) -> None:
    sandbox.fault("status", status=status, body=[], headers=headers, times=1)
    response = fleet.clients[0].dates("users", JOHN, f"{YEAR}-05")
    assert response.status_code == status
    calls = flood(fleet, KEYS[:8]) + [
        partial(client.book, "users", JOHN, f"{YEAR}-05-06T{14 + number}:00:00.000Z")
        for number, client in enumerate(fleet.clients)
    ]
    assert {booked.status_code for booked in concurrently(calls)} == {200, 201}
    first, *others = arrival_times(sandbox)
    assert pause <= min(others) - first < pause + 0.5


def test_a_read_beyond_the_queue_is_rejected_and_a_stale_entry_is_served(
    redis: Redis, sandbox: Sandbox, redis_process: ServerProcess
) -> None:
    settings = {"VIDESK_RATE_LIMIT": "1", "HOURS_TTL": "0.1", "HOURS_STALE": "60"}
    with run_fleet(sandbox, redis_process.port, settings, 1) as fleet:
        (client,) = fleet.clients
        cached_response = client.hours("users", JOHN, f"{YEAR}-05-06")
        assert cached_response.status_code == 200
        with ThreadPoolExecutor(40) as pool:
            reads = [pool.submit(timed, call) for call in flood(fleet, KEYS[:40], each=1)]
            wait_until(lambda: any(read.done() for read in reads))
            time.sleep(0.2)  # now it is stale
            stale, seconds = timed(partial(client.hours, "users", JOHN, f"{YEAR}-05-06"))
            responses = [read.result() for read in reads]
    assert (stale.status_code, stale.content) == (200, cached_response.content)
    assert cache_status(stale).endswith("; detail=stale")
    assert seconds < 5, "a read in the queue waits for up to ten"
    served = Counter(response.status_code for response, _ in responses)
    assert set(served) == {200, 503}
    assert 8 <= served[200] <= 11, "the reads that are sent within ten seconds"
    assert max_in_window(1, arrival_times(sandbox)) == 1
    in_vain = [
        seconds for response, seconds in responses if response.status_code == 503 and seconds > 2
    ]
    assert len(in_vain) <= 1, (
        "rejected immediately, because they could not be sent in time, except for the last ones in the queue"
    )
    for response, _ in responses:
        if response.status_code == 503:
            assert response.json()["name"] == "Unavailable"
            assert response.headers["X-Error-Source"] == "proxy"
            assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_without_redis_the_process_keeps_the_rate_limit(sandbox: Sandbox) -> None:
    with run_fleet(sandbox, None, {"VIDESK_RATE_LIMIT": "5"}, 1) as fleet:
        sandbox.control("POST", "rate", {"limit": 5})
        responses = concurrently(flood(fleet, KEYS[:11]))
    assert Counter(response.status_code for response in responses) == {200: 55}
    assert len(arrival_times(sandbox)) == 11
    assert_within(sandbox, 5)


def test_the_rate_limit_holds_while_redis_dies_and_when_it_is_back(sandbox: Sandbox) -> None:
    """One instance, because without Redis each process has its share of its own instance's limit.

    Only reads, because writes are not paced and could fill two windows when the limiter changes.
    """
    port = free_port()
    settings = {"VIDESK_RATE_LIMIT": "20"}
    with ExitStack() as stack, ThreadPoolExecutor(200) as pool:
        redis = stack.enter_context(redis_server(port))
        fleet = stack.enter_context(run_fleet(sandbox, port, settings, 1))
        (client,) = fleet.clients
        write = partial(client.post, "/api/appointment/cancel", {}, headers=bearer("a.b.c"))
        responses: list[Future[requests.Response]] = []

        def flood_with(year: int) -> None:
            keys = [(kind, ident, f"{year}{date[4:]}") for kind, ident, date in KEYS[:8]]
            calls = [write] * 20 + flood(fleet, keys, each=1)
            sent = len(arrival_times(sandbox))
            responses.extend(pool.submit(call) for call in calls)
            wait_until(lambda: len(arrival_times(sandbox)) >= sent + 18)

        flood_with(YEAR + 1)
        redis.process.send_signal(signal.SIGKILL)
        flood_with(YEAR + 2)
        wait_until(lambda: _has_redis_state(client, "away"))
        stack.enter_context(redis_server(port))
        flood_with(YEAR + 3)
        wait_until(lambda: _has_redis_state(client, "ok"))
        flood_with(YEAR + 4)
        assert {response.result().status_code for response in responses} == {200, 401}
    # Twenty requests sent together may arrive up to 0.1 s apart on a busy machine.
    assert max_in_window(0.9, arrival_times(sandbox)) <= 20


def _has_redis_state(client: Client, state: str) -> bool:
    found: str = client.get("/readyz").json()["redis"]
    return found == state

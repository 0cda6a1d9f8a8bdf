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

pytestmark = [TIMING, SERIAL]

SLOT = f"{YEAR}-05-06T14:00:00.000Z"
KEYS = [
    ("services", f"63bdbf49394aad976d4aa4{service}", f"{YEAR}-{month:02}")
    for service in ("3d", "3e", "3f", "41", "42", "43", "44", "45", "46", "47")
    for month in range(1, 7)
]
"""Sixty months of services that do not share JOHN."""


shared_fleet = fleet_fixture({"VIDESK_RATE_LIMIT": "20"})


@pytest.fixture
def fleet(shared_fleet: Fleet, redis: Redis, sandbox: Sandbox) -> Fleet:
    """Two instances with an empty cache, in front of a Videsk that enforces its own rate limit."""
    sandbox.control("POST", "rate", {"limit": 20})
    return shared_fleet


def flood(servers: Fleet, keys: list[tuple[str, str, str]], each: int = 5) -> list[Any]:
    """One call for each of so many clients of each key."""
    clients = servers.clients_for(len(servers.instances))
    crowd = [(number, key) for number in range(each) for key in keys]
    return [partial(clients[number % len(clients)].dates, *key) for number, key in crowd]


def assert_within(sandbox: Sandbox, limit: int) -> None:
    assert max_in_window(1, arrival_times(sandbox)) <= limit
    assert 429 not in {entry["status"] for entry in sandbox.request_log()}


def test_a_flood_is_served_whole_within_the_budget_and_without_haste_or_delay(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    answers, seconds = timed(partial(concurrently, flood(fleet, KEYS)))
    assert Counter(answer.status_code for answer in answers) == {200: 300}
    assert len(arrival_times(sandbox)) == len(KEYS)
    assert_within(sandbox, 20)
    assert seconds < 60 / 18 + 1.5


def test_the_budget_holds_if_it_takes_up_to_450_ms_to_connect(sandbox: Sandbox) -> None:
    """Each write opens a connection, and so does each read of a burst. They count when sent."""
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
        answers = [pool.submit(call) for call in [*calls[:30], *writes, *calls[30:]]]
        statuses = Counter(answer.result().status_code for answer in answers)
    assert statuses == {200: 60, 401: 30}
    assert max_in_window(0.95, arrival_times(sandbox)) <= 20  # a busy machine adds its own delays


def test_a_write_goes_before_the_reads_that_wait(fleet: Fleet, sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(300) as pool:
        reads = [pool.submit(call) for call in flood(fleet, KEYS, each=1)]
        wait_until(lambda: len(arrival_times(sandbox)) > 25)
        for number, client in enumerate(fleet.clients):
            start_at = SLOT.replace("14:00", f"{14 + number}:30")
            booked, seconds = timed(partial(client.book, "users", JOHN, start_at))
            assert booked.status_code == 201
            assert seconds < 0.5
        assert not all(read.done() for read in reads), "the flood was over: this has shown nothing"
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
    assert {answer.status_code for answer in concurrently(calls)} == {200, 201}
    first, *others = arrival_times(sandbox)
    assert pause <= min(others) - first < pause + 0.5


def test_a_read_without_room_is_refused_and_a_stale_entry_is_served(
    redis: Redis, sandbox: Sandbox, redis_process: ServerProcess
) -> None:
    settings = {"VIDESK_RATE_LIMIT": "1", "HOURS_TTL": "0.1", "HOURS_STALE": "60"}
    with run_fleet(sandbox, redis_process.port, settings, 1) as one:
        (client,) = one.clients
        cached_response = client.hours("users", JOHN, f"{YEAR}-05-06")
        assert cached_response.status_code == 200
        with ThreadPoolExecutor(40) as pool:
            reads = [pool.submit(timed, call) for call in flood(one, KEYS[:40], each=1)]
            wait_until(lambda: any(read.done() for read in reads))
            time.sleep(0.2)  # by now it is stale
            stale, seconds = timed(partial(client.hours, "users", JOHN, f"{YEAR}-05-06"))
            answers = [read.result() for read in reads]
    assert (stale.status_code, stale.content) == (200, cached_response.content)
    assert cache_status(stale).endswith("; detail=stale")
    assert seconds < 0.5
    served = Counter(answer.status_code for answer, _ in answers)
    assert set(served) == {200, 503}
    assert 8 <= served[200] <= 11, "who has its turn within ten seconds"
    assert max_in_window(1, arrival_times(sandbox)) == 1
    in_vain = [seconds for answer, seconds in answers if answer.status_code == 503 and seconds > 2]
    assert len(in_vain) <= 1, (
        "immediately rejected, since waiting would be in vain, except for the last in turn"
    )
    for answer, _ in answers:
        if answer.status_code == 503:
            assert answer.json()["name"] == "Unavailable"
            assert answer.headers["X-Error-Source"] == "proxy"
            assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_without_redis_the_process_keeps_the_budget(sandbox: Sandbox) -> None:
    with run_fleet(sandbox, None, {"VIDESK_RATE_LIMIT": "5"}, 1) as one:
        sandbox.control("POST", "rate", {"limit": 5})
        answers = concurrently(flood(one, KEYS[:11]))
    assert Counter(answer.status_code for answer in answers) == {200: 55}
    assert len(arrival_times(sandbox)) == 11
    assert_within(sandbox, 5)


def test_the_budget_holds_while_redis_dies_and_when_it_is_back(sandbox: Sandbox) -> None:
    """One instance: without Redis each process has its share of its own instance's budget. Writes
    are not paced: they would fill two windows together where one limiter follows the other.
    """
    port = free_port()
    settings = {"VIDESK_RATE_LIMIT": "20"}
    with ExitStack() as stack, ThreadPoolExecutor(200) as pool:
        redis = stack.enter_context(redis_server(port))
        one = stack.enter_context(run_fleet(sandbox, port, settings, 1))
        (client,) = one.clients
        write = partial(client.post, "/api/appointment/cancel", {}, headers=bearer("a.b.c"))
        answers: list[Future[requests.Response]] = []

        def flood_with(year: int) -> None:
            keys = [(kind, ident, f"{year}{date[4:]}") for kind, ident, date in KEYS[:8]]
            calls = [write] * 20 + flood(one, keys, each=1)
            sent = len(arrival_times(sandbox))
            answers.extend(pool.submit(call) for call in calls)
            wait_until(lambda: len(arrival_times(sandbox)) >= sent + 18)

        flood_with(YEAR + 1)
        redis.process.send_signal(signal.SIGKILL)
        flood_with(YEAR + 2)
        wait_until(lambda: _redis_is(client, "away"))
        stack.enter_context(redis_server(port))
        flood_with(YEAR + 3)
        wait_until(lambda: _redis_is(client, "ok"))
        flood_with(YEAR + 4)
        assert {answer.result().status_code for answer in answers} == {200, 401}
    # Twenty that left together reach a busy machine's sandbox up to 0.1 s apart.
    assert max_in_window(0.9, arrival_times(sandbox)) <= 20


def _redis_is(client: Client, state: str) -> bool:
    found: str = client.get("/readyz").json()["redis"]
    return found == state

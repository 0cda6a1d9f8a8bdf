"""While Videsk fails, cached reads are served and others fail immediately (docs/guarantees.md#g7)."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from redis import Redis

from tests.client import FIRST_SERVICE, JOHN, MARK, bearer
from tests.days import YEAR
from tests.e2e.fleet import (
    Fleet,
    arrival_times,
    cache_status,
    concurrently,
    fleet_fixture,
    only_worker,
    readiness,
    run_fleet,
    started_workers,
    timed,
    wait_until,
)
from tests.processes import Sandbox, ServerProcess
from tests.timing import SERIAL, TIMING

pytestmark = TIMING

DAY = f"{YEAR}-05-06"
SLOT = f"{YEAR}-05-06T14:00:00.000Z"
SETTINGS = {"HOURS_TTL": "0.2", "HOURS_STALE": "600", "VIDESK_TIMEOUT": "2"}


shared_fleet = fleet_fixture(SETTINGS)


@pytest.fixture
def fleet(shared_fleet: Fleet, redis: Redis, sandbox: Sandbox) -> Fleet:
    """Return two instances with an empty cache and a closed circuit."""
    return shared_fleet


def cold_reads(fleet: Fleet, number: int, ident: str = MARK) -> list[Any]:
    """Return calls that read this number of uncached months."""
    return [
        partial(client.dates, "users", ident, f"{YEAR + index // 12}-{1 + index % 12:02}")
        for index, client in enumerate(fleet.clients_for(number))
    ]


def circuits(fleet: Fleet) -> set[str]:
    return {state["videsk"]["circuit"] for state in readiness(fleet)}


FAILURES: list[tuple[str, dict[str, Any], int]] = [
    ("reset", {}, 502),
    ("close", {}, 502),
    ("hang", {}, 504),
    ("status", {"status": 500, "body": {"name": "GeneralError"}}, 500),
    ("status", {"status": 503, "text": "<h1>Maintenance</h1>"}, 502),
]


@pytest.mark.parametrize(
    ("fault", "options", "status"), FAILURES, ids=["reset", "close", "timeout", "500", "503-html"]
)
def test_after_five_failures_cached_reads_are_served_and_others_fail_immediately(
    fleet: Fleet, sandbox: Sandbox, fault: str, options: dict[str, Any], status: int
) -> None:
    instance = fleet.clients[0]
    fresh, stale = instance.get("/api/services"), instance.hours("users", JOHN, DAY)
    time.sleep(0.2)  # HOURS_TTL
    sandbox.clear_request_log()
    sandbox.fault(fault, **options)
    for read in cold_reads(fleet, 4) if status != 504 else []:
        assert read().status_code == status
        assert circuits(fleet) == {"closed"}
    responses = (
        concurrently(cold_reads(fleet, 17)[-5:]) if status == 504 else [cold_reads(fleet, 5)[4]()]
    )
    assert {response.status_code for response in responses} == {status}
    assert len(arrival_times(sandbox)) == 5

    for state in readiness(fleet):
        assert (state["http"], state["status"]) == (200, "degraded")
        assert state["videsk"]["circuit"] == "open"
    for client in fleet.clients:
        for call in (
            partial(client.dates, "users", JOHN, f"{YEAR + 1}-05"),
            partial(client.book, "users", JOHN, SLOT),
        ):
            refused, seconds = timed(call)
            assert (refused.status_code, refused.json()["name"]) == (503, "Unavailable")
            assert 1 <= int(refused.headers["Retry-After"]) <= 5
            assert seconds < 0.3
        kept, seconds = timed(partial(client.get, "/api/services"))
        assert (kept.status_code, kept.content) == (200, fresh.content)
        assert 250 < int(cache_status(kept).removeprefix("hit; ttl=")) <= 300
        assert seconds < 0.3
        kept, seconds = timed(partial(client.hours, "users", JOHN, DAY))
        assert (kept.status_code, kept.content) == (200, stale.content)
        assert cache_status(kept).endswith("; detail=stale")
        assert seconds < 0.3
    assert len(arrival_times(sandbox)) == 5, "nothing was sent"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_4xx_responses_of_videsk_do_not_open_the_circuit(
    fleet: Fleet, sandbox: Sandbox, status: int
) -> None:
    sandbox.fault("status", status=status, body={"name": "No"})
    assert {read().status_code for read in cold_reads(fleet, 12)} == {status}
    assert len(arrival_times(sandbox)) == 12
    assert circuits(fleet) == {"closed"}


def test_a_success_between_failures_keeps_the_circuit_closed(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    for number in range(10):
        sandbox.fault("reset", times=4)
        for read in cold_reads(fleet, 4, JOHN):
            assert read().status_code == 502
        assert fleet.clients[0].dates("users", MARK, f"20{31 + number}-05").status_code == 200


def test_alternating_successes_and_failures_are_not_consecutive(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    """All requests start together. Every second one fails, 0.15 s after the previous one succeeds."""
    for number in range(5):
        sandbox.fault("hang", path=MARK, seconds=0.4 + 0.3 * number, times=1)
        sandbox.fault("delay", path=JOHN, seconds=0.55 + 0.3 * number, times=1)
    responses = concurrently(cold_reads(fleet, 5, MARK) + cold_reads(fleet, 5, JOHN))
    assert [response.status_code for response in responses] == [502] * 5 + [200] * 5
    assert circuits(fleet) == {"closed"}


def test_a_success_of_an_earlier_request_also_resets_the_failures(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    """The failures happen on another instance."""
    instance, other = fleet.clients
    sandbox.fault("delay", path=JOHN, seconds=1.5, times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(instance.dates, "users", JOHN, DAY[:7])
        wait_until(lambda: len(arrival_times(sandbox)) == 1)
        sandbox.fault("reset", path=MARK)
        for month in range(1, 5):
            assert other.dates("users", MARK, f"{DAY[:5]}{month:02}").status_code == 502
        assert not slow.done(), "too late for a meaningful result"
        assert slow.result().status_code == 200
    assert other.dates("users", MARK, DAY[:7]).status_code == 502
    assert circuits(fleet) == {"closed"}


def test_an_open_circuit_sends_one_probe_every_3_to_5_s_and_closes_after_a_success(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    sandbox.fault("reset")
    for read in cold_reads(fleet, 5):
        read()
    opened = time.time()
    reads = cold_reads(fleet, 60, JOHN)
    statuses: list[int] = []

    def go_on_reading(number: int) -> None:
        while 200 not in statuses:
            assert time.time() < opened + 12
            statuses.append(reads[number % 60]().status_code)
            number += 4
            time.sleep(0.05)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(go_on_reading, number) for number in range(4)]
        wait_until(lambda: len(arrival_times(sandbox)) == 6)
        assert circuits(fleet) == {"open"}, "the probe has failed"
        sandbox.control("DELETE", "faults")
        for reader in readers:
            reader.result()
    trials = arrival_times(sandbox)[5:7]
    for before, after in pairwise([opened, *trials]):
        assert 3 <= after - before <= 5
    assert statuses.count(502) == 1, "only the client whose request was the probe"
    assert statuses.index(200) > len(statuses) - 10, (
        "no request succeeded before the successful probe"
    )
    assert {response.status_code for response in concurrently(cold_reads(fleet, 20))} == {200}
    assert circuits(fleet) == {"closed"}


@SERIAL
def test_a_hundred_requests_that_wait_for_videsk_do_not_delay_cached_reads(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    instance = fleet.clients[0]

    def hits() -> list[float]:
        responses = [timed(partial(instance.get, "/api/services")) for _ in range(100)]
        assert all(cache_status(response).startswith("hit; ttl=") for response, _ in responses)
        return sorted(seconds for _, seconds in responses)

    instance.get("/api/services")
    healthy = hits()
    sandbox.fault("hang")
    with ThreadPoolExecutor(100) as pool:
        sandbox.clear_request_log()
        waiting = [pool.submit(read) for read in cold_reads(fleet, 100)]
        wait_until(lambda: len(arrival_times(sandbox)) == 100)
        slow = hits()
        assert not any(future.done() for future in waiting), (
            "ended too early for a meaningful result"
        )
        assert {future.result().status_code for future in waiting} == {504}
    assert slow[98] < 0.25
    assert slow[98] < 10 * median(healthy)


@pytest.mark.parametrize(("key", "status"), [("removed", 403), ("expired", 401)])
def test_a_rejected_key_is_reported_by_every_worker_and_fails_readiness(
    redis: Redis, sandbox: Sandbox, redis_process: ServerProcess, key: str, status: int
) -> None:
    settings = {"VIDESK_API_KEY": sandbox.keys[key]}
    with run_fleet(sandbox, redis_process.port, settings, 1) as fleet:
        (client,) = fleet.clients
        for state in readiness(fleet):
            assert (state["http"], state["videsk"]["key"]) == (200, "accepted")
        assert client.get("/api/appointment", headers=bearer("a.b.c")).status_code == 401
        assert {state["http"] for state in readiness(fleet)} == {200}, (
            "this status does not mean that the key is rejected"
        )
        refused = client.dates("services", FIRST_SERVICE, f"{YEAR}-05")
        assert refused.status_code == status
        assert refused.headers["X-Error-Source"] == "videsk"
        reported = {(state["http"], state["videsk"]["key"]) for state in readiness(fleet)}
        assert (503, "refused") in reported
        assert reported == {(503, "refused")}, "every worker reports the rejected key"


def test_the_next_success_on_any_worker_clears_a_rejected_key_for_all(
    redis: Redis, sandbox: Sandbox, redis_process: ServerProcess
) -> None:
    message = "The integration token it's invalid or was removed."
    with run_fleet(sandbox, redis_process.port, {}, 1) as fleet:
        (server,), (client,) = fleet.instances, fleet.clients
        first, second = started_workers(server)

        cold = iter(f"{datetime.now(UTC).year + ahead}-05" for ahead in range(1, 9))

        def read() -> int:
            return client.dates("users", JOHN, next(cold)).status_code

        sandbox.fault("status", status=403, body={"message": message}, times=1)
        with only_worker(server, first):
            assert read() == 403
        assert {state["http"] for state in readiness(fleet)} == {503}
        sandbox.fault("status", status=500, body={}, times=1)
        with only_worker(server, second):
            assert read() == 500
        assert {state["http"] for state in readiness(fleet)} == {503}, (
            "a 500 does not show that the key is accepted"
        )
        with only_worker(server, second):
            assert read() == 200
        reported = {(state["http"], state["videsk"]["key"]) for state in readiness(fleet)}
        assert reported == {(200, "accepted")}

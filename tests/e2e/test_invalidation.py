"""After a write, no read on any worker or instance returns outdated data (docs/guarantees.md#g4)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests
from redis import Redis

from tests.client import FIRST_SERVICE, FORM, JOHN, ZONE, Client, bearer
from tests.e2e.availability_reads import (
    AFFECTED_BY_FIRST_SERVICE,
    AFFECTED_BY_JOHN,
    DAY,
    ELENA,
    KINDS,
    LATER,
    SLOT,
    UNRELATED_SERVICE,
    assert_invalidated_everywhere,
    read_all_availability,
)
from tests.e2e.fleet import (
    Fleet,
    arrival_times,
    cache_status,
    client_of_each_worker,
    concurrently,
    on_each_worker,
    run_fleet,
    wait_until,
)
from tests.processes import Sandbox, ServerProcess, proxy_server
from tests.timing import SERIAL, TIMING


@pytest.fixture(
    scope="module",
    params=["app:app", "tests.e2e.no_fast_path_app:app"],
    ids=["near", "without-near"],
)
def shared_fleet(
    request: pytest.FixtureRequest, sandbox_process: Sandbox, redis_process: ServerProcess
) -> Iterator[Fleet]:
    settings = {"HOURS_TTL": "60", "VIDESK_TIMEOUT": "4"}
    with run_fleet(sandbox_process, redis_process.port, settings, app=request.param) as fleet:
        yield fleet


@pytest.fixture
def fleet(shared_fleet: Fleet, redis: Redis, sandbox: Sandbox) -> Fleet:
    """Return two instances that have cached only the list of services."""
    assert shared_fleet.clients[0].get("/api/services").status_code == 200
    return shared_fleet


def fill_near_caches(fleet: Fleet) -> None:
    """Read everything twice on every worker, so that near caches are filled."""
    for server in fleet.instances:
        for client in client_of_each_worker(server):
            read_all_availability(client)
            read_all_availability(client)


def book_elsewhere(sandbox: Sandbox, start_at: str = SLOT) -> None:
    """Book directly with Videsk, without the proxy."""
    booking = {"startAt": start_at, "timezone": ZONE, "form": FORM, "referrer": "elsewhere"}
    response = requests.post(
        f"{sandbox.url}/public/video-contact-center/schedule/user/{JOHN}",
        json=booking | {"service": FIRST_SERVICE},
        headers=bearer(sandbox.keys["backend"]),
        timeout=10,
    )
    assert response.status_code == 201


BOOKINGS = pytest.mark.parametrize(
    ("kind", "ident", "affected"),
    [("users", JOHN, AFFECTED_BY_JOHN), ("services", FIRST_SERVICE, AFFECTED_BY_FIRST_SERVICE)],
    ids=["by-user", "by-service"],
)


@BOOKINGS
def test_after_a_booking(
    fleet: Fleet, sandbox: Sandbox, kind: str, ident: str, affected: set[str]
) -> None:
    fill_near_caches(fleet)
    assert fleet.clients[0].book(kind, ident, SLOT).status_code == 201
    assert_invalidated_everywhere(fleet, sandbox, affected)


@pytest.mark.parametrize(
    ("path", "body"),
    [("cancel", {}), ("reschedule", {"date": LATER})],
    ids=["cancellation", "rescheduling"],
)
def test_after_a_cancellation_or_move(
    fleet: Fleet, sandbox: Sandbox, path: str, body: dict[str, str]
) -> None:
    """The response to a cancellation contains the service, but not the user."""
    token = fleet.clients[0].book("users", JOHN, SLOT).json()["actionToken"]
    fill_near_caches(fleet)
    response = fleet.clients[0].post(f"/api/appointment/{path}", body, headers=bearer(token))
    assert response.status_code == 200
    assert_invalidated_everywhere(fleet, sandbox, AFFECTED_BY_FIRST_SERVICE)


def test_after_a_conflict(fleet: Fleet, sandbox: Sandbox) -> None:
    fill_near_caches(fleet)
    book_elsewhere(sandbox)
    assert fleet.clients[0].book("users", JOHN, SLOT).status_code == 409
    assert_invalidated_everywhere(fleet, sandbox, AFFECTED_BY_JOHN)


@pytest.mark.parametrize(
    ("fault", "options"),
    [("reset", {}), ("hang", {}), ("cut", {}), ("html", {}), ("status", {"status": 503})],
    ids=["reset", "timeout", "cut", "html", "503"],
)
def test_after_a_write_of_unknown_outcome(
    fleet: Fleet, sandbox: Sandbox, fault: str, options: dict[str, int]
) -> None:
    fill_near_caches(fleet)
    sandbox.fault(fault, method="POST", times=1, after=True, **options)
    assert fleet.clients[0].book("services", FIRST_SERVICE, SLOT).status_code >= 500
    assert len(sandbox.appointments()) == 1
    assert_invalidated_everywhere(fleet, sandbox, AFFECTED_BY_FIRST_SERVICE)


@pytest.mark.parametrize("path", ["cancel", "reschedule"])
def test_after_a_change_of_unknown_outcome_everything_is_invalidated(
    fleet: Fleet, sandbox: Sandbox, path: str
) -> None:
    token = fleet.clients[0].book("users", JOHN, SLOT).json()["actionToken"]
    fill_near_caches(fleet)
    sandbox.fault("reset", method="POST", times=1, after=True)
    body = {"date": LATER} if path == "reschedule" else {}
    response = fleet.clients[0].post(f"/api/appointment/{path}", body, headers=bearer(token))
    assert (response.status_code, response.json()["data"]) == (502, "outcomeUnknown")
    assert_invalidated_everywhere(fleet, sandbox, set(KINDS))


def test_a_rejected_write_invalidates_nothing(fleet: Fleet, sandbox: Sandbox) -> None:
    fill_near_caches(fleet)
    client = fleet.clients[0]
    for status in (400, 401, 403, 404, 422, 429):
        sandbox.fault("status", method="POST", status=status, body={"name": "No"}, times=2)
        assert client.book("users", JOHN, SLOT).status_code == status
        move = client.post("/api/appointment/reschedule", {"date": LATER}, headers=bearer("a.b.c"))
        assert move.status_code == status
    assert_invalidated_everywhere(fleet, sandbox, set())


def test_without_a_list_of_users_everything_is_invalidated(
    fleet: Fleet, sandbox: Sandbox, redis: Redis
) -> None:
    redis.flushall()
    fill_near_caches(fleet)
    assert fleet.clients[0].book("services", FIRST_SERVICE, SLOT).status_code == 201
    assert_invalidated_everywhere(fleet, sandbox, set(KINDS))


@TIMING
def test_an_expired_list_of_services_does_not_limit_the_invalidation(
    sandbox: Sandbox, redis: Redis, redis_process: ServerProcess
) -> None:
    """An agent may have been added to another service since the list was read."""
    listed = [
        {"_id": FIRST_SERVICE, "title": "First", "users": [{"_id": JOHN}]},
        {"_id": UNRELATED_SERVICE, "title": "Unrelated", "users": [{"_id": ELENA}]},
    ]
    with proxy_server(
        sandbox, REDIS_URL=redis_process.redis_url, SERVICES_TTL="2", HOURS_TTL="60"
    ) as server:
        client = Client(server.url)
        sandbox.fault("status", status=200, path="/services", body=listed, times=1)
        assert len(client.get("/api/services").json()) == 2
        read_at = time.monotonic()
        read = partial(client.hours, "services", UNRELATED_SERVICE, DAY)
        assert cache_status(read()) == "fwd=miss; stored"
        assert client.book("users", JOHN, SLOT).status_code == 201
        assert cache_status(read()).startswith("hit; ttl=")
        assert time.monotonic() - read_at < 2, "the machine is too slow for this test"
        time.sleep(2.1)
        assert client.book("users", JOHN, LATER).status_code == 201
        assert cache_status(read()) == "fwd=miss; stored"


@TIMING
@SERIAL
def test_a_fetch_that_started_before_a_write_is_not_joined_or_served_after_it(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    """Videsk responds before the write, and the response arrives after the write."""
    readers = [partial(client.hours, "users", JOHN, DAY) for client in fleet.clients]
    sandbox.fault("delay", method="GET", path=JOHN, seconds=3.2, after=True, times=1)
    with ThreadPoolExecutor(8) as pool:
        sandbox.clear_request_log()
        before = [pool.submit(reader) for reader in readers * 4]
        wait_until(lambda: arrival_times(sandbox))
        assert fleet.clients[0].book("users", JOHN, SLOT).status_code == 201
        for server, reader in zip(fleet.instances, readers, strict=True):
            for response in on_each_worker(server, reader):
                assert SLOT not in response.json()
        assert not any(future.done() for future in before), (
            "ended too early for a meaningful result"
        )
        assert SLOT in before[0].result().json(), (
            "a read that began before the write may still list the hour"
        )
    for response in concurrently(readers * 6):
        assert SLOT not in response.json()

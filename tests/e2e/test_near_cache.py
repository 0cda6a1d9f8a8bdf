"""The near cache and the fast path: they save round trips, and never serve outdated responses."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from redis import Redis

from common.date_ranges import day_of
from tests.client import JOHN, OPEN_SERVICE, ZONE, Client, bearer, working_day
from tests.days import YEAR
from tests.e2e.fleet import (
    Fleet,
    cache_status,
    fleet_fixture,
    on_each_worker,
    readiness,
    run_fleet,
    wait_until,
)
from tests.e2e.test_redis_outage import FailableRedis
from tests.processes import Sandbox, ServerProcess, proxy_server

DAY = f"{YEAR}-05-06"
READ = f"/api/users/{JOHN}/hours?date={DAY}&timezone=America/Santiago"
SHOP = "https://shop.example"
HITS = 300
NOOR = "63bdbf3b25ab497401602d13"
"""An agent of OPEN_SERVICE."""


fleet = fleet_fixture(
    {"HOURS_TTL": "60", "CORS_ORIGINS": SHOP, "METRICS_TOKEN": "the-metrics-token"}
)


def count_commands(redis: Redis) -> int:
    """Return the number of commands that Redis has run, without this one."""
    return int(redis.info("stats")["total_commands_processed"])


def test_near_cache_hits_cost_no_round_trips(fleet: Fleet, redis: Redis, sandbox: Sandbox) -> None:
    time.sleep(1)  # the first health check of each worker tries all commands
    with requests.Session() as page:
        for _ in range(3):
            page.get(fleet.instances[0].url + READ, timeout=10)
        before, started = count_commands(redis), time.monotonic()
        for _ in range(HITS):
            response = page.get(fleet.instances[0].url + READ, timeout=10)
            assert cache_status(response).startswith("hit; ttl=")
        sent, seconds = count_commands(redis) - before, time.monotonic() - started
    # Leases, deferred counts, and the health checks of both instances.
    assert sent < HITS / 3 + 300 * seconds
    assert len(sandbox.request_log()) == 1


def test_fast_path_responses_have_all_headers_of_flasks(
    fleet: Fleet, redis: Redis, sandbox: Sandbox
) -> None:
    own = {"X-Request-ID", "Cache-Status", "Date"}
    for headers in ({}, {"Origin": SHOP}, {"Origin": "https://other.example"}):
        with requests.Session() as page:
            page.headers.update(headers)
            responses = [page.get(fleet.instances[0].url + READ, timeout=10) for _ in range(5)]
            tagged = {"If-None-Match": responses[0].headers["ETag"], "X-Request-ID": "mine"}
            unchanged = [
                page.get(fleet.instances[0].url + READ, headers=tagged, timeout=10) for _ in "123"
            ]
            heads = [page.head(fleet.instances[0].url + READ, timeout=10) for _ in "123"]
        for group in (responses, unchanged, heads):
            assert len({response.content for response in group}) == 1
            assert len({response.status_code for response in group}) == 1
            assert (
                len({str({k: v for k, v in a.headers.items() if k not in own}) for a in group}) == 1
            )
        assert len({response.headers["X-Request-ID"] for response in responses}) == len(responses)
        assert {response.headers["X-Request-ID"] for response in unchanged} == {"mine"}
        assert unchanged[0].status_code == 304
        assert heads[0].content == b""
        assert heads[0].headers["Content-Length"] == responses[0].headers["Content-Length"]


def test_fast_path_responses_are_counted_and_logged(
    fleet: Fleet, redis: Redis, sandbox: Sandbox
) -> None:
    server, client = fleet.instances[1], fleet.clients[1]

    def counted() -> float:
        figures = client.get("/metrics", headers={"Authorization": "Bearer the-metrics-token"}).text
        (line,) = (
            line
            for line in figures.splitlines()
            if line.startswith(
                'videsk_proxy_requests_total{route="/api/users/{id}/hours",status="200"}'
            )
        )
        return float(line.split()[-1])

    client.get(READ)
    before, lines = counted(), server.output().count("/api/users/{id}/hours")
    for _ in range(20):
        client.get(READ)
    assert counted() - before == 20
    assert server.output().count("/api/users/{id}/hours") - lines == 20


def test_no_read_after_a_bookings_response_lists_its_hour(
    fleet: Fleet, redis: Redis, sandbox: Sandbox
) -> None:
    """Read from every worker of both instances without a pause while hours are booked."""
    free: list[str] = fleet.clients[0].get(READ).json()
    assert_not_shown_after_booking(fleet, READ, free[:12], "users", JOHN, pause_seconds=0.2)


def test_no_read_lists_a_booked_hour_if_a_booking_invalidates_many_groups(
    fleet: Fleet, redis: Redis, sandbox: Sandbox
) -> None:
    """In an account of 74 services without listed users, a booking invalidates all of them."""
    listed = [{"_id": OPEN_SERVICE, "title": "Open", "users": [{"_id": NOOR}]}]
    listed += [{"_id": f"{number:024x}", "title": "Closed"} for number in range(74)]
    sandbox.fault("status", status=200, path="/services", body=listed, times=1)
    assert len(fleet.clients[0].get("/api/services").json()) == 75
    read = f"/api/users/{NOOR}/hours?date={working_day()}&timezone=UTC"
    free: list[str] = fleet.clients[0].get(read).json()
    booked = partial(assert_not_shown_after_booking, fleet, read, free[:60], "users", NOOR)
    booked(pause_seconds=0.05, service=OPEN_SERVICE)


def assert_not_shown_after_booking(
    fleet: Fleet,
    read: str,
    hours: list[str],
    kind: str,
    ident: str,
    *,
    pause_seconds: float,
    **more: Any,
) -> None:
    """Book the hours one after another, while all workers are read from without a pause."""
    shown: list[tuple[float, list[str]]] = []
    booked: list[tuple[float, str]] = []
    hits = 0
    stopped = Event()

    def keep_reading(url: str) -> None:
        nonlocal hits
        with requests.Session() as page:
            while not stopped.is_set():
                started = time.monotonic()
                response = page.get(url + read, timeout=10)
                hits += "hit" in response.headers["Cache-Status"]
                shown.append((started, response.json()))

    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(keep_reading, server.url) for server in fleet.instances * 3]
        try:
            for hour in hours:
                assert fleet.clients[0].book(kind, ident, hour, **more).status_code == 201
                booked.append((time.monotonic(), hour))
                time.sleep(pause_seconds)
            time.sleep(0.5)
        finally:
            stopped.set()
        for future in reading:
            future.result()
    assert hits > len(shown) / 2 > 200
    old = [
        hour
        for answered, hour in booked
        for began, hours_shown in shown
        if began > answered and hour in hours_shown
    ]
    assert old == []


def test_a_refresh_by_another_process_is_visible_once_the_near_entry_is_stale(
    sandbox: Sandbox, redis: Redis, redis_process: ServerProcess
) -> None:
    """The fast path serves no stale responses. Flask decides whether a stale one is allowed."""
    settings = {"REDIS_URL": redis_process.redis_url, "HOURS_TTL": "1"}
    with proxy_server(sandbox, **settings, HOURS_STALE="0") as server:
        client = Client(server.url)
        for _ in range(5):
            client.get(READ)
        sandbox.clear_request_log()
        time.sleep(1.1)
        statuses = [cache_status(client.get(READ)) for _ in range(5)]
        assert statuses[0].startswith("fwd=miss")
        assert all(status == "hit; ttl=1" for status in statuses[1:])
        assert len(sandbox.request_log()) == 1


def videsk_hours(sandbox: Sandbox) -> list[str]:
    """Return Videsk's response to READ."""
    response = requests.get(
        f"{sandbox.url}/public/video-contact-center/users/{JOHN}/hours",
        {"date": day_of(DAY, ZoneInfo(ZONE)).query_instant(datetime.now(UTC)), "timezone": ZONE},
        headers=bearer(sandbox.keys["backend"]),
        timeout=10,
    )
    hours: list[str] = response.json()
    return hours


@pytest.mark.parametrize(
    ("lose", "bring_back"),
    [
        (lambda redis: redis.signal(signal.SIGSTOP), lambda redis: redis.signal(signal.SIGCONT)),
        (lambda redis: redis.signal(signal.SIGKILL), lambda redis: redis.start()),
    ],
    ids=["it-has-kept-all", "it-is-empty"],
)
def test_during_and_after_an_outage_no_outdated_entry_is_served(
    sandbox: Sandbox,
    lose: Callable[[FailableRedis], None],
    bring_back: Callable[[FailableRedis], None],
) -> None:
    """Every worker has the hours in its near cache when Redis becomes unavailable. Then each books one."""
    redis = FailableRedis()
    redis.start()
    try:
        with run_fleet(sandbox, redis.port, {"HOURS_TTL": "600"}) as fleet:

            def fill_near_cache(client: Client) -> None:
                while not cache_status(client.get(READ)).startswith("hit; ttl="):
                    pass

            for server, client in zip(fleet.instances, fleet.clients, strict=True):
                on_each_worker(server, partial(fill_near_cache, client))
            lose(redis)
            wait_until(lambda: {state["redis"] for state in readiness(fleet)} == {"away"})
            booked: list[str] = []

            def book_and_read(client: Client) -> None:
                hour = videsk_hours(sandbox)[0]
                assert hour in client.get(READ).json()
                assert client.book("users", JOHN, hour).status_code == 201
                booked.append(hour)
                for _ in "123":
                    assert client.get(READ).json() == videsk_hours(sandbox)

            for server, client in zip(fleet.instances, fleet.clients, strict=True):
                on_each_worker(server, partial(book_and_read, client))
            assert len(booked) == 4
            assert not set(booked) & set(videsk_hours(sandbox))
            bring_back(redis)
            wait_until(lambda: {state["redis"] for state in readiness(fleet)} == {"ok"})
            for server, client in zip(fleet.instances, fleet.clients, strict=True):
                for responses in on_each_worker(server, lambda: [client.get(READ) for _ in "123"]):  # noqa: B023 - called in this iteration
                    assert [response.json() for response in responses] == [
                        videsk_hours(sandbox)
                    ] * 3
    finally:
        redis.end()

"""Cache misses are queued fairly by client address (docs/guarantees.md#g11)."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
import requests
from redis import Redis

from tests.client import Client, bearer
from tests.e2e.fleet import (
    Fleet,
    arrival_times,
    fleet_fixture,
    only_worker,
    wait_until,
    workers_of,
)
from tests.processes import Sandbox
from tests.timing import TIMING

pytestmark = TIMING

YEAR = datetime.now(UTC).year + 2
SERVICES = [f"63bdbf49394aad976d4aa4{end}" for end in ("3d", "3e", "3f", "41", "42", "43", "44")]
ZONES = ["UTC", "America/Santiago", "America/Lima", "America/Bogota", "Europe/Madrid", "Asia/Tokyo"]
SETTINGS = {"VIDESK_RATE_LIMIT": "20", "TRUSTED_PROXIES": "1"}
BUSY_ADDRESS, VISITOR_ADDRESS = "198.51.100.1", "203.0.113.1"
SENT_BEFORE = 40
"""How many requests of the busy client may be sent to Videsk while another client waits: two seconds of
the rate limit. In the order of arrival there would be more.
"""


with_redis = fleet_fixture(SETTINGS)
in_process = fleet_fixture(SETTINGS, instances=1, with_redis=False)


@pytest.fixture(params=["with_redis", "in_process"])
def servers(request: pytest.FixtureRequest, redis: Redis, sandbox: Sandbox) -> Fleet:
    time.sleep(1.2)  # wait for the rate limit window of the previous test to end
    shared_fleet: Fleet = request.getfixturevalue(request.param)
    return shared_fleet


def from_address(address: str, token: str | None = None) -> dict[str, str]:
    return {"X-Forwarded-For": address} | (bearer(token) if token else {})


def appointment(client: Client, address: str, number: int) -> requests.Response:
    """Read an appointment with an unknown token, which is never cached."""
    return client.get("/api/appointment", headers=from_address(address, f"a.b.{number}"))


def dates(client: Client, address: str, service: str, month: int, zone: str) -> requests.Response:
    path = f"/api/services/{service}/dates"
    params = {"date": f"{YEAR}-{month:02}", "timezone": zone}
    return client.get(path, params=params, headers=from_address(address))


@contextmanager
def busy_client(
    sandbox: Sandbox, calls: Sequence[Callable[[], requests.Response]]
) -> Iterator[list[Future[requests.Response]]]:
    """Run these calls of one client in the background, so that the rate limit is exhausted."""
    with ThreadPoolExecutor(len(calls)) as pool:
        under_way = [pool.submit(call) for call in calls]
        wait_until(lambda: len(arrival_times(sandbox)) >= 20)
        yield under_way
        assert not all(call.done() for call in under_way), (
            "the load ended too early for a meaningful result"
        )


def read_in_turn(sandbox: Sandbox, read: Callable[[], requests.Response]) -> None:
    """Check that this read does not wait for all earlier requests of the busy client."""
    before = len(arrival_times(sandbox))
    assert read().status_code == 200
    assert len(arrival_times(sandbox)) - before <= SENT_BEFORE


def test_195_invalid_tokens_do_not_delay_another_client(servers: Fleet, sandbox: Sandbox) -> None:
    clients = servers.clients_for(195)
    junk = [
        partial(appointment, client, BUSY_ADDRESS, number) for number, client in enumerate(clients)
    ]
    with busy_client(sandbox, junk) as attack:
        for month, client in enumerate(servers.clients_for(6), start=1):
            read_in_turn(
                sandbox, partial(dates, client, VISITOR_ADDRESS, SERVICES[0], month, "UTC")
            )
    statuses = [call.result().status_code for call in attack]
    assert set(statuses) <= {401, 503}
    assert statuses.count(401) >= 150, "one address may use the capacity that others leave"


def test_many_availability_calls_do_not_delay_other_clients_even_for_the_same_hours(
    servers: Fleet, sandbox: Sandbox
) -> None:
    places = [(service, zone) for zone in ZONES for service in SERVICES]
    calls = [
        partial(
            client.get,
            f"/api/services/{service}/availability",
            params={"date": f"{YEAR}-{month:02}", "timezone": zone, "days": 31},
            headers=from_address(BUSY_ADDRESS),
        )
        for month in (5, 6)
        for client, (service, zone) in zip(servers.clients_for(len(places)), places, strict=True)
    ]
    with busy_client(sandbox, calls):
        client = servers.clients[-1]
        for month, (service, zone) in ((8, places[0]), (6, places[-1]), (6, places[-2])):
            read_in_turn(sandbox, partial(dates, client, VISITOR_ADDRESS, service, month, zone))


def test_slots_of_a_killed_workers_reads_are_freed_within_a_second(
    with_redis: Fleet, redis: Redis, sandbox: Sandbox
) -> None:
    server, client = with_redis.instances[0], with_redis.clients[0]
    victim, pause_seconds = workers_of(server)[0], 5
    headers = {"Retry-After": str(pause_seconds)}
    sandbox.fault("status", status=429, body=[], headers=headers, times=1)
    assert appointment(client, BUSY_ADDRESS, 0).status_code == 429
    free_at = time.monotonic() + pause_seconds
    with ThreadPoolExecutor(80) as pool:
        with only_worker(server, victim):
            lost = [
                pool.submit(appointment, client, BUSY_ADDRESS, number) for number in range(1, 81)
            ]
            wait_until(lambda: queue_length(redis) >= 70)
        os.kill(victim, signal.SIGKILL)
        assert time.monotonic() < free_at, "too late for a meaningful result"
        response = appointment(with_redis.clients[1], BUSY_ADDRESS, 99)
        assert time.monotonic() < free_at + 1, "seventy slots would take 4 s to expire"
        assert response.status_code == 401
        assert sum(isinstance(call.exception(), requests.ConnectionError) for call in lost) >= 70
    assert len(arrival_times(sandbox)) <= 2 + 80 - 70
    assert queue_length(redis) == 0


def queue_length(redis: Redis) -> int:
    """Return the number of reads in the queue."""
    return sum(redis.zcard(key) for key in redis.keys("*gate:queue"))

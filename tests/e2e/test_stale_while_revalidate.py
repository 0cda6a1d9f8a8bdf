"""Fresh, stale and expired entries: what is served at which age, and its Cache-Status."""

import time
from collections import Counter
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import requests
from redis import Redis

from tests.client import AUTOMATIC_SERVICE, FIRST_SERVICE, JOHN, MARK
from tests.days import YEAR
from tests.e2e.fleet import (
    Fleet,
    arrival_times,
    cache_status,
    concurrently,
    fleet_fixture,
    on_each_worker,
    timed,
    wait_until,
)
from tests.processes import Sandbox
from tests.timing import SERIAL, TIMING

pytestmark = [TIMING, SERIAL]

HOURS_TTL, HOURS_STALE = 0.5, 1.8
SETTINGS = {
    "SERVICES_TTL": "0",
    "DATES_TTL": "1.5",
    "HOURS_TTL": str(HOURS_TTL),
    "HOURS_STALE": str(HOURS_STALE),
    "VIDESK_TIMEOUT": "1.3",
}
OLD_HOURS = [f"{YEAR}-05-06T12:00:00.000Z"]
"""Hours that Videsk returned for the first read only."""

STORED, COLLAPSED = "fwd=miss; stored", "fwd=miss; collapsed"


shared_fleet = fleet_fixture(SETTINGS)


@pytest.fixture
def fleet(shared_fleet: Fleet, redis: Redis, sandbox: Sandbox) -> Fleet:
    """Return two instances with an empty cache."""
    return shared_fleet


def test_a_fresh_response_is_served_by_all_workers_with_its_ttl(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    instance, other = fleet.clients
    read = [partial(client.dates, "users", JOHN, f"{YEAR}-05") for client in (instance, other)]
    first = read[0]()
    requested_at = time.monotonic()
    assert cache_status(first) == STORED
    for number, server in enumerate(fleet.instances):
        for response in on_each_worker(server, read[number]):
            assert cache_status(response) == "hit; ttl=2"
            assert response.content == first.content
    assert time.monotonic() - requested_at < 0.5, "the machine is too slow for this test"
    wait_until(lambda: cache_status(read[1]()) == "hit; ttl=1")
    assert len(arrival_times(sandbox)) == 1


def test_a_stale_response_is_served_immediately_while_one_refresh_runs(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    reads = [partial(client.dates, "users", MARK, f"{YEAR}-05") for client in fleet.clients]
    sandbox.fault("status", status=200, body=OLD_HOURS, times=1)
    assert reads[0]().json() == OLD_HOURS
    requested_at = time.monotonic()
    sandbox.fault("delay", seconds=1)
    time.sleep(1.52)

    by_worker = [
        response
        for read, server in zip(reads, fleet.instances, strict=True)
        for response in on_each_worker(server, partial(timed, read))
    ]
    crowd = concurrently([partial(timed, reads[number % 2]) for number in range(40)])
    assert time.monotonic() - requested_at < 2.5, (
        "the refresh has ended: too early for a meaningful result"
    )

    for response, seconds in by_worker + crowd:
        assert (response.status_code, response.json()) == (200, OLD_HOURS)
        assert cache_status(response) == "hit; ttl=-1; detail=stale"
        assert seconds < 0.7, "a stale response does not wait"
    wait_until(lambda: reads[1]().json() != OLD_HOURS)
    for read in reads:
        assert cache_status(read()) == "hit; ttl=1"
    assert len(arrival_times(sandbox)) == 2, "the first read and one refresh for all workers"


FAILURES: list[tuple[str, dict[str, Any], int]] = [
    ("reset", {}, 502),
    ("hang", {}, 504),
    ("status", {"status": 500, "body": {"name": "GeneralError"}}, 500),
    ("status", {"status": 429, "body": {"name": "TooManyRequests"}}, 429),
]


@pytest.mark.parametrize(
    ("fault", "options", "status"), FAILURES, ids=["reset", "timeout", "500", "429"]
)
def test_while_videsk_fails_stale_entries_are_served_and_refreshed_once_a_second(
    fleet: Fleet, sandbox: Sandbox, fault: str, options: dict[str, Any], status: int
) -> None:
    reads = [
        partial(client.hours, "services", FIRST_SERVICE, f"{YEAR}-05-06")
        for client in fleet.clients
    ]
    videsk_availability = reads[0]()
    requested_at = time.monotonic()
    sandbox.clear_request_log()
    sandbox.fault(fault, **options)
    responses: list[requests.Response] = []
    while True:
        started = time.monotonic() - requested_at
        response, seconds = timed(reads[len(responses) % 2])
        responses.append(response)
        if response.status_code != 200:
            break
        ended = time.monotonic() - requested_at
        assert response.content == videsk_availability.content
        assert seconds < 0.4, "a cached response does not wait"
        if ended < HOURS_TTL - 0.1:  # it was requested slightly before it arrived
            assert cache_status(response) == "hit; ttl=1"
        elif started > HOURS_TTL:
            assert cache_status(response) in {
                f"hit; ttl={ttl}; detail=stale" for ttl in _ttls(started, ended)
            }
        assert started < HOURS_TTL + HOURS_STALE, "it has expired"
        time.sleep(0.02)

    served = Counter("stale" in cache_status(response) for response in responses[:-1])
    assert served[False] > 1, "fresh ones"
    assert served[True] > 5, "stale ones"
    assert started > HOURS_TTL + HOURS_STALE - 0.2, f"expired too early: {response.text}"
    assert response.status_code == status
    refreshes = [
        at for at in arrival_times(sandbox) if at < arrival_times(sandbox)[0] + HOURS_STALE - 0.1
    ]
    assert len(refreshes) == {504: 1}.get(status, 2)
    for first, second in pairwise(refreshes):
        assert second - first >= 1


def _ttls(least_age: float, greatest_age: float) -> set[int]:
    """Return the possible `ttl` values at this age, with some hundredths of a second of tolerance."""
    return {-1 - int(age - HOURS_TTL) for age in (least_age, greatest_age, greatest_age + 0.1)}


def test_a_follower_is_marked_as_collapsed(fleet: Fleet, sandbox: Sandbox) -> None:
    sandbox.fault("delay", seconds=0.7)
    reads = [
        partial(client.hours, "services", AUTOMATIC_SERVICE, f"{YEAR}-05-06")
        for client in fleet.clients_for(12)
    ]
    assert sorted(map(cache_status, concurrently(reads))) == [COLLAPSED] * 11 + [STORED]
    assert len(arrival_times(sandbox)) == 1


def test_uncached_responses_are_not_marked_as_stored(fleet: Fleet, sandbox: Sandbox) -> None:
    instance, other = fleet.clients
    for client in (instance, instance, other):
        assert cache_status(client.get("/api/services")) == "fwd=miss"
    sandbox.clear_request_log()
    sandbox.fault("delay", seconds=1)
    lists = [partial(client.get, "/api/services") for client in fleet.clients_for(120)]
    assert sorted(map(cache_status, concurrently(lists))) == ["fwd=miss"] + [COLLAPSED] * 119
    assert len(arrival_times(sandbox)) == 2, "each of the two pages once"


def test_an_error_is_not_cached(fleet: Fleet, sandbox: Sandbox) -> None:
    sandbox.fault("reset", times=1)
    instance, other = fleet.clients
    assert instance.hours("users", JOHN, f"{YEAR}-05-06").status_code == 502
    assert cache_status(other.hours("users", JOHN, f"{YEAR}-05-06")) == STORED

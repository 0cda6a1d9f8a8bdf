"""The rate limit for each client, over all routes, workers and instances."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import pytest
import requests
from redis import Redis

from tests.client import FIRST_SERVICE, JOHN, Client
from tests.days import YEAR
from tests.e2e.fleet import concurrently, on_each_worker
from tests.processes import (
    Sandbox,
    ServerProcess,
    free_port,
    local_redis_url,
    proxy_server,
    redis_server,
)
from tests.timing import TIMING

SHOP = "https://shop.example"
CALLS, POSTS = 5, 3
LIMITS = {
    "CLIENT_RATE_LIMIT": f"{CALLS}/minute",
    "BOOKING_RATE_LIMIT": f"{POSTS}/minute",
    "TRUSTED_PROXIES": "1",
    "CORS_ORIGINS": SHOP,
}
UNUSED_ADDRESSES = map("198.51.100.{}".format, count(1))
"""Addresses that have not been used yet."""

COUNTED_ROUTES = [
    ("GET", "/api/services"),
    ("HEAD", "/api/services"),
    ("GET", f"/api/users/{JOHN}/dates?date=x&timezone=UTC"),
    ("GET", "/api/appointment"),
    ("GET", "/api/users/x/hours"),
    ("POST", f"/api/users/{JOHN}/appointments"),
    ("GET", "/api/nowhere"),
    ("POST", "/api/services"),
]
UNCOUNTED = [("OPTIONS", "/api/services"), ("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/hooks/videsk")]  # fmt: skip
POST_ROUTES = [
    f"/api/services/{FIRST_SERVICE}/appointments",
    f"/api/users/{JOHN}/appointments",
    "/api/appointment/cancel",
    "/api/appointment/reschedule",
]


@pytest.fixture(scope="module")
def two_instances(
    sandbox_process: Sandbox, redis_process: ServerProcess
) -> Iterator[list[ServerProcess]]:
    """Start two instances with two workers each that share a Redis."""
    settings = LIMITS | {"REDIS_URL": redis_process.redis_url}
    with (
        proxy_server(sandbox_process, **settings) as instance,
        proxy_server(sandbox_process, **settings) as other,
    ):
        yield [instance, other]


@pytest.fixture(scope="module")
def one_process(sandbox_process: Sandbox) -> Iterator[list[ServerProcess]]:
    """Start one instance without Redis."""
    with proxy_server(sandbox_process, **LIMITS) as server:
        yield [server]


@pytest.fixture(params=["two_instances", "one_process"])
def urls(request: pytest.FixtureRequest, redis: Redis, sandbox: Sandbox) -> list[str]:
    return [server.url for server in request.getfixturevalue(request.param)]


def call(
    url: str, forwarded: str, method: str = "GET", path: str = "/api/appointment"
) -> requests.Response:
    """Send a call as a trusted proxy forwards it. By default, the call does not reach Videsk."""
    headers = {"X-Forwarded-For": forwarded, "Origin": SHOP}
    return Client(url).call(method, path, headers=headers)


def statuses(url: str, forwarded: str, times: int) -> list[int]:
    return [call(url, forwarded).status_code for _ in range(times)]


@pytest.mark.parametrize(("method", "path"), COUNTED_ROUTES)
def test_every_api_call_counts_whether_it_succeeds_or_not(
    urls: list[str], method: str, path: str
) -> None:
    address = next(UNUSED_ADDRESSES)
    first = call(urls[0], address, method, path)
    assert first.status_code != 429
    assert 429 not in statuses(urls[-1], address, CALLS - 1)
    last = call(urls[0], address, method, path)
    assert last.status_code == 429, f"{method} {path}, a {first.status_code}, did not count"
    assert call(urls[0], next(UNUSED_ADDRESSES), method, path).status_code == first.status_code


@pytest.mark.parametrize(("method", "path"), UNCOUNTED)
def test_preflights_probes_and_hooks_are_neither_counted_nor_rejected(
    urls: list[str], method: str, path: str
) -> None:
    address = next(UNUSED_ADDRESSES)
    first = call(urls[0], address, method, path).status_code
    assert {call(urls[0], address, method, path).status_code for _ in range(9)} == {first}
    assert statuses(urls[0], address, CALLS + 1) == [401] * CALLS + [429]
    assert call(urls[0], address, method, path).status_code == first != 429


@pytest.mark.parametrize("path", POST_ROUTES)
def test_all_posts_count_together_and_leave_reads_alone(urls: list[str], path: str) -> None:
    address = next(UNUSED_ADDRESSES)
    others = [other for other in POST_ROUTES if other != path]
    before = [call(urls[-1], address, "POST", other).status_code for other in others]
    assert set(before) == {401, 415}
    assert call(urls[0], address, "POST", path).status_code == 429
    assert call(urls[0], address).status_code == 401


def test_a_429_has_the_error_format_and_a_retry_after(urls: list[str]) -> None:
    address = next(UNUSED_ADDRESSES)
    statuses(urls[0], address, CALLS)
    for method, path in (("GET", "/api/services"), ("POST", POST_ROUTES[0])):
        response = call(urls[-1], address, method, path)
        body = response.json()
        assert response.status_code == body.pop("code") == 429
        assert body.pop("message")
        assert body == {
            "name": "TooManyRequests",
            "className": "too-many-requests",
            "errors": {},
        }
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert response.headers["X-Error-Source"] == "proxy"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Access-Control-Allow-Origin"] == SHOP
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
        assert response.headers["Vary"] == "Origin"
        assert len(response.headers["X-Request-ID"]) == 32


def test_rejected_calls_do_not_reach_videsk(urls: list[str], sandbox: Sandbox) -> None:
    headers = {"X-Forwarded-For": next(UNUSED_ADDRESSES)}
    client, day = Client(urls[0]), f"{YEAR}-05-06"
    for minute in range(0, 15 * POSTS, 15):
        start = f"{day}T14:{minute:02}:00Z"
        assert client.book("users", JOHN, start, headers=headers).status_code == 201
    sandbox.clear_request_log()
    for url in urls * 2:
        start = f"{day}T15:00:00Z"
        assert Client(url).book("users", JOHN, start, headers=headers).status_code == 429
        statuses(url, headers["X-Forwarded-For"], CALLS)
        path = f"/api/users/{JOHN}/hours?date={day}&timezone=UTC"
        assert call(url, headers["X-Forwarded-For"], path=path).status_code == 429
    assert sandbox.request_log() == []


def test_all_workers_of_all_instances_count_together(
    two_instances: list[ServerProcess], redis: Redis
) -> None:
    address = next(UNUSED_ADDRESSES)
    seen = [
        response.status_code
        for server in two_instances
        for response in on_each_worker(server, partial(call, server.url, address))
    ]
    assert seen == [401] * 4
    assert call(two_instances[0].url, address).status_code == 401
    for server in two_instances:
        refused = on_each_worker(server, partial(call, server.url, address))
        assert [response.status_code for response in refused] == [429, 429]


def test_concurrent_calls_get_no_more_than_the_limit(urls: list[str]) -> None:
    address = next(UNUSED_ADDRESSES)
    calls: list[Callable[[], requests.Response]] = [
        partial(call, url, address) for url in urls * (24 // len(urls))
    ]
    assert [response.status_code for response in concurrently(calls)].count(401) == CALLS


def read_availability(url: str, address: str, view: str, **params: object) -> requests.Response:
    path = f"/api/users/{JOHN}/{view}"
    return Client(url).get(path, params=params, headers={"X-Forwarded-For": address})


def test_availability_and_next_are_charged_by_their_requests_to_videsk(
    urls: list[str], sandbox: Sandbox
) -> None:
    address, other = next(UNUSED_ADDRESSES), next(UNUSED_ADDRESSES)
    first = read_availability(urls[0], address, "next", timezone="UTC", limit=1)
    assert first.status_code == 200
    sent = len(sandbox.request_log())
    assert 2 <= sent < CALLS
    assert statuses(urls[-1], address, CALLS - sent + 1) == [401] * (CALLS - sent) + [429]
    repeated = read_availability(urls[0], other, "next", timezone="UTC", limit=1)
    assert repeated.status_code == 200
    repeats = len(sandbox.request_log()) - sent
    assert repeats <= 1, "the hours are cached"
    assert statuses(urls[-1], other, CALLS) == [401] * (CALLS - 1) + [429]


def test_a_call_that_exceeds_the_limit_by_its_cost_succeeds_and_the_next_is_rejected(
    urls: list[str], sandbox: Sandbox
) -> None:
    address = next(UNUSED_ADDRESSES)
    month = datetime.now(UTC) + timedelta(days=40)
    days = {"date": f"{month:%Y-%m}", "timezone": "UTC", "days": 7}
    assert read_availability(urls[0], address, "availability", **days).status_code == 200
    assert len(sandbox.request_log()) > CALLS
    assert statuses(urls[-1], address, 1) == [429]


@TIMING
@pytest.mark.parametrize("with_redis", [True, False])
def test_the_limit_resets_after_the_window(
    sandbox: Sandbox, redis_process: ServerProcess, redis: Redis, *, with_redis: bool
) -> None:
    shared = {"REDIS_URL": redis_process.redis_url} if with_redis else {}
    limits = {"CLIENT_RATE_LIMIT": "8/second", "BOOKING_RATE_LIMIT": "4/second"}
    with proxy_server(sandbox, **shared, **limits) as server:
        for method, path, free in (("GET", "/api/appointment", 8), ("POST", POST_ROUTES[2], 4)):
            for _ in range(2):
                responses = concurrently([partial(call, server.url, "", method, path)] * 16)
                refused = [response for response in responses if response.status_code == 429]
                assert free <= 16 - len(refused) < 16
                assert {response.headers["Retry-After"] for response in refused} == {"1"}
                time.sleep(1)


def test_when_redis_dies_each_process_keeps_counting(sandbox: Sandbox) -> None:
    with redis_server() as redis, proxy_server(
        sandbox, REDIS_URL=redis.redis_url, **LIMITS | {"WEB_CONCURRENCY": "1"}
    ) as server:  # fmt: skip
        address, other = next(UNUSED_ADDRESSES), next(UNUSED_ADDRESSES)
        assert statuses(server.url, address, CALLS + 1) == [401] * CALLS + [429]
        os.killpg(redis.process.pid, signal.SIGKILL)
        for caller in (address, other):
            assert statuses(server.url, caller, CALLS + 1) == [401] * CALLS + [429]
        refused = call(server.url, other, "POST", POST_ROUTES[0])
        assert (refused.status_code, refused.json()["name"]) == (429, "TooManyRequests")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60


LARGE_LIMIT = 120


@pytest.fixture(scope="module")
def large_limit_urls(
    sandbox_process: Sandbox, redis_process: ServerProcess
) -> Iterator[list[ServerProcess]]:
    """Start two instances with a limit that is large enough for the fast path to defer its counts."""
    settings = LIMITS | {
        "REDIS_URL": redis_process.redis_url,
        "CLIENT_RATE_LIMIT": f"{LARGE_LIMIT}/minute",
    }
    with (
        proxy_server(sandbox_process, **settings) as instance,
        proxy_server(sandbox_process, **settings) as other,
    ):
        yield [instance, other]


def test_a_large_limit_is_exact_although_hits_are_counted_later(
    large_limit_urls: list[ServerProcess], redis: Redis, sandbox: Sandbox
) -> None:
    address, responses = next(UNUSED_ADDRESSES), []
    with requests.Session() as page:
        page.headers["X-Forwarded-For"] = address
        for number in range(LARGE_LIMIT + 30):
            url = large_limit_urls[number % 2].url
            responses.append(page.get(f"{url}/api/services", timeout=10).status_code)
    assert responses == [200] * LARGE_LIMIT + [429] * 30


@TIMING
def test_a_burst_of_hits_exceeds_a_large_limit_only_slightly(
    large_limit_urls: list[ServerProcess], redis: Redis, sandbox: Sandbox
) -> None:
    address = next(UNUSED_ADDRESSES)

    def burst(url: str) -> int:
        with requests.Session() as page:
            page.headers["X-Forwarded-For"] = address
            return sum(page.get(f"{url}/api/services", timeout=10).ok for _ in range(50))

    let_in = sum(concurrently([partial(burst, server.url) for server in large_limit_urls * 4]))
    assert LARGE_LIMIT <= let_in <= LARGE_LIMIT * 1.1


@TIMING
def test_far_from_a_large_limit_hits_are_counted_in_redis_in_batches(
    large_limit_urls: list[ServerProcess], redis: Redis, sandbox: Sandbox
) -> None:
    def counted() -> int:
        return int(redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])

    with requests.Session() as page:
        page.headers["X-Forwarded-For"] = next(UNUSED_ADDRESSES)
        for _ in range(3):
            page.get(f"{large_limit_urls[0].url}/api/services", timeout=10)
        time.sleep(0.1)
        before = counted()
        for _ in range(40):
            page.get(f"{large_limit_urls[0].url}/api/services", timeout=10)
        time.sleep(0.1)
    assert 0 < counted() - before < 40 * 0.75


def test_without_its_redis_a_process_keeps_a_large_limit_too(sandbox: Sandbox) -> None:
    """Deferred counts would not reach Redis, so each call is counted in the process."""
    settings = LIMITS | {"REDIS_URL": local_redis_url(free_port()), "WEB_CONCURRENCY": "1"}
    with proxy_server(
        sandbox, **settings | {"CLIENT_RATE_LIMIT": f"{LARGE_LIMIT}/minute"}
    ) as server:
        responses = statuses(server.url, next(UNUSED_ADDRESSES), LARGE_LIMIT + 30)
    assert responses == [401] * LARGE_LIMIT + [429] * 30


def test_a_process_that_loses_redis_continues_from_its_pending_counts(sandbox: Sandbox) -> None:
    address = next(UNUSED_ADDRESSES)
    with redis_server() as redis:
        settings = LIMITS | {"REDIS_URL": redis.redis_url, "WEB_CONCURRENCY": "1"}
        with proxy_server(
            sandbox, **settings | {"CLIENT_RATE_LIMIT": f"{LARGE_LIMIT}/minute"}
        ) as server:
            assert statuses(server.url, address, 20) == [401] * 20
            redis.process.send_signal(signal.SIGKILL)
            redis.process.wait()
            responses = statuses(server.url, address, LARGE_LIMIT + 30)
    assert responses[-30:] == [429] * 30
    assert LARGE_LIMIT - 20 <= responses.count(401) <= LARGE_LIMIT

"""Which requests belong to one client, and when it exceeds its rate limit."""

from typing import Any

import gevent
import pytest
from flask import Flask, Response, g
from flask_limiter import Limiter

from tests.fakes import UnavailableRedis
from tests.unit.web.setup import small_app
from web import client_limits
from web.client_limits import (
    MIN_LIMIT,
    TRUSTED_PROXIES,
    DeferredCounter,
    address_in,
    client_network,
)


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("203.0.113.7", 0, "10.0.0.1"),
        ("203.0.113.7", 1, "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", 1, "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", 2, "198.51.100.1"),
        ("203.0.113.7", 2, "10.0.0.1"),
        ('"forged, 203.0.113.7', 1, "203.0.113.7"),
        ("203.0.113.7, ", 1, "10.0.0.1"),
        ("203.0.113.7:4711", 1, "203.0.113.7"),
        ("[2001:db8::1]:4711", 1, "2001:db8::1"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("", 1, "10.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_the_last_trusted_proxy_has_seen(
    forwarded: str, proxies: int, address: str
) -> None:
    environ = {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": "10.0.0.1"}
    assert address_in(environ, proxies) == address


def test_a_request_without_an_address_gets_a_placeholder() -> None:
    assert address_in({}, 0) == "unknown"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("unknown", "unknown", True),
    ],
)
def test_an_ipv6_network_of_64_bits_is_one_client(one: str, other: str, is_same: bool) -> None:
    def network(address: str) -> str:
        with small_app().test_request_context(environ_base={"REMOTE_ADDR": address}):
            return client_network()

    assert (network(one) == network(other)) is is_same


def limited_app(redis: Any = None, rate: str = "3/minute", posts: str = "2/minute") -> Flask:
    app = small_app()
    client_limits.register(app, redis, "tests:", rate, posts)
    app.add_url_rule("/api/a", "a", lambda: "{}", methods=["GET", "POST"])
    app.add_url_rule("/healthz", "b", lambda: "{}", methods=["GET", "POST"])
    app.register_error_handler(429, lambda _: Response(str(g.retry_after), 429))
    return app


@pytest.fixture(params=["without Redis", "in an outage"])
def app(request: pytest.FixtureRequest) -> Flask:
    return limited_app(None if request.param == "without Redis" else UnavailableRedis())


def statuses(
    app: Flask, method: str, path: str, times: int, address: str = "10.0.0.1"
) -> list[int]:
    client = app.test_client()
    environ = {"REMOTE_ADDR": address}
    return [
        client.open(path, method=method, environ_base=environ).status_code for _ in range(times)
    ]


def test_a_client_over_its_limit_gets_a_429_and_others_do_not(app: Flask) -> None:
    assert statuses(app, "GET", "/api/a", 5) == [200, 200, 200, 429, 429]
    assert statuses(app, "GET", "/api/a", 1, "10.0.0.2") == [200]


def test_paths_that_do_not_exist_count_too(app: Flask) -> None:
    assert statuses(app, "GET", "/api/nothing", 4) == [404, 404, 404, 429]


def test_posts_have_a_limit_of_their_own(app: Flask) -> None:
    assert statuses(app, "POST", "/api/a", 3) == [200, 200, 429]


def test_preflights_and_paths_outside_of_api_are_not_limited(app: Flask) -> None:
    assert set(statuses(app, "OPTIONS", "/api/a", 9)) == {200}
    assert set(statuses(app, "POST", "/healthz", 9)) == {200}
    assert statuses(app, "GET", "/api/a", 1) == [200]


def test_a_429_waits_until_the_window_ends(app: Flask) -> None:
    statuses(app, "GET", "/api/a", 3)
    response = app.test_client().get("/api/a", environ_base={"REMOTE_ADDR": "10.0.0.1"})
    assert 1 <= int(response.text) <= 60


def test_availability_is_charged_for_each_request_to_videsk() -> None:
    app = limited_app(rate="4/minute")

    def availability() -> str:
        g.request_context.attempts = 3
        return "{}"

    app.add_url_rule("/api/availability", "users.availability", availability)
    assert statuses(app, "GET", "/api/availability", 3) == [200, 200, 429]


def deferred_counter(redis: Any, limit: int) -> DeferredCounter:
    app = Flask("test")
    app.config[TRUSTED_PROXIES] = 0
    limiter = Limiter(
        lambda: "",
        app=app,
        storage_uri="resilient-redis://",
        storage_options={"redis": redis, "key_prefix": "tests"},
    )
    return DeferredCounter(limiter, f"{limit}/minute", 0)


ENVIRON = {"REMOTE_ADDR": "10.0.0.1"}


def test_up_to_half_of_a_limit_requests_are_counted_without_a_round_trip() -> None:
    redis = UnavailableRedis()
    redis.unavailable = False
    counter = deferred_counter(redis, MIN_LIMIT)
    admitted = [counter.admits(ENVIRON) for _ in range(MIN_LIMIT)]
    assert admitted.count(True) == MIN_LIMIT // 2
    assert not redis.unavailable, "Redis was not called"


@pytest.mark.parametrize("limit", [1, MIN_LIMIT - 1])
def test_requests_to_a_small_limit_are_counted_one_by_one(limit: int) -> None:
    redis = UnavailableRedis()
    redis.unavailable = False
    assert not deferred_counter(redis, limit).admits(ENVIRON)


def test_in_an_outage_no_request_is_counted_later() -> None:
    assert not deferred_counter(UnavailableRedis(), MIN_LIMIT).admits(ENVIRON)


def test_counts_that_redis_does_not_accept_are_kept_in_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_limits, "FLUSH_SECONDS", 0.001)
    redis = UnavailableRedis()
    redis.unavailable = False
    counter = deferred_counter(redis, MIN_LIMIT)
    for _ in range(7):
        counter.admits(ENVIRON)
    gevent.sleep(0.01)
    assert redis.unavailable
    counter.charge(ENVIRON, 2)
    redis.unavailable = False  # so that it defers counts again, starting from the 9 of this process
    admitted = [counter.admits(ENVIRON) for _ in range(MIN_LIMIT)]
    assert admitted.count(True) == MIN_LIMIT // 2 - 9

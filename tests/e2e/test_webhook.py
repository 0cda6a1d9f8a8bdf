"""Videsk's webhook reports changes made elsewhere, which invalidate what they affect (docs/guarantees.md#g4).

A purge invalidates everything.
"""

import json
from functools import partial

import pytest
from redis import Redis

from tests.client import AUTOMATIC_SERVICE, FIRST_SERVICE, JOHN, MARK, SHARING_SERVICE, Client
from tests.e2e.availability_calls import (
    CAMILA,
    KINDS,
    OF_FIRST_SERVICE,
    OF_JOHN,
    assert_dropped_everywhere,
    read_everything,
)
from tests.e2e.fleet import Fleet, cache_status, fleet_fixture, on_each_worker
from tests.processes import Sandbox

SECRET = "the-secret-of-the-webhook"
HOOK, PURGE = "/hooks/videsk", "/hooks/purge"
FORM = "/api/forms/63bdbf49394aad976d4aa5aa"


started = fleet_fixture({"HOURS_TTL": "60", "WEBHOOK_SECRET": SECRET})


@pytest.fixture
def both(started: Fleet, redis: Redis, sandbox: Sandbox) -> Fleet:
    """Two instances that have cached the list of services and all availability."""
    assert started.clients[0].get("/api/services").status_code == 200
    read_everything(started.clients[1])
    return started


@pytest.mark.parametrize("hook", [HOOK, PURGE])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Webhook-Secret": ""},
        {"X-Webhook-Secret": "wrong"},
        {"X-Webhook-Secret": SECRET[:-1]},
        {"X-Webhook-Secret": SECRET + "\xe9"},
        {"Authorization": f"Bearer {SECRET}"},
    ],
    ids=["none", "empty", "wrong", "shorter", "longer", "elsewhere"],
)
def test_without_the_secret_it_is_refused_and_drops_nothing(
    both: Fleet, sandbox: Sandbox, headers: dict[str, str], hook: str
) -> None:
    response = both.clients[0].post(hook, {}, headers=headers)
    assert (response.status_code, response.json()["name"]) == (401, "NotAuthenticated")
    assert response.headers["X-Error-Source"] == "proxy"
    assert SECRET not in response.text
    assert_dropped_everywhere(both, sandbox, set())


def test_without_the_setting_there_is_none(cached: Client) -> None:
    for headers in ({}, {"X-Webhook-Secret": ""}, {"X-Webhook-Secret": "None"}):
        assert cached.post(HOOK, {}, headers=headers).status_code == 404
        assert cached.post(PURGE, {}, headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("named", "affected"),
    [
        ({"service": FIRST_SERVICE}, OF_FIRST_SERVICE),
        ({"user": JOHN}, OF_JOHN),
        ({"service": FIRST_SERVICE.upper(), "user": JOHN.upper()}, OF_JOHN),
        ({"user": MARK, "event": "new meeting"}, OF_FIRST_SERVICE - {JOHN}),
        ({"service": SHARING_SERVICE}, (OF_FIRST_SERVICE - {JOHN}) | {CAMILA}),
        ({"service": AUTOMATIC_SERVICE}, set(KINDS)),
    ],
    ids=["service", "user", "both", "user-of-two", "its-other-service", "users-not-known"],
)
def test_what_it_names_is_dropped_and_nothing_unrelated(
    both: Fleet, sandbox: Sandbox, named: dict[str, str], affected: set[str]
) -> None:
    response = both.clients[0].post(HOOK, named, headers={"X-Webhook-Secret": SECRET})
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response.headers
    assert_dropped_everywhere(both, sandbox, affected)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"not JSON",
        b"\xff\xfe",
        b'{"service": null, "user": null}',
        b'{"service": "{{service.id}}"}',
        json.dumps({"service": FIRST_SERVICE, "user": "not an id"}).encode(),
        b'{"a": "' + b"a" * 70_000 + b'"}',
    ],
    ids=["empty", "{}", "[]", "text", "not-utf8", "nulls", "template", "half", "huge"],
)
def test_what_names_nothing_or_is_not_readable_drops_all_dates_and_hours(
    both: Fleet, sandbox: Sandbox, body: bytes
) -> None:
    client = both.clients[0]
    response = client.call("POST", HOOK, data=body, headers={"X-Webhook-Secret": SECRET})
    assert (response.status_code, response.content) == (204, b"")
    assert_dropped_everywhere(both, sandbox, set(KINDS))
    services = partial(both.clients[1].get, "/api/services")
    for listed in on_each_worker(both.instances[1], services):
        assert cache_status(listed).startswith("hit; ttl=")


def test_a_purge_drops_services_forms_and_all_availability_everywhere(
    both: Fleet, sandbox: Sandbox
) -> None:
    assert both.clients[0].get(FORM).status_code == 200
    for path in ("/api/services", FORM):
        for cached in on_each_worker(both.instances[1], partial(both.clients[1].get, path)):
            assert cache_status(cached).startswith("hit; ttl=")
    response = both.clients[0].post(PURGE, {}, headers={"X-Webhook-Secret": SECRET})
    assert (response.status_code, response.content) == (204, b"")
    assert_dropped_everywhere(both, sandbox, set(KINDS))
    for path in ("/api/services", FORM):
        sandbox.clear_request_log()
        first, *others = on_each_worker(both.instances[1], partial(both.clients[1].get, path))
        assert cache_status(first) == "fwd=miss; stored"
        assert all(cache_status(other).startswith("hit; ttl=") for other in others)
        assert len(sandbox.request_log()) >= 1

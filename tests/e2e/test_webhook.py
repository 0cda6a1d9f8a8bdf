"""Videsk's webhook reports changes made elsewhere and invalidates what they affect (docs/guarantees.md#g4).

A purge invalidates everything.
"""

import json
from functools import partial

import pytest
from redis import Redis

from tests.client import AUTOMATIC_SERVICE, FIRST_SERVICE, JOHN, MARK, SHARING_SERVICE, Client
from tests.e2e.availability_reads import (
    AFFECTED_BY_FIRST_SERVICE,
    AFFECTED_BY_JOHN,
    CAMILA,
    KINDS,
    assert_invalidated_everywhere,
    read_all_availability,
)
from tests.e2e.fleet import Fleet, cache_status, fleet_fixture, on_each_worker
from tests.processes import Sandbox

SECRET = "the-secret-of-the-webhook"
HOOK, PURGE = "/hooks/videsk", "/hooks/purge"
FORM = "/api/forms/63bdbf49394aad976d4aa5aa"


shared_fleet = fleet_fixture({"HOURS_TTL": "60", "WEBHOOK_SECRET": SECRET})


@pytest.fixture
def fleet(shared_fleet: Fleet, redis: Redis, sandbox: Sandbox) -> Fleet:
    """Return two instances that have cached the list of services and all availability."""
    assert shared_fleet.clients[0].get("/api/services").status_code == 200
    read_all_availability(shared_fleet.clients[1])
    return shared_fleet


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
def test_without_the_secret_a_hook_is_rejected_and_invalidates_nothing(
    fleet: Fleet, sandbox: Sandbox, headers: dict[str, str], hook: str
) -> None:
    response = fleet.clients[0].post(hook, {}, headers=headers)
    assert (response.status_code, response.json()["name"]) == (401, "NotAuthenticated")
    assert response.headers["X-Error-Source"] == "proxy"
    assert SECRET not in response.text
    assert_invalidated_everywhere(fleet, sandbox, set())


def test_without_the_setting_there_are_no_hooks(cached_proxy: Client) -> None:
    for headers in ({}, {"X-Webhook-Secret": ""}, {"X-Webhook-Secret": "None"}):
        assert cached_proxy.post(HOOK, {}, headers=headers).status_code == 404
        assert cached_proxy.post(PURGE, {}, headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("named", "affected"),
    [
        ({"service": FIRST_SERVICE}, AFFECTED_BY_FIRST_SERVICE),
        ({"user": JOHN}, AFFECTED_BY_JOHN),
        ({"service": FIRST_SERVICE.upper(), "user": JOHN.upper()}, AFFECTED_BY_JOHN),
        ({"user": MARK, "event": "new meeting"}, AFFECTED_BY_FIRST_SERVICE - {JOHN}),
        ({"service": SHARING_SERVICE}, (AFFECTED_BY_FIRST_SERVICE - {JOHN}) | {CAMILA}),
        ({"service": AUTOMATIC_SERVICE}, set(KINDS)),
    ],
    ids=["service", "user", "both", "user-of-two", "its-other-service", "users-not-known"],
)
def test_the_webhook_invalidates_only_what_it_names(
    fleet: Fleet, sandbox: Sandbox, named: dict[str, str], affected: set[str]
) -> None:
    response = fleet.clients[0].post(HOOK, named, headers={"X-Webhook-Secret": SECRET})
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response.headers
    assert_invalidated_everywhere(fleet, sandbox, affected)


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
def test_an_unreadable_webhook_invalidates_all_dates_and_hours(
    fleet: Fleet, sandbox: Sandbox, body: bytes
) -> None:
    client = fleet.clients[0]
    response = client.call("POST", HOOK, data=body, headers={"X-Webhook-Secret": SECRET})
    assert (response.status_code, response.content) == (204, b"")
    assert_invalidated_everywhere(fleet, sandbox, set(KINDS))
    services = partial(fleet.clients[1].get, "/api/services")
    for listed in on_each_worker(fleet.instances[1], services):
        assert cache_status(listed).startswith("hit; ttl=")


def test_a_purge_invalidates_services_forms_and_availability_everywhere(
    fleet: Fleet, sandbox: Sandbox
) -> None:
    assert fleet.clients[0].get(FORM).status_code == 200
    for path in ("/api/services", FORM):
        for cached_proxy in on_each_worker(fleet.instances[1], partial(fleet.clients[1].get, path)):
            assert cache_status(cached_proxy).startswith("hit; ttl=")
    response = fleet.clients[0].post(PURGE, {}, headers={"X-Webhook-Secret": SECRET})
    assert (response.status_code, response.content) == (204, b"")
    assert_invalidated_everywhere(fleet, sandbox, set(KINDS))
    for path in ("/api/services", FORM):
        sandbox.clear_request_log()
        first, *others = on_each_worker(fleet.instances[1], partial(fleet.clients[1].get, path))
        assert cache_status(first) == "fwd=miss; stored"
        assert all(cache_status(other).startswith("hit; ttl=") for other in others)
        assert len(sandbox.request_log()) >= 1

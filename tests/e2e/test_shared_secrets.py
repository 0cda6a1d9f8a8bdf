"""Secrets of /metrics and /hooks: two values during a rotation, and a limit on wrong ones."""

from collections.abc import Iterator
from itertools import count, islice

import pytest
import requests
from redis import Redis

from tests.client import Client, bearer
from tests.processes import Sandbox, ServerProcess, proxy_server

OLD, NEW = "the-old-secret", "the-new-secret"
MAX_WRONG_PER_MINUTE = 20
ADDRESSES = map("203.0.113.{}".format, count(1))
"""Addresses that have not been used yet."""

SETTINGS = {
    "METRICS_TOKEN": f"{OLD},{NEW}",
    "WEBHOOK_SECRET": f"{NEW}, {OLD}",
    "TRUSTED_PROXIES": "1",
}


@pytest.fixture(scope="module")
def two_workers(sandbox_process: Sandbox, redis_process: ServerProcess) -> Iterator[ServerProcess]:
    with proxy_server(sandbox_process, REDIS_URL=redis_process.redis_url, **SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def one_process(sandbox_process: Sandbox) -> Iterator[ServerProcess]:
    with proxy_server(sandbox_process, **SETTINGS) as server:
        yield server


@pytest.fixture(params=["two_workers", "one_process"])
def client(request: pytest.FixtureRequest, redis: Redis, sandbox: Sandbox) -> Client:
    server: ServerProcess = request.getfixturevalue(request.param)
    return Client(server.url)


def scrape(client: Client, address: str, token: str) -> requests.Response:
    return client.get("/metrics", headers={"X-Forwarded-For": address, **bearer(token)})


def post_hook(client: Client, address: str, secret: str) -> requests.Response:
    headers = {"X-Forwarded-For": address, "X-Webhook-Secret": secret}
    return client.post("/hooks/videsk", {}, headers=headers)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_either_of_two_values_is_accepted(client: Client, secret: str) -> None:
    address = next(ADDRESSES)
    assert scrape(client, address, secret).status_code == 200
    assert post_hook(client, address, secret).status_code == 204


@pytest.mark.parametrize("wrong", [f"{OLD},{NEW}", f"{OLD},", ",", OLD[:-1], ""])
def test_other_values_are_rejected(client: Client, wrong: str) -> None:
    address = next(ADDRESSES)
    assert scrape(client, address, wrong).status_code == 401
    assert post_hook(client, address, wrong).status_code == 401


def test_an_address_is_blocked_after_too_many_wrong_values(client: Client) -> None:
    attacker, innocent = islice(ADDRESSES, 2)
    statuses = [
        (scrape if number % 2 else post_hook)(client, attacker, f"guess-{number}").status_code
        for number in range(MAX_WRONG_PER_MINUTE)
    ]
    assert set(statuses) == {401}
    for refused in (scrape(client, attacker, "guess"), post_hook(client, attacker, "guess")):
        assert (refused.status_code, refused.json()["name"]) == (429, "TooManyRequests")
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["X-Error-Source"] == "proxy"
    assert scrape(client, attacker, OLD).status_code == 429, "even the right secret is rejected"
    assert scrape(client, innocent, OLD).status_code == 200
    assert post_hook(client, innocent, NEW).status_code == 204
    calls = {"X-Forwarded-For": attacker}
    assert client.get("/api/services", headers=calls).status_code == 200


def test_right_and_missing_secrets_are_not_counted(client: Client) -> None:
    address = next(ADDRESSES)
    headers = {"X-Forwarded-For": address}
    for _ in range(MAX_WRONG_PER_MINUTE + 1):
        assert scrape(client, address, OLD).status_code == 200
        assert post_hook(client, address, OLD).status_code == 204
        assert client.get("/metrics", headers=headers).status_code == 401
    assert scrape(client, address, "wrong").status_code == 401

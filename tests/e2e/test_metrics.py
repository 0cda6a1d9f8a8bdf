"""Metrics of all workers, without personal data."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import sleep

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.client import FIRST_SERVICE, JOHN, MARK, OPEN_SERVICE, Client, bearer
from tests.days import YEAR
from tests.e2e.fleet import cache_status, concurrently, only_worker, wait_until, workers_of
from tests.e2e.metrics import TOKEN, WORKERS, metrics_text, proxy_with_metrics, sample, samples
from tests.processes import Sandbox, ServerProcess, proxy_server
from tests.timing import TIMING

DAY, SLOT = f"{YEAR}-05-06", f"{YEAR}-05-06T14:00:00.000Z"
LABELS = {
    "route", "status", "kind", "result", "endpoint", "verdict", "le",
    "outcome", "request", "reason", "source", "version",
}  # fmt: skip
"""All labels. Their values must be words, statuses or routes."""


@pytest.fixture
def server(sandbox: Sandbox, redis_url: str) -> Iterator[ServerProcess]:
    with proxy_with_metrics(sandbox, redis_url) as server:
        yield server


def test_without_a_configured_token_metrics_are_a_404(sandbox: Sandbox) -> None:
    with proxy_server(sandbox) as server:
        for headers in ({}, bearer(""), bearer("None")):
            response = Client(server.url).get("/metrics", headers=headers)
            assert (response.status_code, response.json()["name"]) == (404, "NotFound")


def test_metrics_require_the_token(server: ServerProcess) -> None:
    wrong = [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
    ]
    for authorization in [*wrong, "Bearer \xf1"]:
        response = Client(server.url).get("/metrics", headers={"Authorization": authorization})
        assert (response.status_code, response.json()["name"]) == (401, "NotAuthenticated")
        assert "videsk_proxy_" not in response.text
    assert Client(server.url).get("/metrics").status_code == 401
    assert Client(server.url).get("/metrics", headers=bearer(TOKEN)).status_code == 200
    assert TOKEN not in server.output()


def test_each_worker_exposes_the_metrics_of_all_including_ended_ones(
    server: ServerProcess,
) -> None:
    client, route = Client(server.url), "/api/users/{id}/hours"
    for number, worker in enumerate(workers_of(server), start=1):
        with only_worker(server, worker):
            for _ in range(number):
                assert client.hours("users", JOHN, DAY).status_code == 200
                assert client.get(f"/api/users/{JOHN}/hours").status_code == 400
            assert client.get(f"/no-such-path-{number}").status_code == 404
    expected = {(route, "200"): 6, (route, "400"): 6, ("unknown", "404"): WORKERS}

    def counts() -> dict[tuple[str, ...], float]:
        counts = samples(server, "requests_total")
        return {labels: counts[labels] for labels in expected}

    for worker in workers_of(server):
        with only_worker(server, worker):
            assert counts() == expected
    for worker in workers_of(server):
        before = set(workers_of(server))
        os.kill(worker, signal.SIGKILL)
        wait_until(partial(has_another_worker, server, before))
        assert counts() == expected
    assert client.hours("users", JOHN, DAY).status_code == 200
    assert sample(server, "requests_total", route, "200") == 7
    assert sample(server, "request_seconds_count", route) == 13


def test_reads_are_counted_by_cache_status(sandbox: Sandbox, redis_url: str) -> None:
    with proxy_with_metrics(sandbox, redis_url, DATES_TTL="0.2", DATES_STALE="600") as server:
        client = Client(server.url)
        assert_is(client.hours("users", JOHN, DAY), "fwd=miss; stored")
        for _ in range(4):
            assert_is(client.hours("users", JOHN, DAY), "hit; ttl=")
        assert_is(client.dates("users", JOHN, DAY), "fwd=miss; stored")
        sleep(0.3)
        sandbox.fault("delay", seconds=1)
        assert_is(client.dates("users", JOHN, DAY), "hit; ttl=-")
        responses = concurrently([partial(client.get, "/api/services")] * 5)
        statuses = Counter(cache_status(response) for response in responses)
        assert statuses == {"fwd=miss; stored": 1, "fwd=miss; collapsed": 4}
        assert client.get(f"/api/users/{JOHN}/hours").status_code == 400
        assert samples(server, "cache_total") == {
            ("hours", "miss"): 1,
            ("hours", "hit"): 4,
            ("dates", "miss"): 1,
            ("dates", "stale"): 1,
            ("services", "miss"): 1,
            ("services", "collapsed"): 4,
        }


def has_another_worker(server: ServerProcess, before: set[int]) -> bool:
    return len(set(workers_of(server)) - before) == 1


def assert_is(response: requests.Response, status: str) -> None:
    assert response.status_code == 200
    assert cache_status(response).startswith(status)


def test_replays_and_invalidations_are_counted(server: ServerProcess) -> None:
    client, key = Client(server.url), {"Idempotency-Key": "one-key"}
    assert client.get("/api/services").status_code == 200
    assert sample(server, "generations_raised_total") == 0
    for _ in range(3):
        assert client.book("users", JOHN, SLOT, headers=key).status_code == 201
    assert sample(server, "idempotent_replays_total") == 2
    raised = sample(server, "generations_raised_total")
    assert raised >= 2, "the groups of the service and the user, not counted again for each replay"
    assert client.book("users", JOHN, "never").status_code == 400
    assert sample(server, "generations_raised_total") == raised


FAILURES: list[tuple[dict[str, object], str]] = [
    ({"fault": "status", "status": 500, "body": {}}, "500"),
    ({"fault": "status", "status": 404, "body": {}}, "404"),
    ({"fault": "hang", "seconds": 3}, "timeout"),
    ({"fault": "reset"}, "broken"),
    ({"fault": "cut"}, "broken"),
]


@TIMING
def test_requests_to_videsk_are_counted_by_endpoint_and_outcome(
    sandbox: Sandbox, redis_url: str
) -> None:
    with proxy_with_metrics(sandbox, redis_url, VIDESK_TIMEOUT="0.5") as server:
        client = Client(server.url)
        assert client.get("/api/services").status_code == 200
        assert client.hours("users", JOHN, DAY).status_code == 200
        assert client.hours("users", MARK, DAY).status_code == 200
        assert client.book("services", FIRST_SERVICE, SLOT).status_code == 201
        assert client.get("/api/appointment", headers=bearer("a.b.c")).status_code == 401
        for fault, _ in FAILURES:
            sandbox.control("POST", "faults", fault | {"times": 1})
            assert client.dates("services", OPEN_SERVICE, DAY).status_code >= 400
        dates = "/services/{id}/dates"
        counted = Counter((dates, status) for _, status in FAILURES)
        counted |= Counter({("/users/{id}/hours", "200"): 2})
        counted |= Counter({("/schedule/service/{id}", "201"): 1, ("/schedule/info", "401"): 1})
        found = samples(server, "upstream_requests_total")
        assert found.pop(("/services", "200")) == 2, "the list has two pages"
        assert found == counted
        assert sample(server, "upstream_request_seconds_count", dates) == len(FAILURES)
        assert 0.5 <= sample(server, "upstream_request_seconds_sum", dates) < 4


def test_a_preflight_is_counted_by_its_status(server: ServerProcess) -> None:
    assert Client(server.url).call("OPTIONS", "/api/services").status_code == 204
    assert sample(server, "requests_total", "/api/services", "204") == 1
    assert sample(server, "requests_total", "/api/services", "200") == 0


def test_an_open_circuit_is_a_metric(server: ServerProcess, sandbox: Sandbox) -> None:
    client, (worker, *_) = Client(server.url), workers_of(server)
    assert sample(server, "circuit_open") == 0
    sandbox.fault("reset")
    with only_worker(server, worker):
        reads = [client.hours("users", JOHN, f"{YEAR}-06-{day:02}") for day in range(1, 9)]
    assert [response.status_code for response in reads] == [502] * 5 + [503] * 3
    assert sample(server, "circuit_open") == 1
    assert sample(server, "gate_total", "open") == 3
    assert sample(server, "upstream_requests_total", "/users/{id}/hours", "broken") == 5


@TIMING
def test_throttled_and_rejected_requests_are_counted(sandbox: Sandbox, redis_url: str) -> None:
    with proxy_with_metrics(sandbox, redis_url, VIDESK_RATE_LIMIT="1") as server:
        read = partial(Client(server.url).hours, "users", JOHN)
        assert sample(server, "budget_left") == 1
        assert read(f"{YEAR}-06-02").status_code == 200
        assert sample(server, "budget_left") == 0
        assert read(f"{YEAR}-06-03").status_code == 200
        assert samples(server, "gate_total") == {("wait",): 1, ("full",): 0, ("open",): 0}
        assert 0.5 < sample(server, "gate_wait_seconds_total") < 1.2
        sandbox.fault("status", status=429, headers={"Retry-After": "60"}, body={}, times=1)
        assert read(f"{YEAR}-06-04").status_code == 429
        assert read(f"{YEAR}-06-05").status_code == 503
        assert sample(server, "gate_total", "full") == 1


def test_no_label_contains_personal_data(server: ServerProcess, sandbox: Sandbox) -> None:
    client = Client(server.url)
    for path in (f"/s3cr3t/{JOHN}", "/api/users/s3cr3t/hours", f"/api/users/{JOHN}/s3cr3t"):
        client.get(f"{path}?date=s3cr3t", headers=bearer("s3cr3t"))
    client.call("s3cr3t", "/api/services")
    client.hours("users", MARK, DAY)
    booked = client.book("users", JOHN, SLOT, referrer="s3cr3t").json()
    client.get("/api/appointment", headers=bearer(booked["accessToken"]))
    client.post("/api/appointment/cancel", {"cancelReason": "s3cr3t"}, headers=bearer("s3cr3t"))
    text = metrics_text(server)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["videsk_proxy_request_seconds"].type == "histogram"
    assert families["videsk_proxy_upstream_request_seconds"].type == "histogram"
    assert all(name.startswith("videsk_proxy_") for name in families)
    labels = {
        pair
        for family in families.values()
        for each in family.samples
        for pair in each.labels.items()
    }
    assert {name for name, _ in labels} <= LABELS
    private = [
        "s3cr3t",
        JOHN,
        MARK,
        FIRST_SERVICE,
        DAY,
        TOKEN,
        booked["accessToken"],
        sandbox.keys["backend"],
    ]
    assert not [piece for piece in private if piece in text]


def test_a_stop_leaves_no_file_behind(sandbox: Sandbox, redis_url: str, tmp_path: Path) -> None:
    with proxy_with_metrics(sandbox, redis_url, TMPDIR=str(tmp_path)) as server:
        assert Client(server.url).get("/api/services").status_code == 200
        (folder,) = tmp_path.glob("videsk-proxy-metrics-*")
        assert list(folder.iterdir())
        os.kill(workers_of(server)[0], signal.SIGKILL)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []

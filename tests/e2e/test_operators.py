"""Metrics for alerts: outcomes of bookings, outages, rejected keys, restarts and the release."""

import os
import signal
from functools import partial
from time import sleep
from uuid import uuid4

from common.version import VERSION
from tests.client import JOHN, Client
from tests.days import YEAR
from tests.e2e.captcha_provider import captcha_provider
from tests.e2e.fleet import concurrently, wait_until, workers_of
from tests.e2e.metrics import WORKERS, proxy_with_metrics, sample, samples
from tests.e2e.test_metrics import has_another_worker
from tests.processes import Sandbox, free_port, local_redis_url, redis_server
from tests.timing import TIMING

DAY, SLOT, LATER = f"{YEAR}-05-06", f"{YEAR}-05-06T14:00:00.000Z", f"{YEAR}-05-06T15:00:00.000Z"
AT_ZERO: dict[str, set[tuple[str, ...]]] = {
    "bookings_total": {("booked",), ("conflict",), ("refused",), ("in_doubt",), ("replayed",)},
    "captcha_failures_total": {("missing",), ("refused",), ("unavailable",), ("secret_refused",)},
    "rate_limited_total": {("client",), ("videsk",)},
    "gateway_errors_total": {
        (request, status)
        for request in ("read", "write_not_done", "write_in_doubt")
        for status in ("502", "504")
    },
    "gate_total": {("wait",), ("full",), ("open",)},
    "redis_outages_total": {()},
    "worker_restarts_total": {()},
    "redis_unavailable": {()},
    "key_refused": {()},
    "idempotent_replays_total": {()},
}


def test_metrics_for_alerts_exist_from_the_start(sandbox: Sandbox, redis_url: str) -> None:
    with proxy_with_metrics(sandbox, redis_url) as server:
        for name, labels in AT_ZERO.items():
            found = samples(server, name)
            assert found.keys() == labels
            # on a busy machine, Redis may have been too slow for a moment
            assert name.startswith("redis_") or set(found.values()) == {0}, name
        requests = samples(server, "requests_total")
        for route in ("/api/services", "/api/users/{id}/appointments", "/api/appointment/cancel"):
            assert [requests[route, status] for status in ("500", "502", "503", "504")] == [0] * 4
        assert samples(server, "build_info") == {(VERSION,): 1}


def test_bookings_are_counted_by_their_outcome(sandbox: Sandbox, redis_url: str) -> None:
    with proxy_with_metrics(sandbox, redis_url, VIDESK_TIMEOUT="0.5") as server:
        client = Client(server.url)
        book = partial(client.book, "users", JOHN)
        counts = dict.fromkeys(AT_ZERO["bookings_total"], 0.0)

        def assert_counted(**outcomes: int) -> None:
            for outcome, times in outcomes.items():
                counts[outcome,] += times
            assert samples(server, "bookings_total") == counts

        key = {"Idempotency-Key": uuid4().hex}
        assert book(SLOT, key).status_code == 201
        assert_counted(booked=1)
        assert book(SLOT, key).status_code == 201
        assert_counted(replayed=1)
        assert book(SLOT).status_code == 409
        assert_counted(conflict=1)
        assert book("never").status_code == 400
        assert book(LATER, {"Idempotency-Key": ""}).status_code == 400
        sandbox.fault("status", status=400, body={}, times=1)
        assert book(LATER).status_code == 400
        assert_counted(refused=3)
        sandbox.fault("status", status=503, body={}, times=1)
        assert book(LATER).status_code == 503
        assert_counted(refused=1)
        for fault, status in (("reset", 502), ("hang", 504), ("status", 500)):
            key = {"Idempotency-Key": uuid4().hex}
            more: dict[str, object] = {"status": 500, "body": {}} if fault == "status" else {}
            sandbox.fault(fault, times=1, **more)
            assert book(LATER, key).status_code == status
            assert_counted(in_doubt=1)
            assert book(LATER, key).status_code == 504
            assert_counted(replayed=1)
        sandbox.fault("delay", seconds=0.3)
        clicks = concurrently([partial(book, LATER, {"X-Request-ID": "x"})] * 3)
        assert {response.status_code for response in clicks} == {201}
        assert_counted(booked=1, replayed=2)
        assert client.hours("users", JOHN, DAY).status_code == 200
        assert client.get(f"/api/users/{JOHN}/appointments").status_code == 405
        assert_counted()


def test_a_failed_read_and_a_write_in_doubt_are_counted_separately(
    sandbox: Sandbox, redis_url: str
) -> None:
    with proxy_with_metrics(sandbox, redis_url, VIDESK_TIMEOUT="0.5") as server:
        client = Client(server.url)
        sandbox.fault("reset", times=1)
        assert client.hours("users", JOHN, DAY).status_code == 502
        sandbox.fault("hang", times=1)
        assert client.dates("users", JOHN, DAY).status_code == 504
        sandbox.fault("reset", times=1)
        assert client.book("users", JOHN, SLOT).status_code == 502
        expected = {("read", "502"): 1, ("read", "504"): 1, ("write_in_doubt", "502"): 1}
        assert nonzero(samples(server, "gateway_errors_total")) == expected
    with proxy_with_metrics(
        sandbox, redis_url, VIDESK_BASE_URL=f"http://127.0.0.1:{free_port()}"
    ) as nowhere:
        assert Client(nowhere.url).book("users", JOHN, SLOT).status_code == 502
        assert nonzero(samples(nowhere, "gateway_errors_total")) == {("write_not_done", "502"): 1}
        assert nonzero(samples(nowhere, "bookings_total")) == {("refused",): 1}


def nonzero(found: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Return the samples that are not 0."""
    return {labels: value for labels, value in found.items() if value}


def test_captcha_failures_are_counted_by_their_reason(sandbox: Sandbox, redis_url: str) -> None:
    with (
        captcha_provider() as provider,
        proxy_with_metrics(
            sandbox,
            redis_url,
            CAPTCHA_PROVIDER="turnstile",
            CAPTCHA_SECRET="secret-of-the-captcha",
            CAPTCHA_VERIFY_URL=provider.url,
        ) as server,
    ):
        book = partial(Client(server.url).book, "users", JOHN, SLOT)
        assert book().status_code == 400
        provider.reject("invalid-input-response")
        assert book(token="bad").status_code == 422
        provider.reject("s3cr3t-word-of-a-provider")
        assert book(token="bad").status_code == 422
        provider.reject("invalid-input-secret")
        assert book(token="bad").status_code == 503
        provider.respond_with(b"<p>Maintenance", 503)
        assert book(token="bad").status_code == 503
        assert samples(server, "captcha_failures_total") == {
            ("missing",): 1,
            ("refused",): 2,
            ("secret_refused",): 1,
            ("unavailable",): 1,
        }
        assert sample(server, "bookings_total", "refused") == 5


def test_the_proxys_429_and_videsks_are_counted_separately(
    sandbox: Sandbox, redis_url: str
) -> None:
    with proxy_with_metrics(sandbox, redis_url, BOOKING_RATE_LIMIT="1/minute") as server:
        client = Client(server.url)
        sandbox.fault("status", status=429, body={}, times=1)
        assert client.hours("users", JOHN, DAY).status_code == 429
        assert samples(server, "rate_limited_total") == {("client",): 0, ("videsk",): 1}
        statuses = [client.book("users", JOHN, "never").status_code for _ in range(3)]
        assert statuses == [400, 429, 429]
        assert samples(server, "rate_limited_total") == {("client",): 2, ("videsk",): 1}


@TIMING
def test_a_redis_outage_is_a_metric_and_counts_once_for_each_worker(sandbox: Sandbox) -> None:
    port = free_port()
    with proxy_with_metrics(sandbox, local_redis_url(port)) as server:
        wait_until(lambda: sample(server, "redis_unavailable") == 1)
        wait_until(lambda: sample(server, "redis_outages_total") >= WORKERS)
        sleep(1)
        assert sample(server, "redis_outages_total") == WORKERS
        with redis_server(port):
            wait_until(lambda: [sample(server, "redis_unavailable") for _ in range(9)] == [0] * 9)
        wait_until(lambda: sample(server, "redis_outages_total") >= 2 * WORKERS)
        assert sample(server, "redis_unavailable") == 1


def test_a_rejected_key_is_a_metric(sandbox: Sandbox, redis_url: str) -> None:
    with proxy_with_metrics(sandbox, redis_url) as server:
        client = Client(server.url)
        sandbox.fault("status", status=401, body={}, times=1)
        assert client.hours("users", JOHN, DAY).status_code == 401
        assert [sample(server, "key_refused") for _ in range(6)] == [1] * 6


def test_a_crashed_worker_is_counted_and_a_reload_is_not(sandbox: Sandbox, redis_url: str) -> None:
    with proxy_with_metrics(sandbox, redis_url) as server:
        assert sample(server, "worker_restarts_total") == 0
        before = set(workers_of(server))
        os.kill(min(before), signal.SIGKILL)
        wait_until(partial(has_another_worker, server, before))
        wait_until(lambda: sample(server, "worker_restarts_total") == 1)
        before = set(workers_of(server))
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not before & set(workers_of(server)), seconds=20)
        wait_until(lambda: len(workers_of(server)) == WORKERS)
        assert sample(server, "worker_restarts_total") == 1
        before = set(workers_of(server))
        os.kill(min(before), signal.SIGKILL)
        wait_until(partial(has_another_worker, server, before))
        wait_until(lambda: sample(server, "worker_restarts_total") == 2)

"""Export of traces: off by default, after the fork, without a collector, and at a stop."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from redis import Redis

from tests.client import JOHN, ZONE, Client
from tests.days import YEAR
from tests.e2e.fleet import on_each_worker, wait_until, workers_of
from tests.e2e.otlp_receiver import otlp_receiver
from tests.e2e.test_logs import log_lines
from tests.processes import Sandbox, ServerProcess, free_port, proxy_server
from tests.timing import TIMING

HOURS = f"/api/users/{JOHN}/hours?date={YEAR}-05-06&timezone={ZONE}"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORT = ("web.tracing", "opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf")
STOP_SECONDS = 15
"""gunicorn's workers look once a second whether they are to stop, and the export may take one."""

COLLECTOR_SECONDS = 40


def traced_modules(server: ServerProcess) -> set[str]:
    """What exports traces, as far as the workers have imported it.

    redis-py imports OpenTelemetry's metrics, without using them, if they are installed.
    """
    client = Client(server.url)
    loaded = {
        name
        for each in on_each_worker(server, lambda: client.get("/modules").json())
        for name in each
    }
    assert "web.fast_path" in loaded
    return {name for name in loaded if name.startswith(EXPORT)}


def has_protobuf(pid: int) -> bool:
    """Whether the process has mapped protobuf's native library, and so has imported it."""
    return "google/_upb" in Path(f"/proc/{pid}/maps").read_text()


def test_without_a_collector_workers_do_not_import_opentelemetry(
    sandbox: Sandbox, redis_url: str
) -> None:
    app = "tests.e2e.loaded_modules:app"
    with proxy_server(sandbox, app, REDIS_URL=redis_url) as server:
        assert not traced_modules(server)


def test_with_a_collector_only_workers_import_it(sandbox: Sandbox, redis_url: str) -> None:
    settings = {ENDPOINT: f"http://127.0.0.1:{free_port()}", "REDIS_URL": redis_url}
    with proxy_server(sandbox, "tests.e2e.loaded_modules:app", **settings) as server:
        assert traced_modules(server)
        assert all(map(has_protobuf, workers_of(server)))
        assert not has_protobuf(server.process.pid)


@contextmanager
def dead_collector(kind: str) -> Iterator[str]:
    """The URL of one that refuses connections, or accepts them and never responds."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        if kind == "refuses":
            listener.close()
        yield f"http://127.0.0.1:{port}"


@TIMING
@pytest.mark.parametrize("kind", ["refuses", "hangs"])
def test_without_a_collector_requests_succeed_and_the_log_stays_short(
    kind: str, sandbox: Sandbox, redis: Redis, redis_url: str
) -> None:
    failed = "traces are not exported: no response from the collector"
    settings = {
        "REDIS_URL": redis_url,
        "WEB_CONCURRENCY": "1",
        "HOURS_TTL": "600",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "0.3",
        "OTEL_BSP_MAX_QUEUE_SIZE": "8",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8",
    }
    with (
        dead_collector(kind) as url,
        proxy_server(sandbox, **settings, **{ENDPOINT: url}) as server,
        requests.Session() as session,
    ):
        client = Client(server.url, session)
        started = time.monotonic()
        while time.monotonic() < started + 2:
            assert client.get(HOURS).status_code == 200
        wait_until(lambda: failed in server.output())
        others = [line for line in log_lines(server) if line["logger"] != "videsk_proxy.requests"]
    messages = [line["message"] for line in others if not line["logger"].startswith("gunicorn")]
    assert set(messages) <= {"Queue full, dropping Span.", failed}
    assert messages.count(failed) == 1
    assert len(messages) <= 3, "of hundreds of spans"
    assert "127.0.0.1:" not in str([line for line in others if line["message"] in messages])


@TIMING
def test_a_stop_does_not_wait_for_a_collector_that_hangs(sandbox: Sandbox, redis_url: str) -> None:
    settings = {
        "REDIS_URL": redis_url,
        "OTEL_BSP_SCHEDULE_DELAY": "20",
        "OTEL_EXPORTER_OTLP_TIMEOUT": str(COLLECTOR_SECONDS),
    }
    with (
        dead_collector("hangs") as url,
        proxy_server(sandbox, **settings, **{ENDPOINT: url}) as server,
    ):
        on_each_worker(server, lambda: requests.get(f"{server.url}/healthz", timeout=10))
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(STOP_SECONDS) == 0


def test_a_rejecting_collector_is_logged_once_and_so_is_its_return(
    sandbox: Sandbox, redis_url: str
) -> None:
    settings = {"WEB_CONCURRENCY": "1", "OTEL_BSP_SCHEDULE_DELAY": "20"}
    with (
        otlp_receiver() as receiver,
        proxy_server(
            sandbox, REDIS_URL=redis_url, **settings, **{ENDPOINT: receiver.url}
        ) as server,
    ):
        client = Client(server.url)

        def logged(text: str) -> int:
            return len([line for line in log_lines(server) if text in line["message"]])

        receiver.status = 401
        for requests_received in (1, 2, 3):
            assert client.get("/healthz").status_code == 200
            wait_until(lambda number=requests_received: len(receiver.wire) >= number)  # type: ignore[misc]
        wait_until(lambda: logged("traces are not exported: status 401 from the collector"))
        assert logged("traces are") == 1
        receiver.status = 200
        assert client.get("/healthz").status_code == 200
        wait_until(lambda: logged("traces are exported again"))
        assert logged("traces are") == 2


@TIMING
def test_a_stop_exports_the_last_spans(sandbox: Sandbox, redis_url: str) -> None:
    settings = {"REDIS_URL": redis_url, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    with (
        otlp_receiver() as receiver,
        proxy_server(sandbox, **settings, **{ENDPOINT: receiver.url}) as server,
    ):
        client = Client(server.url)
        on_each_worker(server, lambda: client.get("/readyz"))
        assert not receiver.spans
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(STOP_SECONDS) == 0
        names = [span.name for span in receiver.spans]
        assert names.count("GET /readyz") == 2, "one of each worker"

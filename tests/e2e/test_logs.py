"""Logs: JSON lines, one for each request, without personal data."""

import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.client import FIRST_SERVICE, JOHN, MARK, SHARING_SERVICE, ZONE, Client, bearer
from tests.days import YEAR
from tests.e2e.fleet import wait_until
from tests.processes import (
    Sandbox,
    ServerProcess,
    free_port,
    proxy_server,
    redis_server,
    running_server,
)

START = f"{YEAR}-05-06T14:00:00.000Z"
QUERY = {"date": f"{YEAR}-05-06", "timezone": ZONE, "utm": "s3cr3t-campaign"}
FIELDS = {
    "time", "level", "logger", "message", "request_id", "route", "method", "status",
    "duration_ms", "cache", "upstream_ms", "upstream_attempts",
}  # fmt: skip
PRIVATE = [
    "s3cr3t", JOHN, MARK, FIRST_SERVICE, SHARING_SERVICE, f"{YEAR}-05", f"{YEAR}-06", "Santiago", "ana@example.com",
    "Ana P", "60dbe3416af0be33b8b372b1", "shop.example", "captcha-ok", "eyJ", "a-key-of-a-visitor",
]  # fmt: skip
"""Parts of paths, queries, tokens, forms, e-mail addresses, headers and bodies."""


def log_lines(server: ServerProcess) -> list[dict[str, Any]]:
    """Return each line of its output. Check that all are JSON objects with time, level and message."""
    found = [json.loads(line) for line in server.output().splitlines()]
    for line in found:
        assert {"time", "level", "logger", "message"} <= line.keys()
        time = datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - time) < timedelta(minutes=5)
        assert line["level"] in {"DEBUG", "INFO", "WARNING", "ERROR"}
    return found


def request_line(server: ServerProcess, request_id: str) -> dict[str, Any]:
    """Return the only `request` line with this request id."""
    (line,) = [
        line
        for line in log_lines(server)
        if (line["message"], line.get("request_id")) == ("request", request_id)
    ]
    assert line.keys() == FIELDS
    return line


@pytest.fixture
def server(
    sandbox: Sandbox, redis_url: str, request: pytest.FixtureRequest
) -> Iterator[ServerProcess]:
    """Start the proxy at LOG_LEVEL debug, or at the level of the test."""
    level = getattr(request, "param", "debug")
    with proxy_server(
        sandbox,
        REDIS_URL=redis_url,
        LOG_LEVEL=level,
        VIDESK_TIMEOUT="1",
        CLIENT_RATE_LIMIT="40/minute",
    ) as server:
        yield server


def test_each_request_has_one_log_line_with_its_cost(
    server: ServerProcess, sandbox: Sandbox
) -> None:
    hours = f"/api/users/{JOHN}/hours?date={YEAR}-05-06&timezone=UTC"
    calls = [
        ("GET", hours, "/api/users/{id}/hours", 200, "fwd=miss; stored", 1),
        ("GET", hours, "/api/users/{id}/hours", 200, "hit; ttl=", 0),
        ("HEAD", hours, "/api/users/{id}/hours", 200, "hit; ttl=", 0),
        ("GET", "/api/services", "/api/services", 200, "fwd=miss; stored", 2),
        ("GET", f"/api/users/{JOHN}/hours", "/api/users/{id}/hours", 400, None, 0),
        ("POST", f"/api/users/{JOHN}/appointments", "/api/users/{id}/appointments", 415, None, 0),
        ("GET", "/api/appointment", "/api/appointment", 401, None, 0),
        ("GET", f"/s3cr3t/{JOHN}", "unknown", 404, None, 0),
        ("PUT", "/api/services", "unknown", 405, None, 0),
        ("GET", "/healthz", "/healthz", 200, None, 0),
    ]  # fmt: skip
    for method, path, route, status, cache, attempts in calls:
        request_id = uuid4().hex
        response = Client(server.url).call(method, path, headers={"X-Request-ID": request_id})
        line = request_line(server, request_id)
        fields = [line[name] for name in ("method", "route", "status", "upstream_attempts")]
        assert fields == [method, route, status, attempts]
        assert response.status_code == status
        assert line["level"] == "INFO"
        assert line["cache"] == response.headers.get("Cache-Status")
        if cache:
            assert line["cache"].startswith(f"videsk-proxy; {cache}")
        else:
            assert line["cache"] is None
        assert 0 <= line["upstream_ms"] <= line["duration_ms"] < 5000
        assert (line["upstream_ms"] > 0) == (attempts > 0)


def test_the_request_id_is_in_the_response_the_log_and_the_request_to_videsk(
    server: ServerProcess, sandbox: Sandbox
) -> None:
    client, given = Client(server.url), "the-page's-own-id".replace("'", "")
    ids = {"X-Request-ID": given, "Idempotency-Key": uuid4().hex}
    assert client.book("users", JOHN, START, headers=ids).headers["X-Request-ID"] == given
    made = client.get("/api/appointment", headers=bearer("a.b.c")).headers["X-Request-ID"]
    sent = {e["path"]: e["headers"] for e in sandbox.request_log() if "schedule" in str(e["path"])}
    assert [headers["x-request-id"] for headers in sent.values()] == [given, made]  # type: ignore[index]
    assert request_line(server, given)["upstream_attempts"] >= 1
    assert request_line(server, made)["status"] == 401


@pytest.mark.parametrize("server", ["debug", "info"], indirect=True)
def test_no_personal_data_is_logged(server: ServerProcess, sandbox: Sandbox) -> None:
    client = Client(server.url)
    headers = bearer("s3cr3t.of.token") | {
        "Referer": "https://shop.example/s3cr3t",
        "Origin": "https://shop.example",
        "Cookie": "s3cr3t=1",
        "X-Forwarded-For": "s3cr3t",
        "X-Request-ID": "not good: s3cr3t",
        "User-Agent": "s3cr3t",
        "Idempotency-Key": "a-key-of-a-visitor",
    }
    client.get("/api/services", headers=headers)
    booked = client.book("users", JOHN, START, headers={"X": "s3cr3t"}).json()
    token = bearer(booked["actionToken"])
    for fault in (None, "reset", "html", "hang", "status"):
        if fault:
            sandbox.fault(fault, times=3, **({"seconds": 2} if fault == "hang" else {}))
        for kind, ident in (("users", JOHN), ("services", FIRST_SERVICE)):
            client.get(f"/api/{kind}/{ident}/hours", params=QUERY, headers=headers)
            client.get(f"/api/{kind}/{ident}/dates", params={"date": "s3cr3t"}, headers=headers)
        client.book("users", JOHN, START, headers, referrer="s3cr3t-campaign")
        client.book("services", SHARING_SERVICE, "s3cr3t", headers, form=[{"_id": "s3cr3t"}])
        client.get("/api/appointment", headers=headers)
    sandbox.control("DELETE", "faults")
    client.post("/api/appointment/cancel", {"cancelReason": "s3cr3t"}, headers=token)
    client.call("POST", "/api/appointment/reschedule", data=b"s3cr3t\xff", headers=headers)
    client.call("s3cr3t", f"/{JOHN}?{JOHN}", headers=headers)
    assert client.get(f"/api/users/{'s3cr3t' * 2000}").status_code == 414
    while client.get("/api/services", headers=headers).status_code != 429:
        pass
    log = "\n".join(json.dumps(line, ensure_ascii=False) for line in log_lines(server))
    assert [piece for piece in PRIVATE if piece in log] == []


def test_invalid_http_and_a_redis_outage_are_logged_as_json(sandbox: Sandbox) -> None:
    with redis_server() as redis:
        url = redis.redis_url
        with proxy_server(sandbox, REDIS_URL=url, LOG_LEVEL="debug") as server:
            Client(server.url).get("/api/services", headers={"s3cr3t header": "s3cr3t"})
            os.killpg(redis.process.pid, signal.SIGKILL)
            wait_until(lambda: '"degraded"' in Client(server.url).get("/readyz").text)
            Client(server.url).get("/api/services")
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(30)
            messages = " ".join(line["message"] for line in log_lines(server))
    assert "request not served" in messages
    assert "Redis is unavailable" in messages
    assert "s3cr3t" not in messages


def test_startup_messages_are_logged_as_json(sandbox: Sandbox) -> None:
    with proxy_server(sandbox, WEB_CONCURRENCY="3", LOG_LEVEL="debug") as server:
        assert any("WEB_CONCURRENCY is 3" in line["message"] for line in log_lines(server))


FAULTS = [
    ("GET", f"/api/failing/{JOHN}?s3cr3t", "/api/failing/{id}", "OddError", "in fail"),
    ("POST", f"/api/failing/{JOHN}", "/api/failing/{id}", "OddError", "in fail_with_cause"),
    (
        "GET",
        "/api/failing-response?s3cr3t",
        "/api/failing-response",
        "TypeError",
        "in make_response",
    ),
]


@pytest.fixture(scope="module")
def failing_app(sandbox_process: Sandbox) -> Iterator[ServerProcess]:
    """Run the proxy with the routes of tests/e2e/failing_app.py."""
    port = free_port()
    environ = {
        "VIDESK_API_KEY": sandbox_process.keys["backend"],
        "VIDESK_BASE_URL": sandbox_process.url,
        "PORT": str(port),
        "LOG_LEVEL": "debug",
    }
    with running_server(["gunicorn", "tests.e2e.failing_app:app"], port, environ) as server:
        yield server


@pytest.mark.parametrize(("method", "path", "route", "kind", "frame"), FAULTS)
def test_an_unexpected_exception_is_logged_without_its_message(
    failing_app: ServerProcess, method: str, path: str, route: str, kind: str, frame: str
) -> None:
    response = Client(failing_app.url).call(
        method, path, data="s3cr3t" if method == "POST" else None
    )
    body = response.json()
    assert (response.status_code, body["name"], body["code"]) == (500, "GeneralError", 500)
    assert (body["className"], body["errors"]) == ("general-error", {})
    assert "data" not in body
    assert response.headers["X-Error-Source"] == "proxy"
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r"s3cr3t|Error\b(?<!GeneralError)|\.py|Traceback", response.text)
    request_id = response.headers["X-Request-ID"]
    (fault,) = [
        line
        for line in log_lines(failing_app)
        if line.get("request_id") == request_id and line["message"] != "request"
    ]
    assert (fault["level"], fault["message"]) == ("ERROR", "fault")
    assert fault["exc_info"].endswith(kind)
    assert frame in fault["exc_info"]
    assert request_line(failing_app, request_id)["status"] == 500
    assert request_line(failing_app, request_id)["route"] == route
    assert "s3cr3t" not in failing_app.output()
    assert JOHN not in failing_app.output()


def test_a_failed_refresh_is_logged_without_personal_data(sandbox: Sandbox) -> None:
    with proxy_server(sandbox, DATES_TTL="0.1", LOG_LEVEL="debug") as server:
        client = Client(server.url)
        assert client.dates("users", JOHN, f"{YEAR}-07").status_code == 200
        sandbox.fault("status", status=500, body={})
        while "not refreshed" not in server.output():
            assert client.dates("users", JOHN, f"{YEAR}-07").status_code == 200
        output = server.output()
    assert "dates not refreshed: VideskResponseError" in output
    assert not any(piece in output for piece in (JOHN, f"{YEAR}-07", "Santiago"))

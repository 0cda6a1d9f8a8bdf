"""Startup: an invalid setting stops gunicorn with one line. Also lists all routes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app import app
from tests import processes
from tests.client import Client, bearer
from tests.processes import ROOT, Sandbox, ServerProcess, free_port, proxy_server

SECRET_MARK = "hunter2"
"""Part of every invalid value. It must not be in any output."""

VALID_SETTINGS = {
    "VIDESK_API_KEY": "a-key-of-the-tests",
    "VIDESK_BASE_URL": "https://videsk.invalid",
}
LONGEST_START_SECONDS = 20

INVALID_SETTINGS = [
    ("VIDESK_API_KEY", ""),
    ("VIDESK_API_KEY", f"Bearer {SECRET_MARK}"),
    ("VIDESK_BASE_URL", f"http://{SECRET_MARK}.example"),
    ("VIDESK_BASE_URL", f"https://someone:{SECRET_MARK}@videsk.example"),
    ("VIDESK_TIMEOUT", SECRET_MARK),
    ("REDIS_URL", f"http://:{SECRET_MARK}@redis.example:6379/0"),
    ("REDIS_URL", f"redis://:{SECRET_MARK}@:6379/0"),
    ("REDIS_URL", f"redis://:{SECRET_MARK}@redis.example:{SECRET_MARK}/0"),
    ("REDIS_TLS_VERIFY", SECRET_MARK),
    ("PORT", SECRET_MARK),
    ("PORT", "70000"),
    ("CORS_ORIGINS", f"https://shop.example/{SECRET_MARK}"),
    ("REFERRER_ORIGINS", SECRET_MARK),
    ("DEFAULT_REFERRER", f"https://{SECRET_MARK}.example/"),
    ("SERVICES_TTL", f"-{SECRET_MARK}"),
    ("MAX_BODY_BYTES", SECRET_MARK),
    ("LOG_LEVEL", SECRET_MARK),
    ("CAPTCHA_PROVIDER", SECRET_MARK),
    ("METRICS_TOKEN", f"{SECRET_MARK} {SECRET_MARK}"),
]


@pytest.mark.parametrize(("name", "value"), INVALID_SETTINGS)
def test_an_invalid_setting_stops_the_start_with_one_line(
    name: str, value: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.touch()
    environ = {"PATH": os.environ["PATH"], "PORT": str(free_port())}
    environ |= VALID_SETTINGS | {name: value}
    gunicorn = processes.start_gunicorn(["gunicorn", "app:app"], environ, log)
    try:
        assert gunicorn.wait(LONGEST_START_SECONDS) != 0
    finally:
        gunicorn.send_signal(signal.SIGTERM)  # it has ended, unless the test fails
    (line,) = log.read_text().splitlines()
    assert line.startswith(f"videsk-proxy cannot start: {name} ")
    assert "must be" in line
    assert not value or value not in line
    assert SECRET_MARK not in line
    assert not set(VALID_SETTINGS.values()) & set(line.split())


def stderr_of_failed_start(command: list[str], settings: dict[str, str]) -> str:
    stopped = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PORT": str(free_port())} | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_START_SECONDS,
    )
    assert stopped.returncode != 0
    return stopped.stderr


def test_a_secret_in_two_places_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET_MARK)
    for path, line in (
        (tmp_path / "key", "VIDESK_API_KEY and VIDESK_API_KEY_FILE are both set: set one of them"),
        (tmp_path / SECRET_MARK, "VIDESK_API_KEY_FILE must be the path of a readable text file"),
    ):
        settings = VALID_SETTINGS | {"VIDESK_API_KEY_FILE": str(path)}
        if path.name == SECRET_MARK:
            del settings["VIDESK_API_KEY"]
        for command in (["gunicorn", "app:app"], [sys.executable, "-m", "doctor"]):
            (message,) = stderr_of_failed_start(command, settings).splitlines()
            assert message.startswith(f"videsk-proxy cannot start: {line}")
            assert SECRET_MARK not in message


def test_traces_without_their_packages_stop_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry/__init__.py").touch()  # hides the installed package
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "PYTHONPATH": str(tmp_path)}
    command, settings = ["gunicorn", "app:app"], VALID_SETTINGS | traces
    assert stderr_of_failed_start(command, settings) == (
        "videsk-proxy cannot start: OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not "
        "installed: install requirements-tracing.txt or unset it\n"
    )


def test_secrets_in_files_start_it(
    sandbox: Sandbox, redis_process: ServerProcess, tmp_path: Path
) -> None:
    secrets = {
        "VIDESK_API_KEY": sandbox.keys["backend"],
        "REDIS_URL": redis_process.redis_url,
        "METRICS_TOKEN": "the-old-token,the-new-token",
    }
    for name, value in secrets.items():
        (tmp_path / name).write_text(f"{value}\n")
    files = {f"{name}_FILE": str(tmp_path / name) for name in secrets}
    with proxy_server(sandbox, VIDESK_API_KEY="", **files) as server:
        client = Client(server.url)
        assert client.get("/api/services").status_code == 200
        assert client.get("/readyz").json()["redis"] == "ok"
        assert client.get("/metrics", headers=bearer("the-new-token")).status_code == 200


ROUTES = {
    "/api/services": {"GET"},
    "/api/services/<ident>/dates": {"GET"},
    "/api/services/<ident>/hours": {"GET"},
    "/api/services/<ident>/availability": {"GET"},
    "/api/services/<ident>/next": {"GET"},
    "/api/services/<ident>/appointments": {"POST"},
    "/api/users/<ident>/dates": {"GET"},
    "/api/users/<ident>/hours": {"GET"},
    "/api/users/<ident>/availability": {"GET"},
    "/api/users/<ident>/next": {"GET"},
    "/api/users/<ident>/appointments": {"POST"},
    "/api/forms/<segment>": {"GET"},
    "/api/appointment": {"GET"},
    "/api/appointment/cancel": {"POST"},
    "/api/appointment/reschedule": {"POST"},
    "/api/openapi.json": {"GET"},
    "/api/docs": {"GET"},
    "/api/docs/<name>": {"GET"},
    "/widget/v1/<name>": {"GET"},
    "/hooks/videsk": {"POST"},
    "/hooks/purge": {"POST"},
    "/healthz": {"GET"},
    "/readyz": {"GET"},
    "/metrics": {"GET"},
}
"""Every path and its methods, without OPTIONS, and without HEAD, which every GET supports."""


def test_the_app_has_exactly_these_routes() -> None:
    """Add new routes here and in docs/http-api.md."""
    real: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        methods = set(rule.methods or ())
        assert "OPTIONS" in methods
        assert ("HEAD" in methods) == ("GET" in methods)
        real.setdefault(rule.rule, set()).update(methods - {"HEAD", "OPTIONS"})
    assert real == ROUTES

"""Deployment files: app.json, Procfile, Dockerfile, docs/deploy.md and the Grafana dashboard."""

import json
import re
import shutil
import subprocess
import tomllib
from configparser import ConfigParser
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from flask import Flask, Response, g
from prometheus_client.parser import text_string_to_metric_families

from idempotency.attempt import REPLAYED
from settings import NAMES, load
from tests.e2e.pages import DEPLOY
from tests.processes import (
    ROOT,
    Sandbox,
    ServerProcess,
    free_port,
    gunicorn_settings,
    local_redis_url,
    running_server,
)
from web import metrics, metrics_exposition

OPEN_FILES = 4096
"""The limit of open files that gunicorn.conf.py requests."""

REQUIRED = {"VIDESK_API_KEY": "the-key-of-the-tests"}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def blocks(language: str) -> list[str]:
    """Return the code blocks of docs/deploy.md in one language."""
    return [text for _, text in DEPLOY.blocks(language)]


def instructions(name: str) -> list[str]:
    return re.findall(rf"^\s*(?:{name}) (.+)$", DOCKERFILE, re.M)


# Heroku


def app_json() -> dict[str, Any]:
    described: dict[str, Any] = json.loads((ROOT / "app.json").read_text(encoding="utf-8"))
    return described


def test_procfile_has_one_command() -> None:
    assert (ROOT / "Procfile").read_text(encoding="utf-8") == "web: gunicorn app:app\n"


def test_app_json_sets_only_what_settings_accept() -> None:
    env = app_json()["env"]
    assert not set(env) - set(NAMES)
    generated = {name: "0123456789abcdef" * 4 for name in env if "generator" in env[name]}
    given = {name: env[name]["value"] for name in env if "value" in env[name]}
    load(REQUIRED | given | generated)


def test_app_json_requires_the_key_without_containing_one() -> None:
    described = app_json()
    for name in ("VIDESK_API_KEY", "CORS_ORIGINS"):
        assert described["env"][name]["required"] is True
        assert "value" not in described["env"][name]
    for name in ("WEBHOOK_SECRET", "METRICS_TOKEN"):
        assert described["env"][name]["generator"] == "secret"
        assert "value" not in described["env"][name]
    assert {"plan": "heroku-redis:mini"} in described["addons"]
    assert described["buildpacks"] == [{"url": "heroku/python"}]


# Docker


def sources() -> list[str]:
    """Return the sources of COPY: files and folders of the root, copied to the same path."""
    named = []
    for line in instructions("COPY"):
        source, target = line.split()
        assert target in ("./", source), line
        named.append(source)
    return named


def copied() -> list[Path]:
    """Return the files of the image."""
    files: list[Path] = []
    for source in sources():
        found = sorted(ROOT.glob(source))
        assert found, f"COPY {source}: no such file or folder"
        for path in found:
            files += [path] if path.is_file() else path.rglob("*")
    return [file for file in files if file.is_file() and "__pycache__" not in file.parts]


def test_dockerignore_includes_only_what_is_copied() -> None:
    """.dockerignore excludes everything, then includes each source, so nothing else is sent to Docker."""
    text = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    first, *let_in, last = [line for line in text.splitlines() if line and line[0] != "#"]
    assert (first, last) == ("*", "**/__pycache__")
    assert sorted(let_in) == sorted(f"!{source}" for source in sources())


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.sandbox",
        ".git",
        ".venv",
        "bench",
        "docs",
        "frontend",
        "sandbox",
        "tests",
    ],
)
def test_files_that_are_not_needed_are_not_in_the_image(name: str) -> None:
    assert not any(fnmatchcase(name, source) for source in sources())


def test_the_copied_files_are_enough_to_run_the_proxy(sandbox: Sandbox, tmp_path: Path) -> None:
    for file in copied():
        target = tmp_path / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    (command,) = re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.M)
    port = free_port()
    environ = {
        "VIDESK_API_KEY": sandbox.keys["backend"],
        "VIDESK_BASE_URL": sandbox.url,
        "PORT": str(port),
        # no Redis listens there, but acquire.lua and report.lua are read
        "REDIS_URL": local_redis_url(free_port()),
        "WEB_CONCURRENCY": "1",
    }
    start = ["env", "-C", str(tmp_path), *json.loads(command)]
    with running_server(start, port, environ) as server:
        assert requests.get(f"{server.url}/api/services", timeout=10).status_code == 200


def test_the_image_uses_pinned_requirements_and_a_user_other_than_root() -> None:
    (base,) = instructions("FROM")
    assert re.fullmatch(r"python:3\.11-slim(@sha256:[0-9a-f]{64})?", base)
    (install,) = instructions("RUN")
    assert install.startswith("pip install ")
    assert "--require-hashes" in install.split()
    named = re.findall(r"-r ([\w.-]+)", install)
    assert named == ["requirements.txt", "requirements-tracing.txt"]
    assert "${TRACING:+-r requirements-tracing.txt}" in install, "only if it is requested"
    assert {ROOT / name for name in named} <= set(copied())
    assert ROOT / "app.py" in copied()
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), "a numeric user id other than 0"
    assert DOCKERFILE.index("\nUSER ") < DOCKERFILE.index("\nCMD ")
    assert not set(NAMES) & set(re.findall(r"\b[A-Z_]+\b", " ".join(instructions("ENV|ARG"))))


def healthcheck(port: int) -> int:
    """Return the exit status of the Dockerfile's HEALTHCHECK command."""
    (command,) = re.findall(r"HEALTHCHECK .*CMD (\[.+\])$", DOCKERFILE, re.M)
    # A container's environment may set an HTTP proxy for outgoing requests.
    environ = {"PORT": str(port), "http_proxy": "http://192.0.2.1:9"}
    python, *arguments = json.loads(command)
    found = shutil.which(python)
    assert found
    done = subprocess.run([found, *arguments], env=environ, capture_output=True, check=False)
    return done.returncode


def test_healthcheck_distinguishes_a_live_process_from_a_dead_one(
    proxy_in_process: ServerProcess,
) -> None:
    assert healthcheck(proxy_in_process.port) == 0
    assert healthcheck(free_port()) == 1


# docs/deploy.md


@pytest.mark.parametrize("text", re.findall(r"<<END\n(.*?)^END$", DEPLOY.text, re.M | re.S))
def test_documented_environments_are_valid(text: str) -> None:
    written = text.replace("$(openssl rand -hex 32)", "0" * 64).replace("$KEY", "a-key")
    environ = dict(line.split("=", 1) for line in written.splitlines())
    assert not set(environ) - set(NAMES)
    load(environ)


def test_the_settings_for_fly_are_valid() -> None:
    (text,) = blocks("toml")
    fly = tomllib.loads(text)
    assert not set(fly["env"]) - set(NAMES)
    load(REQUIRED | fly["env"])
    assert fly["kill_signal"] == "SIGTERM"
    assert fly["kill_timeout"] > gunicorns("graceful_timeout")
    assert fly["http_service"]["internal_port"] == load(REQUIRED).port


def gunicorns(name: str) -> int:
    """Return a gunicorn setting in seconds."""
    return int(gunicorn_settings()[name])


def test_the_systemd_unit_restarts_and_lets_requests_finish() -> None:
    _, text = blocks("ini")
    unit = ConfigParser(interpolation=None, strict=False)  # SystemCallFilter is set twice
    unit.read_string(text)
    starts, burst = unit["Unit"]["StartLimitIntervalSec"], unit["Unit"]["StartLimitBurst"]
    assert int(burst) * int(unit["Service"]["RestartSec"]) < int(starts), (
        "it would give up restarting"
    )
    assert unit["Unit"]["Requires"] == "videsk-proxy.socket"
    assert "systemctl enable --now videsk-proxy.socket videsk-proxy.service" in DEPLOY.text
    service = unit["Service"]
    assert service["Restart"] == "always"
    assert service["DynamicUser"] == "yes", "must not be root"
    assert int(service["TimeoutStopSec"]) > gunicorns("graceful_timeout")
    assert int(service["LimitNOFILE"]) >= OPEN_FILES
    assert service["ExecStart"].endswith(" app:app")
    assert "TRUSTED_PROXIES=1" in text
    assert f"{service['EnvironmentFile']} <<END\n" in DEPLOY.text, "the commands create that file"


def test_nginx_forwards_the_address_and_does_not_retry_bookings() -> None:
    (site,) = blocks("nginx")
    socket, unit = blocks("ini")
    (bound,) = re.findall(r"--bind (\S+)", unit)
    assert f"ListenStream={bound}\n" in socket
    assert bound.startswith("127.0.0.1:"), "no client can bypass nginx"
    assert f"server {bound};" in site
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in site
    assert "TRUSTED_PROXIES=1" in site
    assert re.findall(r"proxy_next_upstream ([^;]+);", site) == ["off"]
    assert 'proxy_set_header Connection "";' in site
    assert "proxy_http_version 1.1;" in site
    (kept,) = re.findall(r"keepalive_timeout (\d+)s;", site)
    assert int(kept) < gunicorns("keepalive"), "nginx must close idle connections first"
    (waits,) = re.findall(r"proxy_read_timeout (\d+)s;", site)
    assert int(waits) > gunicorns("graceful_timeout")
    assert "error_log /var/log/nginx/error.log crit;" in site
    logged = set(re.findall(r"\$\w+", site.partition("log_format ")[2].partition(";")[0]))
    assert logged == {"$time_iso8601", "$status", "$request_time", "$upstream_http_x_request_id"}


# The dashboard


def exposed() -> dict[str, set[str]]:
    """Return the name and labels of each metric of /metrics."""
    app, counted = Flask("counted"), metrics.Metrics()
    snapshot = {"circuit": "closed", "budget": {"limit": 20, "left": 20}}
    server = SimpleNamespace(time=lambda: (0, 0), info=lambda _: {"evicted_keys": 0})
    redis: Any = SimpleNamespace(client=server, unavailable=False, call=lambda action: action())
    state = metrics_exposition.State(lambda: snapshot, lambda: False, redis)
    metrics.register(app, counted)

    @app.before_request
    def begin() -> None:
        g.started = 0.0
        g.cache_status = "hit; ttl=1"

    @app.get("/")
    def view() -> Response:
        return Response(headers={REPLAYED: "true"})

    counted.count_upstream("/calendar", "200", 0.1)
    counted.count_throttled("wait", 0.1)
    counted.count_invalidated(1)
    app.test_client().get("/")
    text = metrics_exposition.render(counted, state).decode()
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_dashboard_queries_only_exposed_metrics() -> None:
    text = (ROOT / "ops/grafana-dashboard.json").read_text(encoding="utf-8")
    dashboard = json.loads(text)
    metrics, queried = exposed(), set()
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            query = target["expr"]
            names = set(re.findall(r"videsk_proxy_\w+", query))
            queried |= names
            assert names, query
            assert not names - set(metrics), query
            grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", query))))
            assert all(grouped <= metrics[name] for name in names), query
            for name, labels in re.findall(r"(videsk_proxy_\w+){([^}]*)}", query):
                assert set(re.findall(r"(\w+)=", labels)) <= metrics[name], query
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert shown == grouped - {"le"}, query
    assert [variable["type"] for variable in dashboard["templating"]["list"]] == ["datasource"]
    shown_names = {name.removesuffix("_bucket") for name in queried}
    counted = {name for name in metrics if not name.endswith(("_created", "_sum", "_count"))}
    assert shown_names == {name.removesuffix("_bucket") for name in counted}, (
        "a metric without a panel"
    )

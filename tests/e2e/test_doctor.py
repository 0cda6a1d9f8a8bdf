"""`python -m doctor`: its findings, its number of requests, and that it shows no secret."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import StringIO
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis import Redis

from doctor import upstream
from doctor.__main__ import main
from doctor.findings import fail, line, ok
from doctor.settings_report import address
from sandbox.seed import SERVICES
from settings import Settings, from_environment
from tests.e2e.http_server import Handler, http_server
from tests.processes import (
    ROOT,
    Sandbox,
    ServerProcess,
    clean_environ,
    free_port,
    local_redis_url,
    redis_server,
)

SECRET_MARK = "hunter2"
"""Part of every secret except the key. It must not be in any output."""

SERVICES_WITH_AGENTS = [service for service in SERVICES if not service.automatic]


@dataclass
class Report:
    """The output of one run."""

    status: int
    lines: list[str]

    def all_of(self, subject: str) -> list[str]:
        return [text for text in self.lines if text[5:].startswith(f"{subject:<26} ")]

    def of(self, subject: str) -> str:
        """Return the only line about this subject."""
        (found,) = self.all_of(subject)
        return found


Runner = Callable[[dict[str, str]], tuple[int, str, str]]

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["app", "doctor.__main__"])


def run_in_fork(environ: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run `main` in a new process with all modules imported, and with short pauses between requests."""
    received, sent = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=run_main, args=(environ, arguments, sent))
    process.start()
    sent.close()
    try:
        result: tuple[int, str, str] = received.recv()
        return result
    finally:
        process.join()


def run_main(environ: dict[str, str], arguments: Sequence[str], results: Connection) -> None:
    os.environ.clear()
    os.environ.update(environ)
    from_environment.cache_clear()
    upstream.REQUESTS_PER_SECOND = 1000
    with redirect_stdout(StringIO()) as stdout, redirect_stderr(StringIO()) as stderr:
        status = main(arguments)
    results.send((status, stdout.getvalue(), stderr.getvalue()))


def run_offline(environ: dict[str, str]) -> tuple[int, str, str]:
    """Run `main` with the option --offline."""
    return run_in_fork(environ, "--offline")


def run_command(environ: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run `python -m doctor`."""
    run = subprocess.run(
        [sys.executable, "-m", "doctor", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return run.returncode, run.stdout, run.stderr


def run_doctor(
    sandbox: Sandbox, key: str = "backend", run: Runner = run_in_fork, **settings: str
) -> Report:
    """Run the doctor with a key of the sandbox. Check that it shows no secret and sends few requests."""
    sandbox.clear_request_log()
    environ = clean_environ() | {
        "VIDESK_API_KEY": sandbox.keys[key],
        "VIDESK_BASE_URL": sandbox.url,
        "WEB_CONCURRENCY": "1",
    }
    status, stdout, stderr = run(environ | settings)
    assert stderr == ""
    assert sandbox.keys[key] not in stdout
    assert sandbox.keys[key].split(".")[2] not in stdout
    assert SECRET_MARK not in stdout
    request_log = sandbox.request_log()
    assert len(request_log) <= 10
    assert {entry["method"] for entry in request_log} <= {"GET"}
    lines = stdout.splitlines()
    assert lines
    assert all(re.fullmatch(r"ok   \S[^>]*|(warn|FAIL) \S.* -> \S.*", text) for text in lines)
    assert status == any(text.startswith("FAIL") for text in lines)
    return Report(status, lines)


class Page(Handler):
    """A shop with one page, /booking."""

    def respond(self) -> None:
        self.reply(200 if self.path == "/booking" else 404)


def test_everything_is_ok_with_valid_settings(
    sandbox: Sandbox, redis_process: ServerProcess
) -> None:
    sandbox.control("POST", "rate", {"limit": 20})
    with http_server(Page) as page:
        report = run_doctor(
            sandbox,
            run=run_command,
            REDIS_URL=redis_process.redis_url,
            VIDESK_ACCOUNT="main",
            WEB_CONCURRENCY="4",
            TRUSTED_PROXIES="1",
            CORS_ORIGINS=f"{page},capacitor://localhost",
            DEFAULT_REFERRER=f"{page}/booking",
            http_proxy="http://127.0.0.1:1",  # a proxy of the environment, where nothing listens
        )
    assert report.status == 0
    assert [text for text in report.lines if not text.startswith("ok ")] == [
        report.of("POST endpoints")
    ]
    agents = {agent.id for service in SERVICES_WITH_AGENTS for agent in service.agents}
    assert report.of("services").split()[2] == str(len(SERVICES))
    assert report.of("agents").split()[2] == f"{len(agents)},"
    assert "allows 20 per 1 s" in report.of("rate limit")
    assert "4 workers x 4 = 16" in report.of("Redis connections")
    assert "within" in report.of("clock of Redis")
    tried = {re.sub("[0-9a-f]{24}", "{id}", str(entry["path"])) for entry in sandbox.request_log()}
    prefix = "/public/video-contact-center"
    ways = [
        f"{kind}/{{id}}/{read}" for kind in ("services", "users") for read in ("dates", "hours")
    ]
    assert tried == {f"{prefix}/{way}" for way in ["services", *ways]}
    for way in ways:
        assert "accessible" in report.of(f"GET {way}")
    assert sandbox.appointments() == []


@pytest.mark.parametrize(
    ("key", "subject", "words"),
    [
        ("limited", "GET services", "has no access (403)"),
        ("removed", "key", "403: invalid or removed"),
        ("expired", "key", "401: jwt expired"),
    ],
)
def test_a_rejected_key_and_a_key_without_access_are_distinguished(
    sandbox: Sandbox, key: str, subject: str, words: str
) -> None:
    report = run_doctor(sandbox, key)
    assert report.status == 1
    assert report.of(subject).startswith("FAIL")
    assert words in report.of(subject)
    assert report.of("key").startswith("ok  ") == (key == "limited")
    assert len(sandbox.request_log()) == 1


def test_one_endpoint_that_is_closed_to_the_key_is_named(sandbox: Sandbox) -> None:
    message = "You don't have access to /public/video-contact-center/users."
    sandbox.fault("status", path="/users/", status=403, body={"message": message})
    report = run_doctor(sandbox)
    assert report.of("key").startswith("ok  ")
    assert report.of("GET services/{id}/dates").startswith("ok  ")
    assert report.of("GET users/{id}/dates").startswith("FAIL")
    assert report.of("GET users/{id}/hours").startswith("FAIL")


def test_a_key_that_videsk_repeats_is_not_shown(sandbox: Sandbox) -> None:
    sandbox.fault("leak", times=1)
    assert "status 400" in run_doctor(sandbox).of("key")
    key = sandbox.keys["backend"]
    body = {"data": [{"title": key, "id": key}], "total": 1}
    headers = {"Ratelimit-Limit": key, "Date": key}
    sandbox.fault("status", status=200, body=body, headers=headers, times=1)
    assert "contains the key" in run_doctor(sandbox).of("GET services")
    error = {"message": f"jwt expired {key}"}
    sandbox.fault("status", status=401, body=error, times=1)
    assert "401: jwt expired)" in run_doctor(sandbox).of("key")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("html", "not with a JSON list"),
        ("nan", "not with a JSON list"),
        ("huge", "not with a JSON list"),
        ("redirect", "status 302"),
        ("close", "broke off"),
        ("cut", "broke off"),
        ("hang", "no complete response within 0.6 s"),
        ("drip", "no complete response within 0.6 s"),
        ("drip-head", "no complete response within 0.6 s"),
    ],
)
def test_a_videsk_that_fails_fails_the_run(sandbox: Sandbox, fault: str, words: str) -> None:
    sandbox.fault(fault)
    started = monotonic()
    report = run_doctor(sandbox, VIDESK_TIMEOUT="0.6")
    assert monotonic() - started < 15
    assert report.of("key").startswith("FAIL")
    assert words in report.of("key")


def test_an_unreachable_videsk_fails_the_run(sandbox: Sandbox) -> None:
    unused = f"http://127.0.0.1:{free_port()}"
    assert "no connection" in run_doctor(sandbox, VIDESK_BASE_URL=unused).of("key")


def test_a_large_account_is_checked_with_at_most_ten_requests(sandbox: Sandbox) -> None:
    record = {"id": "a" * 24, "users": [{"_id": "b" * 24}]}
    sandbox.fault("status", path="r/services", status=200, body={"data": [record], "total": 99})
    report = run_doctor(sandbox)
    assert report.of("services").split()[2] == "99"
    assert "1 (in the first" in report.of("agents")
    assert len(sandbox.request_log()) == 10


def test_an_account_without_services_or_agents_is_not_a_failure(sandbox: Sandbox) -> None:
    sandbox.fault("status", status=200, body={"data": [], "total": 0}, times=1)
    report = run_doctor(sandbox)
    assert report.status == 0
    assert report.of("services").startswith("warn")
    assert "no service is listed" in report.of("GET services/{id}/dates")
    assert "no agent is listed" in report.of("GET users/{id}/hours")


def test_a_limit_above_videsks_fails_and_a_missing_one_warns(sandbox: Sandbox) -> None:
    assert run_doctor(sandbox).of("rate limit").startswith("warn")
    sandbox.control("POST", "rate", {"limit": 15})
    report = run_doctor(sandbox)
    assert report.of("rate limit").startswith("FAIL")
    assert report.of("rate limit").endswith("-> set VIDESK_RATE_LIMIT=15")
    assert run_doctor(sandbox, VIDESK_RATE_LIMIT="15").of("rate limit").startswith("ok  ")


@pytest.mark.parametrize(
    ("seconds", "level", "which"),
    [(-30, "warn", "ahead of"), (30, "warn", "behind"), (600, "FAIL", "behind")],
)
def test_a_clock_that_differs_from_videsks_is_reported(
    sandbox: Sandbox, seconds: int, level: str, which: str
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    sandbox.fault("status", status=200, body=[], headers={"Date": date}, times=1)
    clock = run_doctor(sandbox).of("clock")
    assert clock.startswith(level)
    assert which in clock


def test_a_clock_that_agrees_with_videsks_is_ok(sandbox: Sandbox) -> None:
    assert run_doctor(sandbox).of("clock").startswith("ok  ")


def test_redis_is_checked_with_the_workers_settings(sandbox: Sandbox) -> None:
    with redis_server(None, "--maxclients", "11") as server:
        url = server.redis_url
        report = run_doctor(sandbox, REDIS_URL=url, WEB_CONCURRENCY="3")
        assert report.of("Redis connections").startswith("FAIL")
        assert "lower WEB_CONCURRENCY to 2" in report.of("Redis connections")

        redis = Redis(port=server.port)
        may = {"guest": ["+@all", "-config"], "reader": ["+get"]}
        for user, commands in may.items():
            redis.acl_setuser(
                user, enabled=True, passwords=[f"+{SECRET_MARK}"], keys=["*"], commands=commands
            )
        as_guest = url.replace("//", f"//guest:{SECRET_MARK}@")
        report = run_doctor(sandbox, REDIS_URL=as_guest)
        assert report.of("Redis").startswith("ok  ")
        assert report.of("Redis connections").startswith("warn")
        assert "CONFIG GET is not allowed" in report.of("Redis connections")
        as_reader = as_guest.replace("guest", "reader")
        report = run_doctor(sandbox, REDIS_URL=as_reader)
        assert report.of("Redis").startswith("FAIL")
        assert "no permission to run the 'info" in report.of("Redis")
        for missing in ("mget", "evalsha"):
            redis.acl_setuser("reader", keys=["*"], enabled=True, commands=["+@all", f"-{missing}"])
            found = run_doctor(sandbox, REDIS_URL=as_reader).of("Redis")
            assert f"no permission to run the '{missing}" in found
        wrong = as_guest.replace(SECRET_MARK, f"not-{SECRET_MARK}")
        assert "password is wrong or missing" in run_doctor(sandbox, REDIS_URL=wrong).of("Redis")
        redis.close()


def test_an_unreachable_or_silent_redis_fails_the_run(sandbox: Sandbox) -> None:
    report = run_doctor(sandbox, REDIS_URL=f"redis://:{SECRET_MARK}@127.0.0.1:{free_port()}")
    assert report.of("Redis").startswith("FAIL")
    assert "no connection" in report.of("Redis")
    with socket.create_server(("127.0.0.1", 0)) as stalled:
        report = run_doctor(sandbox, REDIS_URL=local_redis_url(stalled.getsockname()[1]))
    assert "no response within" in report.of("Redis")


def test_a_node_of_a_redis_cluster_fails_the_run(sandbox: Sandbox, tmp_path: Path) -> None:
    with redis_server(
        None, "--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--dir", str(tmp_path)
    ) as server:
        report = run_doctor(sandbox, REDIS_URL=server.redis_url)
    assert report.of("Redis").startswith("FAIL")
    assert "use redis+cluster://" in report.of("Redis")


def test_a_missing_account_is_a_warning(sandbox: Sandbox, redis_process: ServerProcess) -> None:
    url = redis_process.redis_url
    assert run_doctor(sandbox, REDIS_URL=url).of("key rotation").startswith("warn")
    report = run_doctor(sandbox, REDIS_URL=url, VIDESK_ACCOUNT="main")
    assert report.of("key rotation").startswith("ok  ")


def test_several_workers_without_redis_are_a_warning(sandbox: Sandbox) -> None:
    assert run_doctor(sandbox, WEB_CONCURRENCY="4").of("Redis").startswith("warn")
    assert run_doctor(sandbox).of("Redis").startswith("ok  ")


@contextmanager
def redis_with_tls(folder: Path) -> Iterator[str]:
    """Run a Redis with TLS and a self-signed certificate, like Heroku's, and yield its rediss:// URL."""
    certificate, key = str(folder / "certificate"), str(folder / "key")
    subject = ["-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run(
        [*made, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=30
    )
    port = free_port()
    files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"]
    with redis_server(None, "--tls-port", str(port), *files):
        yield f"rediss://127.0.0.1:{port}"


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_the_tls_of_redis_is_reported_and_a_self_signed_certificate_detected(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with redis_with_tls(tmp_path) as url:
        report = run_doctor(sandbox, REDIS_URL=url)
        assert report.of("Redis").startswith("FAIL")
        assert "REDIS_TLS_VERIFY=false" in report.of("Redis")
        report = run_doctor(sandbox, REDIS_URL=url, REDIS_TLS_VERIFY="false")
        assert report.of("Redis TLS").startswith("warn")
        assert report.of("Redis").startswith("ok  ")
        report = run_doctor(sandbox, REDIS_URL=url, DYNO="web.1")
        assert report.of("Redis TLS").startswith("ok  ")
        assert report.of("Redis").startswith("ok  ")
    assert report.status == 0


def test_allowed_origins_are_ok_and_doubtful_ones_are_reported(sandbox: Sandbox) -> None:
    origins = ["https://shop.invalid", "https://[2001:db8::1]:8443", "http://shop.invalid"]
    report = run_doctor(sandbox, CORS_ORIGINS=",".join(origins), REFERRER_ORIGINS="ionic://app")
    levels = [report.of(f"CORS {origin}")[:4] for origin in origins]
    assert levels == ["ok  ", "ok  ", "warn"]
    assert "every page can call the API" in run_doctor(sandbox, CORS_ORIGINS="*").of("CORS *")
    assert "no page can call the API" in run_doctor(sandbox).of("CORS")


def test_a_referrer_page_that_does_not_exist_is_a_warning(sandbox: Sandbox) -> None:
    with http_server(Page) as page:
        unused = f"http://127.0.0.1:{free_port()}"
        origins = f"{page},{unused}"
        report = run_doctor(sandbox, REFERRER_ORIGINS=origins, DEFAULT_REFERRER=f"{page}/gone")
    assert report.status == 0
    assert "status 404" in report.of("DEFAULT_REFERRER page")
    assert report.of("DEFAULT_REFERRER page").startswith("warn")
    assert report.of(f"referrer {page}").startswith("ok  ")
    assert report.of(f"referrer {unused}").startswith("warn")


def test_each_setting_is_reported_with_its_source_and_without_secrets(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    secrets: dict[str, Any] = {
        "CAPTCHA_SECRET": SECRET_MARK,
        "METRICS_TOKEN": f"{SECRET_MARK}-{SECRET_MARK}",
        "WEBHOOK_SECRET": f"{SECRET_MARK}-{SECRET_MARK}",
    }
    settings = {"CAPTCHA_PROVIDER": "turnstile", "HOURS_TTL": " 7 ", "PORT": " "}
    report = run_doctor(sandbox, run=run_offline, **settings, **secrets)
    assert [text.split()[1] for text in report.lines[: len(fields(Settings))]] == [
        setting.name.upper() for setting in fields(Settings)
    ]
    (tmp_path / "token").write_text(secrets.pop("METRICS_TOKEN"))
    of_file = run_doctor(sandbox, run=run_offline, METRICS_TOKEN_FILE=str(tmp_path / "token"))
    assert of_file.all_of("METRICS_TOKEN")[0].endswith(" set, not shown (environment)")
    for name in (*secrets, "VIDESK_API_KEY"):
        assert report.all_of(name)[0].endswith(" set, not shown (environment)")
    assert report.of("HOURS_TTL").endswith(" 7 (environment)")
    assert report.of("DATES_TTL").endswith(" 60 (default)")
    assert report.of("PORT").endswith(" 8000 (default)")
    assert report.of("REDIS_TLS_VERIFY").endswith(" true (default)")


@pytest.mark.parametrize(
    ("name", "value"), [("VIDESK_API_KEY", ""), ("HOURS_TTL", f"-{SECRET_MARK}")]
)
def test_an_invalid_setting_is_one_line_and_sends_no_request(
    sandbox: Sandbox, name: str, value: str
) -> None:
    sandbox.clear_request_log()
    good = {"VIDESK_API_KEY": "a-key-of-the-tests", "VIDESK_BASE_URL": sandbox.url}
    status, stdout, stderr = run_command({"PATH": os.environ["PATH"]} | good | {name: value})
    assert (status, stdout) == (1, "")
    (text,) = stderr.splitlines()
    assert text.startswith(f"videsk-proxy cannot start: {name} ")
    assert SECRET_MARK not in text
    assert sandbox.request_log() == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"redis://:{SECRET_MARK}@redis.example/0", "redis://redis.example:6379"),
        (f"rediss://me:{SECRET_MARK}@[::1]:7000?password={SECRET_MARK}", "rediss://[::1]:7000"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock"),
        (f"unix://me:{SECRET_MARK}@/run/redis.sock", "unix://***"),
        (f"redis://{SECRET_MARK}/more@redis.example", "redis://***"),
        (f"redis://redis.example#{SECRET_MARK}", "redis://***"),
        (
            f"rediss+sentinel://me:{SECRET_MARK}@one,[::1]:7000/service/1?sentinel_password={SECRET_MARK}",
            "rediss+sentinel://one:26379,[::1]:7000/service",
        ),
        (f"redis+cluster://:{SECRET_MARK}@one:7000,two", "redis+cluster://one:7000,two:6379"),
    ],
)
def test_a_redis_url_is_shown_without_anything_that_may_be_its_password(
    url: str, shown: str
) -> None:
    assert address(url) == shown


def test_a_finding_is_one_line_and_never_shows_the_key() -> None:
    assert line(fail("it", "holds sesame", "hide sesame"), "sesame").endswith(
        "holds *** -> hide ***"
    )
    assert "\n" not in line(ok("it", "is\nshort\x1b[2J"), "sesame")

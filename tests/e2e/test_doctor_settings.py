"""`python -m doctor`: settings that are valid but probably wrong, and its options."""

import json
import time
from typing import Any

import pytest
from redis import Redis

from common.version import VERSION
from doctor import redis_check
from tests.e2e.captcha_provider import captcha_provider
from tests.e2e.test_doctor import SECRET_MARK, run_command, run_doctor, run_in_fork, run_offline
from tests.processes import Sandbox, ServerProcess, clean_environ, free_port

KEY = {"VIDESK_API_KEY": "a-key-of-the-tests"}
RANDOM = "0123456789abcdef" * 4


def run_json(environ: dict[str, str], *options: str) -> tuple[int, dict[str, Any]]:
    """Run `main` with --json, and return its status and its output."""
    status, stdout, stderr = run_in_fork(clean_environ() | environ, "--json", *options)
    assert stderr == ""
    return status, json.loads(stdout)


def test_offline_it_checks_the_settings_and_sends_nothing(sandbox: Sandbox) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}"
    report = run_doctor(
        sandbox, run=run_offline, REDIS_URL=nowhere, CORS_ORIGINS="https://shop.example"
    )
    assert report.status == 0
    assert report.of("CORS https://shop.example").startswith("ok  ")
    assert report.of("key rotation").startswith("warn")
    assert sandbox.request_log() == []
    subjects = {text[5:31].strip() for text in report.lines}
    assert not subjects & {
        "key",
        "GET services",
        "Redis",
        "captcha",
        "referrer https://shop.example",
    }


def test_json_output_has_the_same_findings_without_the_key(sandbox: Sandbox) -> None:
    sandbox.fault("leak", times=1)
    key = sandbox.keys["backend"]
    status, output = run_json({"VIDESK_API_KEY": key, "VIDESK_BASE_URL": sandbox.url})
    assert (status, output["ok"], output["version"]) == (1, False, VERSION)
    assert key not in json.dumps(output)
    (found,) = [finding for finding in output["findings"] if finding["subject"] == "key"]
    assert set(found) == {"level", "subject", "text", "next_step"}
    assert found["level"] == "FAIL"
    status, output = run_json(KEY, "--offline")
    assert (status, output["ok"]) == (0, True)


def test_json_output_reports_a_setting_that_prevents_the_start() -> None:
    status, output = run_json({**KEY, "HOURS_TTL": f"-{SECRET_MARK}"}, "--offline")
    assert (status, output["ok"]) == (1, False)
    assert "HOURS_TTL must be" in output["findings"][0]["text"]
    assert SECRET_MARK not in json.dumps(output)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("HOUR_TTL", "did you mean HOURS_TTL?"),
        ("CORS_ORIGIN", "did you mean CORS_ORIGINS?"),
        ("hours_ttl", "did you mean HOURS_TTL?"),
        ("TRUSTED_PROXY", "did you mean TRUSTED_PROXIES?"),
        ("VIDESK_KEY", "did you mean VIDESK_API_KEY?"),
        ("WEBHOOK_SECRETS_FILE", "did you mean WEBHOOK_SECRET_FILE?"),
        ("VIDESK_ZZZZZZZZZZZZ", "see docs/configuration.md"),
    ],
)
def test_a_misspelled_setting_is_reported(sandbox: Sandbox, name: str, step: str) -> None:
    setting: dict[str, Any] = {name: "7"}
    report = run_doctor(sandbox, run=run_offline, **setting)
    assert report.of(name).startswith("warn")
    assert report.of(name).endswith(f"-> {step}")


def test_environment_variables_of_other_programs_are_not_reported(sandbox: Sandbox) -> None:
    others = (
        "REDIS_TLS_URL",
        "REDIS_PORT",
        "HOST",
        "SENTRY_DSN",
        "WEB_MEMORY",
        "SECRET_KEY",
        "http_proxy",
    )
    report = run_doctor(sandbox, run=run_offline, **dict.fromkeys(others, "7"))
    assert not [text for name in others for text in report.all_of(name)]


@pytest.mark.parametrize("name", ["VIDESK_API_KEY", "METRICS_TOKEN", "VIDESK_ACCOUNT"])
def test_a_value_in_quotes_fails_the_run(name: str) -> None:
    for value in (f'"{RANDOM}"', f"'{RANDOM}'"):
        status, output = run_json({**KEY, name: value}, "--offline")
        assert status == 1
        (found,) = [finding for finding in output["findings"] if finding["level"] == "FAIL"]
        assert (found["subject"], found["next_step"]) == (name, "remove the quotation marks")


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("WEBHOOK_SECRET", "a" * 40, "FAIL"),
        ("METRICS_TOKEN", f"{RANDOM},abababababababab", "FAIL"),
        ("METRICS_TOKEN", "sh0rt-token", "warn"),
        ("CAPTCHA_SECRET", "x", "FAIL"),
        ("VIDESK_API_KEY", "x", "FAIL"),
    ],
)
def test_a_short_or_simple_secret_is_reported(name: str, value: str, level: str) -> None:
    captcha = {"CAPTCHA_PROVIDER": "hcaptcha", "CAPTCHA_SECRET": RANDOM}
    _, output = run_json({**KEY, **captcha, name: value}, "--offline")
    found = [finding["level"] for finding in output["findings"] if finding["subject"] == name]
    assert found == ["ok", level]
    _, output = run_json({**KEY, **captcha, "WEBHOOK_SECRET": RANDOM}, "--offline")
    assert {
        finding["level"] for finding in output["findings"] if "SECRET" in finding["subject"]
    } == {"ok"}


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        ({}, "warn", "behind a router or nginx"),
        ({"TRUSTED_PROXIES": "0"}, "ok  ", "those of the connections"),
        ({"TRUSTED_PROXIES": "2"}, "ok  ", "entry 2 from the right"),
        ({"RENDER": "true"}, "FAIL", "Render has a router"),
        ({"TRUSTED_PROXIES": "0", "FLY_APP_NAME": "shop"}, "FAIL", "Fly has a router"),
        ({"DYNO": "web.1"}, "ok  ", "entry 1"),
    ],
)
def test_a_doubtful_number_of_proxies_is_reported(
    sandbox: Sandbox, settings: dict[str, Any], level: str, words: str
) -> None:
    found = run_doctor(sandbox, run=run_offline, **settings).of("client addresses")
    assert found.startswith(level)
    assert words in found


def test_the_captcha_provider_checks_the_secret(sandbox: Sandbox) -> None:
    with captcha_provider() as provider:
        settings: dict[str, Any] = {
            "CAPTCHA_PROVIDER": "turnstile",
            "CAPTCHA_SECRET": f"{SECRET_MARK}-of-the-captcha",
            "CAPTCHA_VERIFY_URL": f"{provider.url}/siteverify",
        }
        provider.reject("invalid-input-response")
        assert run_doctor(sandbox, **settings).of("captcha").startswith("ok  ")
        assert provider.requests_received[0][1]["secret"] == settings["CAPTCHA_SECRET"]
        provider.reject("invalid-input-secret")
        assert "rejects CAPTCHA_SECRET" in run_doctor(sandbox, **settings).of("captcha")
        provider.respond_with({"success": True})
        assert "accepts every token" in run_doctor(sandbox, **settings).of("captcha")
        provider.respond_with(b"<p>Not found", 404)
        report = run_doctor(sandbox, **settings)
    assert report.of("captcha").startswith("FAIL")
    assert "an unexpected response" in report.of("captcha")
    settings["CAPTCHA_VERIFY_URL"] = f"http://127.0.0.1:{free_port()}"
    assert "no connection" in run_doctor(sandbox, **settings).of("captcha")


@pytest.mark.parametrize(
    ("settings", "is_reported"),
    [({}, True), ({"CAPTCHA_SITE_KEY": "0x4AAAAAAA"}, False), ({"WIDGET": "false"}, False)],
)
def test_a_widget_without_a_site_key_for_its_captcha_is_reported(
    sandbox: Sandbox, settings: dict[str, Any], is_reported: bool
) -> None:
    captcha = {"CAPTCHA_PROVIDER": "turnstile", "CAPTCHA_SECRET": RANDOM}
    report = run_doctor(sandbox, run=run_offline, **captcha, **settings)
    assert len(report.all_of("booking widget")) == is_reported


@pytest.mark.parametrize(("seconds", "which"), [(30, "ahead of"), (-30, "behind")])
def test_a_clock_that_differs_from_that_of_redis_is_a_warning(
    redis_process: ServerProcess, monkeypatch: pytest.MonkeyPatch, seconds: int, which: str
) -> None:
    now = time.time
    monkeypatch.setattr("doctor.redis_check.time.time", lambda: now() + seconds)
    redis = Redis(port=redis_process.port)
    found = redis_check.clock(redis)
    redis.close()
    assert found.level == "warn"
    assert which in found.text


def test_the_command_takes_options() -> None:
    environ = clean_environ() | KEY
    status, stdout, _ = run_command(environ, "--json", "--offline")
    assert (status, json.loads(stdout)["ok"]) == (0, True)
    assert run_command(environ, "--version")[:2] == (0, f"{VERSION}\n")

"""The start: a wrong setting stops gunicorn with one line, and the routes are these and no others."""

import os
import subprocess

import pytest

from app import app
from tests.processes import ROOT, free_port

MARK = "hunter2"
"""Part of every bad value: no output may show it."""

GOOD = {"VIDESK_API_KEY": "a-key-of-the-tests", "VIDESK_BASE_URL": "https://videsk.invalid"}
LONGEST_START_SECONDS = 20

BAD = [
    ("VIDESK_API_KEY", ""),
    ("VIDESK_API_KEY", f"Bearer {MARK}"),
    ("VIDESK_BASE_URL", f"http://{MARK}.example"),
    ("VIDESK_BASE_URL", f"https://someone:{MARK}@videsk.example"),
    ("VIDESK_TIMEOUT", MARK),
    ("REDIS_URL", f"http://:{MARK}@redis.example:6379/0"),
    ("REDIS_URL", f"redis://:{MARK}@:6379/0"),
    ("REDIS_URL", f"redis://:{MARK}@redis.example:{MARK}/0"),
    ("REDIS_TLS_VERIFY", MARK),
    ("PORT", MARK),
    ("PORT", "70000"),
    ("CORS_ORIGINS", f"https://shop.example/{MARK}"),
    ("REFERRER_ORIGINS", MARK),
    ("DEFAULT_REFERRER", f"https://{MARK}.example/"),
    ("SERVICES_TTL", f"-{MARK}"),
    ("MAX_BODY_BYTES", MARK),
    ("LOG_LEVEL", MARK),
    ("CAPTCHA_PROVIDER", MARK),
    ("METRICS_TOKEN", f"{MARK} {MARK}"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_wrong_setting_stops_the_start_with_one_line(name: str, value: str) -> None:
    gunicorn = subprocess.run(
        ["gunicorn", "app:app"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PORT": str(free_port())} | GOOD | {name: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_START_SECONDS,
    )
    assert gunicorn.returncode != 0
    assert gunicorn.stdout == ""
    (line,) = gunicorn.stderr.splitlines()
    assert line.startswith(f"videsk-proxy cannot start: {name} ")
    assert "must be" in line
    assert not value or value not in line
    assert MARK not in line
    assert not set(GOOD.values()) & set(line.split())


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
    "/hooks/videsk": {"POST"},
    "/healthz": {"GET"},
    "/readyz": {"GET"},
    "/metrics": {"GET"},
}
"""Every path and its methods, apart from OPTIONS everywhere and HEAD wherever there is GET."""


def test_the_routes_are_these_and_no_others() -> None:
    """A new route is a decision: write it here, in README.md and in the contract."""
    real: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        methods = set(rule.methods or ())
        assert "OPTIONS" in methods
        assert ("HEAD" in methods) == ("GET" in methods)
        real.setdefault(rule.rule, set()).update(methods - {"HEAD", "OPTIONS"})
    assert real == ROUTES

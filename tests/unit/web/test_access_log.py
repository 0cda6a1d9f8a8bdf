"""One JSON line for each request, and no personal data in any line."""

import json
import logging
import sys
from select import PIPE_BUF
from types import SimpleNamespace
from typing import Any

import pytest

from common.request_context import REQUEST_CONTEXT, RequestContext
from tests.unit.web.setup import small_app
from web import access_log
from web.access_log import Formatter, ServedRequest, log_requests

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, access_log.log.name)


def test_a_log_line_has_the_route_and_not_the_path(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = small_app()
    app.add_url_rule("/api/users/<ident>/hours", "hours", lambda ident: "{}")
    headers = {"X-Request-ID": "mine", "traceparent": TRACEPARENT, "Cookie": "secret=1"}
    app.test_client().get("/api/users/ana-secret/hours?email=secret", headers=headers)
    output = capsys.readouterr().out
    assert "secret" not in output
    line = json.loads(output)
    assert line.pop("time").endswith("Z")
    assert line.pop("duration_ms") >= 0
    assert line == {
        "level": "INFO", "logger": "videsk_proxy.requests", "message": "request",
        "request_id": "mine", "route": "/api/users/{id}/hours", "method": "GET", "status": 200,
        "cache": None, "upstream_ms": 0.0, "upstream_attempts": 0, "traceparent": TRACEPARENT,
    }  # fmt: skip


def test_fields_of_later_traceparent_versions_are_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = RequestContext("id", traceparent=f"01{TRACEPARENT[2:]}-more", attempts=2, seconds=0.5)
    log_requests([ServedRequest("/r", "POST", 201, 0.0125, "videsk-proxy; hit", context)])
    line = json.loads(capsys.readouterr().out)
    assert line["traceparent"] == f"01{TRACEPARENT[2:]}"
    assert (line["upstream_ms"], line["upstream_attempts"]) == (500, 2)
    assert (line["duration_ms"], line["cache"]) == (12.5, "videsk-proxy; hit")


def test_lines_of_several_requests_are_written_in_pieces_that_a_pipe_does_not_mix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pieces: list[str] = []
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=pieces.append, flush=int))
    sent = [str(number) for number in range(30)]
    log_requests([ServedRequest("/r", "GET", 200, 0, None, RequestContext(name)) for name in sent])
    assert 1 < len(pieces) < 10
    assert all(piece.endswith("\n") and len(piece) <= PIPE_BUF for piece in pieces)
    lines = "".join(pieces).splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == sent


def test_above_level_info_no_request_is_logged(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, access_log.log.name)
    log_requests([ServedRequest("/r", "GET", 200, 0, None, RequestContext("id"))])
    assert not capsys.readouterr().out


def test_each_request_has_its_own_context() -> None:
    app = small_app()
    seen: list[Any] = []

    def view() -> str:
        seen.append(REQUEST_CONTEXT.get())
        return ""

    app.add_url_rule("/", "view", view)
    for name in ("a", "b"):
        app.test_client().get("/", headers={"X-Request-ID": name})
    assert [context.request_id for context in seen] == ["a", "b"]


def test_an_exception_is_logged_by_type_and_frames_without_its_message() -> None:
    email = "@".join(("ana", "example.com"))  # the frames show the lines of this file
    try:
        int(email)
    except ValueError:
        info = sys.exc_info()
    record = logging.LogRecord("videsk_proxy", logging.ERROR, "f.py", 1, "fault", None, info)
    line = Formatter("%(message)s").format(record)
    assert email not in line
    assert "ValueError" in line
    assert "test_access_log.py" in line


def test_flasks_log_of_an_exception_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    app = small_app()

    def fail(ident: str) -> str:
        raise ValueError

    app.add_url_rule("/<ident>", "view", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.test_client().get("/ana-secret")
    assert caplog.messages == ["fault"]


@pytest.mark.parametrize(
    ("level", "gunicorn"), [("debug", "INFO"), ("info", "INFO"), ("error", "ERROR")]
)
def test_other_libraries_log_warnings_only(level: str, gunicorn: str) -> None:
    config = access_log.config(level)
    assert config["root"]["level"] == "WARNING"
    assert config["loggers"]["videsk_proxy"]["level"] == level.upper()
    assert config["loggers"]["gunicorn.error"]["level"] == gunicorn

"""gunicorn.conf.py, executed in the test's process with its side effects patched out."""

import gc
import logging
import os
import resource
import runpy
import sys
from pathlib import Path
from queue import SimpleQueue
from signal import SIGHUP, SIGTERM
from types import SimpleNamespace
from typing import Any

import pytest
from gevent import monkey

import settings
from web import http_request

ROOT = Path(__file__).parent.parent.parent
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def read(monkeypatch: pytest.MonkeyPatch, folder: Path, **variables: str) -> SimpleNamespace:
    """Return what the file defines with these settings."""
    environ = {"VIDESK_API_KEY": "key"} | variables
    monkeypatch.setattr(settings, "from_environment", lambda: settings.load(environ))
    monkeypatch.setattr(monkey, "patch_all", lambda: None)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4096, 4096))
    monkeypatch.setenv(FOLDER, str(folder / "videsk-proxy-metrics-tests"))
    return SimpleNamespace(**runpy.run_path(str(ROOT / "gunicorn.conf.py")))


@pytest.fixture
def conf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    return read(monkeypatch, tmp_path)


def test_settings_decide_port_and_workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    conf = read(monkeypatch, tmp_path, PORT="8123", WEB_CONCURRENCY="3")
    assert (conf.bind, conf.workers) == ("0.0.0.0:8123", 1), (
        "without Redis there is only one worker"
    )
    redis = {"REDIS_URL": "redis://127.0.0.1:1"}
    assert read(monkeypatch, tmp_path, WEB_CONCURRENCY="3", **redis).workers == 3


def test_gunicorns_limits_match_the_request_parser(conf: SimpleNamespace) -> None:
    assert conf.limit_request_line == http_request.REQUEST_LINE_BYTES
    assert conf.limit_request_fields == http_request.FIELDS
    assert conf.limit_request_field_size == http_request.FIELD_BYTES + 2


def test_keep_alive_and_graceful_timeouts_are_long_enough(
    conf: SimpleNamespace,
) -> None:
    assert conf.keepalive > 90
    assert 25 < conf.graceful_timeout < 30


@pytest.mark.parametrize(
    ("limits", "raised_to", "result"),
    [
        ((1024, 8192), (4096, 8192), 4096),
        ((1024, 2048), (2048, 2048), 2048),
        ((8192, 8192), None, 8192),
        ((1024, resource.RLIM_INFINITY), (4096, resource.RLIM_INFINITY), 4096),
    ],
)
def test_the_limit_of_open_files_is_raised_up_to_the_hard_limit(
    conf: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    raised_to: tuple[int, int] | None,
    result: int,
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert conf.raise_open_files(4096) == result
    assert raised == ([raised_to] if raised_to else [])


def worker(age: int = 1) -> Any:
    return SimpleNamespace(
        age=age,
        alive=True,
        pid=os.getpid() + 1,
        handle_exit=lambda *_: None,
        connections=SimpleNamespace(limit_by_address=None),
        wsgi=SimpleNamespace(config={}, extensions={}),
    )


@pytest.mark.parametrize(("signals", "alive"), [([], True), ([SIGHUP], True), ([SIGTERM], False)])
def test_a_worker_that_receives_a_stop_signal_while_starting_stops(
    conf: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, signals: list[int], alive: bool
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    server = SimpleNamespace(planned_age=1, SIG_QUEUE=SimpleQueue())
    for each in signals:
        server.SIG_QUEUE.put(each)
    started = worker()
    conf.post_fork(server, started)
    assert started.alive is alive


@pytest.mark.parametrize(("age", "restarts"), [(2, 0), (3, 1)])
def test_a_worker_that_replaces_another_is_counted(
    conf: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, age: int, restarts: int
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    server = SimpleNamespace(
        cfg=SimpleNamespace(workers=2),
        worker_age=0,
        SIG_QUEUE=SimpleQueue(),
        log=logging.getLogger(),
    )
    counted: list[int] = []
    started = worker(age)
    started.wsgi.extensions["videsk_proxy_metrics"] = SimpleNamespace(
        worker_restarts=SimpleNamespace(inc=lambda: counted.append(1))
    )
    conf.on_starting(server)
    conf.post_fork(server, started)
    conf.post_worker_init(started)
    assert len(counted) == restarts
    server.worker_age = 5
    conf.on_reload(server)
    assert server.planned_age == 7


@pytest.mark.parametrize(("proxies", "shared"), [("0", True), ("1", False)])
def test_readiness_reflects_a_stop_and_addresses_are_limited_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxies: str, shared: bool
) -> None:
    conf = read(monkeypatch, tmp_path, TRUSTED_PROXIES=proxies)
    started = worker()
    started.is_replacement = False
    conf.post_worker_init(started)
    assert gc.get_freeze_count() > 10_000, "what was imported is not searched for garbage"
    gc.unfreeze()
    assert started.connections.limit_by_address is shared
    stopping = started.wsgi.config["STOPPING"]
    assert not stopping()
    started.alive = False
    assert stopping()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, 0),
        (SystemExit(), 0),
        (SystemExit(3), 3),
        (SystemExit(-1), 255),
        (SystemExit("text"), 1),
        (ValueError(), 1),
    ],
)
def test_a_worker_exits_with_pythons_usual_status(
    conf: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, error: BaseException | None, status: int
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    monkeypatch.setattr(sys, "exception", lambda: error)
    conf.worker_exit(None, worker())
    assert not ended, "the master also calls it for a worker that has exited"
    own = worker()
    own.pid = os.getpid()
    conf.worker_exit(None, own)
    assert ended == [status]


def test_the_folder_of_the_metrics_is_removed(conf: SimpleNamespace, tmp_path: Path) -> None:
    folder = tmp_path / "videsk-proxy-metrics-tests"
    folder.mkdir()
    assert Path(conf.FOLDER) == folder, "the folder is kept after a SIGHUP"
    conf.on_exit(None)
    assert not folder.exists()


def test_a_new_folder_is_made_for_each_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    conf = read(monkeypatch, tmp_path)
    monkeypatch.setenv(FOLDER, "/elsewhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    again = SimpleNamespace(**runpy.run_path(str(ROOT / "gunicorn.conf.py")))
    assert again.FOLDER != conf.FOLDER
    assert os.environ[FOLDER] == again.FOLDER
    assert Path(again.FOLDER).parent == tmp_path


def test_gunicorn_writes_no_access_log(conf: SimpleNamespace) -> None:
    assert conf.Logger.access(None, "response", "request") is None
    assert conf.logger_class is conf.Logger

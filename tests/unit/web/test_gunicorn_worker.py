"""gunicorn's worker sends the response of the fast path or of the app, or an error."""

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from web.fast_path import FastPath
from web.gunicorn_worker import Worker
from web.http_request import ConnectNotImplementedError


class FakeConnection:
    """A connection that records what is sent."""

    address = "10.0.0.1"

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data


class FakeFastPath(FastPath):
    """A fast path that responds to every request."""

    def __init__(self) -> None:
        self.environs: list[Any] = []

    def respond(self, environ: Any) -> bytes:
        self.environs.append(environ)
        return b"from the fast path"


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    def from_the_app(
        self: object, listener: object, req: object, sock: FakeConnection, addr: object
    ) -> None:
        sock.sendall(b"from the app")

    monkeypatch.setattr(GeventWorker, "handle_request", from_the_app)
    worker = Worker(1, 1, [], None, 30, Config(), logging.getLogger("tests"))
    worker.wsgi = SimpleNamespace(wsgi_app=FakeFastPath())
    yield worker
    worker.tmp.close()


ENVIRON = {"REQUEST_METHOD": "GET", "RAW_URI": "/api/services", "REMOTE_ADDR": "10.0.0.1"}


def respond(worker: Worker) -> bytes | None:
    return worker._fast_response(ENVIRON)


def test_a_plain_request_is_served_by_the_fast_path(worker: Worker) -> None:
    assert respond(worker) == b"from the fast path"
    assert worker.wsgi.wsgi_app.environs == [ENVIRON]


def test_a_worker_that_stops_uses_no_fast_path(worker: Worker) -> None:
    worker.alive = False
    assert respond(worker) is None


def test_an_app_without_a_fast_path_is_served(worker: Worker) -> None:
    worker.wsgi = SimpleNamespace()
    assert respond(worker) is None


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequestLine("customer data"), 400),
        (errors.LimitRequestLine(9000, 8190), 414),
        (errors.LimitRequestHeaders("customer data"), 431),
        (errors.ExpectationFailed("customer data"), 417),
        (errors.UnsupportedTransferCoding("customer data"), 501),
        (ConnectNotImplementedError(), 501),
        (RuntimeError("customer data"), 500),
    ],
)
def test_an_error_response_contains_nothing_of_the_request(
    worker: Worker, caplog: pytest.LogCaptureFixture, error: Exception, status: int
) -> None:
    client = FakeConnection()
    worker.handle_error(None, client, ("10.0.0.1", 1), error)
    head, _, body = client.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body)["code"] == status
    for line in (b"Connection: close", b"X-Error-Source: proxy", b"Content-Length: %d" % len(body)):
        assert line in head.split(b"\r\n")
    assert "customer data" not in caplog.text + client.sent.decode()


def test_an_error_carries_the_client_s_request_id(worker: Worker) -> None:
    error = errors.InvalidHeader("HOST", req=SimpleNamespace(headers=[("X-REQUEST-ID", "mine")]))
    client = FakeConnection()
    worker.handle_error(None, client, ("10.0.0.1", 1), error)
    assert b"\r\nX-Request-ID: mine\r\n" in client.sent

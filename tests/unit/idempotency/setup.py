"""A fake shared store, and fixtures to send POSTs: `idempotency`, `send`, `short_waits`."""

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from flask import Flask, Response

from common.resilient_redis import RedisUnavailableError
from idempotency import protocol
from idempotency.protocol import Idempotency
from idempotency.store import LocalStore, Record
from videsk.errors import VideskResponseError, VideskTimeoutError
from web.client_limits import TRUSTED_PROXIES

PATH = "/api/users/a/appointments"
KEY = {"Idempotency-Key": "a-key"}
BODY = {"startAt": "noon", "form": [1, {"a": None}]}


class FakeSharedStore(LocalStore):
    """The records of all processes, in a fake Redis that can be unavailable."""

    def __init__(self) -> None:
        super().__init__()
        self.is_unavailable = False
        self.reconnects_soon = False
        """Whether it is available again for calls that wait for it."""
        self.failing_calls = 0
        """The number of calls that still fail although Redis is available again."""
        self.renewed: list[str] = []
        self.clients: list[Any] = []
        """The `redis` argument of each successful call."""
        self.leases: set[str] = set()

    def _reach(self) -> None:
        if self.is_unavailable or self.failing_calls:
            self.failing_calls = max(0, self.failing_calls - 1)
            raise RedisUnavailableError

    def wait_for_reconnect(self) -> bool:
        self.is_unavailable = self.is_unavailable and not self.reconnects_soon
        return not self.is_unavailable and not self.failing_calls

    def begin(self, name: str, record: Record, keep_seconds: int, redis: Any = None) -> Any:
        self._reach()
        self.clients.append(redis)
        assert keep_seconds >= 60, "longer than any request"
        existing = super().begin(name, record, keep_seconds)
        return existing if existing and existing.owner != record.owner else None

    def end(self, name: str, record: Record, keep_seconds: int, outcome: Record, redis: Any = None) -> None:  # fmt: skip
        self._reach()
        self.clients.append(redis)
        super().end(name, record, keep_seconds, outcome)

    def outcome(self, owner: str) -> tuple[Record | None, bool]:
        self._reach()
        return super().outcome(owner)[0], owner in self.leases

    def renew(self, owner: str) -> None:
        self.renewed.append(owner)
        self._reach()

    def link_token(self, token: str, name: str, keep_seconds: int) -> None:
        self._reach()
        super().link_token(token, name, keep_seconds)

    def forget_by_token(self, token: str) -> None:
        self._reach()
        super().forget_by_token(token)


class Action:
    """The action of a POST, which must run once. Its response contains how often it ran."""

    def __init__(self, *errors: Exception, during: Callable[[], object] = bool) -> None:
        self.times = 0
        self.errors = list(errors)
        self.during = during

    def __call__(self) -> Response:
        self.times += 1
        self.during()
        if self.errors:
            raise self.errors.pop(0)
        body = json.dumps({"times": self.times, "actionToken": f"token-{self.times}"})
        headers = {"Content-Type": "text/x", "Link": "</a>", "Retry-After": "5", "X-Other": "no"}
        return Response(body, 201, headers)


Send = Callable[..., Response]


def worker_with(shared: FakeSharedStore) -> Idempotency:
    """Return the Idempotency of a worker that shares these records."""
    records: Any = shared
    return Idempotency(records)


@pytest.fixture
def app() -> Flask:
    made = Flask("test")
    made.config[TRUSTED_PROXIES] = 1
    made.register_error_handler(VideskResponseError, lambda error: Response("no", error.status))
    made.register_error_handler(VideskTimeoutError, lambda _: Response("late", 504))
    return made


@pytest.fixture
def shared() -> FakeSharedStore:
    return FakeSharedStore()


@pytest.fixture(params=["alone", "shared"])
def idempotency(request: pytest.FixtureRequest, shared: FakeSharedStore) -> Idempotency:
    return worker_with(shared) if request.param == "shared" else Idempotency(None)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten waits, and let them switch greenlets as in gunicorn's gevent worker."""
    waiting = SimpleNamespace(monotonic=time.monotonic, sleep=gevent.sleep)
    monkeypatch.setattr(protocol, "time", waiting)
    monkeypatch.setattr(protocol, "DEAD_SECONDS", 0.1)
    monkeypatch.setattr(protocol, "POLL_SECONDS", 0.005)


@pytest.fixture
def send(app: Flask) -> Send:
    def to(
        idempotency: Idempotency, action: Callable[[], Response], value: Any = BODY, headers: dict[str, str] = KEY,
        path: str = PATH, address: str = "10.0.0.1", **more: Any,
    ) -> Response:  # fmt: skip
        all_headers = headers | {"X-Forwarded-For": address}
        with app.test_request_context(path, method="POST", headers=all_headers):
            return idempotency.run(action, value, **more)

    return to


def rejection(status: int) -> VideskResponseError:
    return VideskResponseError(status, b"{}", None, {})


def send_click(send: Send, idempotency: Idempotency, action: Action, **more: Any) -> Response:
    return send(idempotency, action, headers={}, detect_double_click=True, **more)

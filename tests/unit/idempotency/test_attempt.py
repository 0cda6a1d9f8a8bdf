"""Which requests are the same attempt, and which parts of a response are replayed."""

from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.exceptions import BadRequest

from idempotency.attempt import (
    DOUBLE_CLICK_SECONDS,
    KEEP_SECONDS,
    MIN_STARTED_SECONDS,
    REPLAYED,
    Attempt,
    current_attempt,
    replay,
    serialize,
)
from idempotency.store import Record
from tests.unit.web.setup import small_app
from videsk.errors import VideskTimeoutError

PATH = "/api/users/a/appointments"
BODY = {"startAt": "noon", "form": [1, {"a": None}]}


@pytest.fixture
def app() -> Flask:
    return small_app()


def attempt(
    app: Flask,
    *,
    key: str | None = "a-key",
    body: Any = BODY,
    path: str = PATH,
    token: str | None = None,
    address: str = "10.0.0.1",
    detect_double_click: bool = True,
) -> Attempt | None:
    headers = {} if key is None else {"Idempotency-Key": key}
    environ = {"REMOTE_ADDR": address}
    with app.test_request_context(path, method="POST", headers=headers, environ_base=environ):
        return current_attempt(body, token, detect_double_click=detect_double_click)


def attempt_of(app: Flask, **changes: Any) -> Attempt:
    found = attempt(app, **changes)
    assert found
    return found


def test_the_key_names_an_attempt_and_the_request_determines_its_fingerprint(app: Flask) -> None:
    first, again = attempt_of(app), attempt_of(app, address="10.0.0.2")
    assert first.keep_seconds == first.started_seconds == KEEP_SECONDS
    assert (first.by_token, first.is_double_click) == (False, False)
    assert (first.name, first.record.fingerprint) == (again.name, again.record.fingerprint)
    assert first.record.owner != again.record.owner
    assert attempt_of(app, key="other").name != first.name
    assert "a-key" not in first.name


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"body": {"form": [1.0, {"a": None}], "startAt": "noon"}}, True),
        ({"path": PATH.upper()}, True),
        ({"body": BODY | {"startAt": "later"}}, False),
        ({"body": {"startAt": "noon", "form": [{"a": None}, 1]}}, False),
        ({"body": {"startAt": "noon", "form": [True, {"a": None}]}}, False),
        ({"path": "/api/users/b/appointments"}, False),
        ({"token": "a-token"}, False),
    ],
)
def test_equal_requests_have_the_same_fingerprint(
    app: Flask, changes: dict[str, Any], is_same: bool
) -> None:
    assert (
        attempt_of(app, **changes).record.fingerprint == attempt_of(app).record.fingerprint
    ) is is_same


def test_without_a_key_a_double_click_is_the_same_request_of_one_client(app: Flask) -> None:
    first = attempt_of(app, key=None)
    assert (first.keep_seconds, first.started_seconds) == (
        DOUBLE_CLICK_SECONDS,
        MIN_STARTED_SECONDS,
    )
    assert first.is_double_click
    assert attempt_of(app, key=None).name == first.name
    assert attempt_of(app, key=None, address="10.0.0.2").name != first.name
    assert attempt_of(app, key=None, body={}).name != first.name
    assert attempt(app, key=None, detect_double_click=False) is None


def test_a_token_authorizes_its_attempt(app: Flask) -> None:
    assert attempt_of(app, token="a-token").by_token


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a" * 256])
def test_a_malformed_key_is_rejected(app: Flask, key: str) -> None:
    with pytest.raises(BadRequest):
        attempt(app, key=key)


def test_a_response_is_replayed_with_its_headers() -> None:
    headers = {"Content-Type": "text/x", "Link": "</a>", "Retry-After": "5", "X-Other": "no"}
    stored = serialize(Response("ñ", 409, headers))
    again = replay(Record("f", "owner", "answered", stored))
    assert (again.status_code, again.get_data(as_text=True)) == (409, "ñ")
    assert again.headers["Content-Type"] == "text/x"
    assert (again.headers["Link"], again.headers["Retry-After"]) == ("</a>", "5")
    assert again.headers[REPLAYED] == "true"
    assert "X-Other" not in again.headers


def test_an_attempt_in_doubt_stays_in_doubt() -> None:
    with pytest.raises(VideskTimeoutError) as raised:
        replay(Record("f", "owner", "doubt"))
    assert raised.value.outcome_unknown

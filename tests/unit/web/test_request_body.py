"""Which bodies and tokens are accepted, and how others are rejected."""

import io
from typing import Any

import gevent
import pytest
from flask import Flask
from gunicorn.http.errors import NoMoreData
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
    Unauthorized,
    UnsupportedMediaType,
)

from tests.unit.web.setup import small_app
from web import request_body
from web.request_body import bearer_token, read_object

LIMIT = 1000


@pytest.fixture
def app() -> Flask:
    return small_app()


def read(app: Flask, body: bytes, content_type: str = "application/json", **options: bool) -> Any:
    with app.test_request_context(method="POST", data=body, content_type=content_type):
        return read_object(**options)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_a_json_object_is_read(app: Flask, content_type: str) -> None:
    assert read(app, '{"ñ": [1, null]}'.encode(), content_type) == {"ñ": [1, None]}


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"{}", "text/plain", UnsupportedMediaType),
        (b"{}", "", UnsupportedMediaType),
        (b"", "application/json", BadRequest),
        (b"[]", "application/json", BadRequest),
        (b'{"a": 1, "a": 2}', "application/json", BadRequest),
        (b'{"a": NaN}', "application/json", BadRequest),
        (b'{"a": "\xff"}', "application/json", BadRequest),
        (b" " * (LIMIT + 1), "application/json", RequestEntityTooLarge),
    ],
)
def test_anything_else_is_rejected(
    app: Flask, body: bytes, content_type: str, error: type[HTTPException]
) -> None:
    with pytest.raises(error):
        read(app, body, content_type)


def test_an_optional_empty_body_is_an_empty_object(app: Flask) -> None:
    assert read(app, b"", "", may_be_empty=True) == {}
    with pytest.raises(UnsupportedMediaType):
        read(app, b"{}", "", may_be_empty=True)


def test_a_webhook_s_content_type_does_not_matter(app: Flask) -> None:
    assert read(app, b'{"a": 1}', "text/plain", any_type=True) == {"a": 1}


def read_chunked(app: Flask, stream: Any) -> Any:
    """Read a body without a length, as the server passes chunked bodies."""
    environ = {"wsgi.input": stream, "CONTENT_TYPE": "application/json", "REQUEST_METHOD": "POST"}
    with app.test_request_context(environ_overrides=environ):
        return read_object()


def test_a_chunked_body_over_the_limit_is_rejected_and_not_truncated(app: Flask) -> None:
    longest = b"{}" + b" " * (LIMIT - 2)
    assert read_chunked(app, io.BytesIO(longest)) == {}
    with pytest.raises(RequestEntityTooLarge):
        read_chunked(app, io.BytesIO(longest + b" "))


class FailingBody:
    """A body whose read raises this error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, size: int) -> bytes:
        raise self.error


@pytest.mark.parametrize("error", [OSError(), NoMoreData()])
def test_an_incomplete_body_is_a_400(app: Flask, error: Exception) -> None:
    with pytest.raises(BadRequest):
        read_chunked(app, FailingBody(error))


class SlowBody:
    """A body that does not arrive for a second."""

    def read(self, size: int) -> bytes:
        gevent.sleep(1)
        return b"{}"


def test_a_body_that_does_not_arrive_is_a_408(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0.01)
    with pytest.raises(RequestTimeout):
        read_chunked(app, SlowBody())


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b-c_d", "a.b-c_d"),
        ("bearer   a.b.c==", "a.b.c=="),
        ("a.b.c", None),
        ("Bearer", None),
        ("Bearer a b", None),
        ("Bearer a\u00e9", None),
        ("Basic a", None),
        (None, None),
    ],
)
def test_the_bearer_token_is_parsed_from_its_header(
    app: Flask, header: str | None, token: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    with app.test_request_context(headers=headers):
        if token:
            assert bearer_token() == token
        else:
            with pytest.raises(Unauthorized):
                bearer_token()

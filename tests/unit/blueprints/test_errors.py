"""Every exception becomes one response, in one form."""

import logging
from typing import Any

import pytest
from flask import g
from marshmallow import ValidationError
from werkzeug.exceptions import BadRequest, TooManyRequests
from werkzeug.test import TestResponse

from blueprints import errors
from cache.single_flight import SingleFlightTimeoutError
from schemas.queries import DateInPastError, QueryError
from tests.unit.web.setup import small_app
from videsk.errors import (
    VideskBrokenError,
    VideskCircuitOpenError,
    VideskRateLimitError,
    VideskResponseError,
    VideskTimeoutError,
    VideskUnreachableError,
)
from web.captcha import CaptchaMissingError, CaptchaRejectedError, CaptchaUnavailableError


def response_to(error: Exception, **context: Any) -> TestResponse:
    app = small_app()
    errors.register(app)

    def view() -> str:
        for name, value in context.items():
            setattr(g, name, value)
        raise error

    app.add_url_rule("/", "view", view)
    return app.test_client().get("/")


def body_of(response: TestResponse) -> dict[str, Any]:
    body: Any = response.json
    assert set(body) <= {"name", "message", "code", "className", "data", "errors"}
    assert body["code"] == response.status_code
    assert response.headers["X-Error-Source"] == "proxy"
    return dict(body)


def test_an_error_of_videsk_is_passed_on_byte_for_byte() -> None:
    error = VideskResponseError(418, b' {"a": 1}\n', "text/x; charset=utf-8", {"Retry-After": "7"})
    response = response_to(error, alternate="</a>")
    assert (response.status_code, response.data) == (418, b' {"a": 1}\n')
    assert response.headers["Content-Type"] == "text/x; charset=utf-8"
    assert response.headers["Retry-After"] == "7"
    assert response.headers["X-Error-Source"] == "videsk"
    assert "Link" not in response.headers


def test_a_conflict_links_to_the_free_hours() -> None:
    response = response_to(VideskResponseError(409, b"{}", None, {}), alternate="</a>")
    assert response.headers["Link"] == "</a>"
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (VideskUnreachableError(), 502, None),
        (VideskTimeoutError(), 504, None),
        (VideskRateLimitError(2.1), 503, "3"),
        (VideskCircuitOpenError(0.1), 503, "1"),
        (SingleFlightTimeoutError(), 504, None),
    ],
)
def test_a_failure_of_videsk_is_a_gateway_error(
    error: Exception, status: int, retry_after: str | None
) -> None:
    response = response_to(error)
    assert response.status_code == status
    assert response.headers.get("Retry-After") == retry_after
    assert "data" not in body_of(response)


def test_a_write_in_doubt_is_marked() -> None:
    body = body_of(response_to(VideskBrokenError(outcome_unknown=True)))
    assert body["data"] == "outcomeUnknown"
    assert body["message"].startswith(VideskBrokenError.message)


@pytest.mark.parametrize(
    ("error", "message", "data", "fields"),
    [
        (DateInPastError({"date": ["is in the past"]}), "The date can not be in the past.", "dateInPast", {}),
        (QueryError({"date": ["is required"]}), 'A valid "date" is required', "date", {}),
        (QueryError({"service": ["must be"]}), "A valid service id is required", None, {}),
        (QueryError({"days": ["must be a number"]}), '"days" must be a number', None, {}),
        (
            ValidationError({"startAt": ["is required"], "form": ["is required"]}),
            'A valid "date" is required', "date", {"startAt": ["is required"], "form": ["is required"]},
        ),
        (
            ValidationError({"date": ["is an unknown field"]}),
            '"date" is an unknown field', None, {"date": ["is an unknown field"]},
        ),
    ],
)  # fmt: skip
def test_a_validation_error_has_the_message_of_videsk_if_there_is_one(
    error: ValidationError, message: str, data: str | None, fields: dict[str, Any]
) -> None:
    body = body_of(response_to(error))
    assert body["code"] == 400
    assert body["message"].rstrip(".") == message.rstrip(".")
    assert (body.get("data"), body["errors"]) == (data, fields)


@pytest.mark.parametrize(
    ("error", "status", "data"),
    [
        (CaptchaMissingError(), 400, None),
        (CaptchaRejectedError("timeout-or-duplicate"), 422, {"extraData": "timeout-or-duplicate"}),
        (CaptchaUnavailableError(), 503, None),
    ],
)
def test_a_captcha_error_has_the_format_of_videsk(
    error: Exception, status: int, data: object
) -> None:
    body = body_of(response_to(error))
    assert (body["code"], body.get("data")) == (status, data)


def test_an_http_error_keeps_its_text_and_a_429_its_retry_after() -> None:
    assert body_of(response_to(BadRequest("No.")))["message"] == "No."
    assert response_to(TooManyRequests(), retry_after=7).headers["Retry-After"] == "7"


def test_a_method_that_is_not_allowed_lists_the_others() -> None:
    app = small_app()
    errors.register(app)
    app.add_url_rule("/", "view", lambda: "", methods=["GET"])
    response = app.test_client().post("/")
    assert body_of(response)["name"] == "MethodNotAllowed"
    assert "GET" in response.headers["Allow"]
    assert body_of(app.test_client().get("/nothing"))["name"] == "NotFound"


def test_an_unexpected_exception_is_logged_and_not_returned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = response_to(RuntimeError("the reason"))
    assert body_of(response)["code"] == 500
    assert "the reason" not in response.text
    (record,) = [each for each in caplog.records if each.name == errors.log.name]
    assert record.levelno == logging.ERROR
    assert record.exc_info
    assert isinstance(record.exc_info[1], RuntimeError)

"""Errors in Feathers' format: name, message, code, className, data, errors."""

import json

import pytest

from web.error_body import error_body


@pytest.mark.parametrize(
    ("status", "name", "class_name"),
    [
        (400, "BadRequest", "bad-request"),
        (401, "NotAuthenticated", "not-authenticated"),
        (404, "NotFound", "not-found"),
        (413, "PayloadTooLarge", "payload-too-large"),
        (422, "Unprocessable", "unprocessable"),
        (429, "TooManyRequests", "too-many-requests"),
        (500, "GeneralError", "general-error"),
        (503, "Unavailable", "unavailable"),
        (505, "HTTPVersionNotSupported", "h-t-t-p-version-not-supported"),
    ],
)
def test_names_are_those_of_feathers(status: int, name: str, class_name: str) -> None:
    body = json.loads(error_body(status, "No."))
    assert body == {
        "name": name, "message": "No.", "code": status, "className": class_name, "errors": {},
    }  # fmt: skip


def test_data_and_errors_are_added_where_there_are_any() -> None:
    body = json.loads(error_body(400, "No.", "date", {"date": ["is required"]}))
    assert (body["data"], body["errors"]) == ("date", {"date": ["is required"]})

"""The document is complete. tests/e2e/openapi/test_linters.py validates it and its examples."""

import re
from typing import Any

import pytest

from app import create_app
from idempotency import attempt
from openapi.document import UndescribedError, build
from openapi.spec import Operation, describe
from settings import load
from tests.unit.openapi.spec_document import DOCUMENT, operations
from web import responses

OPERATION_IDS = {
    "listServices", "listServiceDates", "listServiceHours", "getServiceAvailability",
    "listServiceNextHours", "bookByService", "listUserDates", "listUserHours", "getUserAvailability",
    "listUserNextHours", "bookByUser", "getForm", "getAppointment", "cancelAppointment",
    "rescheduleAppointment", "getHealth", "getReadiness", "getMetrics", "notifyMeetingChanged", "purgeCache",
    "getOpenapi", "getDocs", "getDocsAsset", "getWidgetFile",
}  # fmt: skip


def test_operation_ids() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert {operation["operationId"] for _, _, operation in operations()} == OPERATION_IDS


def test_operations_that_need_a_token_or_a_secret() -> None:
    schemes = {
        operation["operationId"]: [name for each in operation["security"] for name in each]
        for _, _, operation in operations()
    }
    assert {name: secured for name, secured in schemes.items() if secured} == {
        "getAppointment": ["accessToken"],
        "cancelAppointment": ["actionToken"],
        "rescheduleAppointment": ["actionToken"],
        "getMetrics": ["metricsToken"],
        "notifyMeetingChanged": ["webhookSecret"],
        "purgeCache": ["webhookSecret"],
    }


def test_retries() -> None:
    """GETs and the webhook are idempotent. Writes are with an Idempotency-Key."""
    retries = {operation["operationId"]: operation["x-retry"] for _, _, operation in operations()}
    assert {name for name, retry in retries.items() if retry != "safe"} == {
        "bookByService", "bookByUser", "cancelAppointment", "rescheduleAppointment",
    }  # fmt: skip
    assert set(retries.values()) == {"safe", "same-key"}


def test_post_without_idempotency_is_never_repeated() -> None:
    app = create_app(load({"VIDESK_API_KEY": "key"}))

    @describe(Operation("post", "operations", {}))
    def view() -> str:
        """Post."""
        return ""

    app.add_url_rule("/post", "post", view, methods=["POST"])
    assert build(app)["paths"]["/post"]["post"]["x-retry"] == "never"


@pytest.mark.parametrize("methods", [["GET"], ["POST"]])
def test_route_without_an_operation_is_an_error(methods: list[str]) -> None:
    app = create_app(load({"VIDESK_API_KEY": "key"}))
    path = "/api/new" if methods == ["GET"] else "/api/services"
    app.add_url_rule(path, "new", lambda: "", methods=methods)
    with pytest.raises(UndescribedError, match=f"^{methods[0]} {path}$"):
        build(app)


def test_only_request_bodies_are_closed() -> None:
    """Unknown fields in request bodies are errors. Fields that Videsk adds to responses are passed on."""
    closed = {
        name
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if schema.get("additionalProperties") is False
    }
    assert closed == {"BookingByService", "BookingByUser", "FormElement", "Cancellation", "Move"}


PATTERNS = [
    (DOCUMENT["components"]["headers"]["X-Request-ID"], responses._REQUEST_ID),
    (DOCUMENT["components"]["parameters"]["Idempotency-Key"], attempt._KEY),
]


@pytest.mark.parametrize(
    ("published", "pattern"), PATTERNS, ids=["X-Request-ID", "Idempotency-Key"]
)
@pytest.mark.parametrize(
    "value", ["a", "0-9.A_z", "", "a b", "é", "!", "~", "\x7f", "x" * 128, "x" * 129, "x" * 256]
)
def test_published_header_pattern_matches_the_one_in_use(
    published: dict[str, Any], pattern: re.Pattern[str], value: str
) -> None:
    assert bool(re.search(published["schema"]["pattern"], value)) == bool(pattern.fullmatch(value))

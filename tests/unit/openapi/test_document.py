"""The document by itself: sound, whole, and its examples are as its schemas say."""

import json
import re
from typing import Any

import pytest
from jsonschema import ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from app import create_app
from idempotency import attempt
from openapi.document import UndescribedError, build
from settings import load
from tests.unit.openapi.reading import DOCUMENT, check, examples_of, operations, resolved
from web import responses

OPERATION_IDS = {
    "listServices", "listServiceDates", "listServiceHours", "getServiceAvailability",
    "listServiceNextHours", "bookByService", "listUserDates", "listUserHours", "getUserAvailability",
    "listUserNextHours", "bookByUser", "getForm", "getAppointment", "cancelAppointment",
    "rescheduleAppointment", "getHealth", "getReadiness", "getMetrics", "notifyMeetingChanged",
    "getOpenapi", "getDocs", "getDocsAsset",
}  # fmt: skip


def test_it_is_sound_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


def test_it_describes_each_route_by_its_name() -> None:
    """That no route is missing, `build` itself sees to."""
    assert {operation["operationId"] for _, _, operation in operations()} == OPERATION_IDS
    assert all(operation["summary"] for _, _, operation in operations())


@pytest.mark.parametrize("methods", [["GET"], ["POST"]])
def test_a_route_that_is_not_described_has_no_document(methods: list[str]) -> None:
    app = create_app(load({"VIDESK_API_KEY": "key"}))
    path = "/api/new" if methods == ["GET"] else "/api/services"
    app.add_url_rule(path, "new", lambda: "", methods=methods)
    with pytest.raises(UndescribedError, match=f"^{methods[0]} {path}$"):
        build(app)


def test_no_component_is_left_over() -> None:
    """But for the answers of paths and methods that are not there."""
    used = set(re.findall(r'"#/components/([^"]+)"', json.dumps(DOCUMENT)))
    made = {f"{kind}/{name}" for kind, named in DOCUMENT["components"].items() for name in named}
    secrets = {f"securitySchemes/{name}" for name in DOCUMENT["components"]["securitySchemes"]}
    assert made - used - secrets == {"responses/MethodNotAllowed"}
    opening = {
        name for _, _, one in operations() for each in one.get("security", []) for name in each
    }
    assert {f"securitySchemes/{name}" for name in opening} == secrets


def examples() -> list[tuple[str, dict[str, Any], Any]]:
    """Each example's place and name, its schema, and itself."""
    found = []
    for _, _, operation in operations():
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        contents = [
            content
            for body in (*bodies, *operation["responses"].values())
            for content in resolved(body).get("content", {}).values()
        ] + [resolved(parameter) for parameter in operation["parameters"]]
        for content in contents:
            named = examples_of(content)
            if "example" in content:
                named["example"] = content["example"]
            found += [
                (f"{operation['operationId']} {name}", content["schema"], value)
                for name, value in named.items()
            ]
    return found


def test_each_example_is_as_its_schema_says() -> None:
    assert len(examples()) > 300
    for place, schema, value in examples():
        try:
            check(schema, value)
        except ValidationError as error:
            pytest.fail(f"{place}: {error.message}")


def test_requests_are_closed_and_answers_are_open() -> None:
    """Unknown fields of bodies are refused; what Videsk adds comes through."""
    closed = {
        name
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if schema.get("additionalProperties") is False
    }
    assert closed == {"BookingByService", "BookingByUser", "FormElement", "Cancellation", "Move"}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("X-Request-ID", responses._REQUEST_ID), ("Idempotency-Key", attempt._KEY)],
)
@pytest.mark.parametrize(
    "value", ["a", "0-9.A_z", "", "a b", "é", "!", "~", "\x7f", "x" * 128, "x" * 129, "x" * 256]
)
def test_a_header_is_published_as_it_is_read(
    name: str, pattern: re.Pattern[str], value: str
) -> None:
    published = DOCUMENT["components"]["parameters"][name]["schema"]["pattern"]
    assert bool(re.search(published, value)) == bool(pattern.fullmatch(value))

"""The document is valid and complete, and its examples match its schemas."""

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


def test_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


def test_operation_ids_and_summaries() -> None:
    assert {operation["operationId"] for _, _, operation in operations()} == OPERATION_IDS
    assert all(operation["summary"] for _, _, operation in operations())


@pytest.mark.parametrize("methods", [["GET"], ["POST"]])
def test_route_without_an_operation_is_an_error(methods: list[str]) -> None:
    app = create_app(load({"VIDESK_API_KEY": "key"}))
    path = "/api/new" if methods == ["GET"] else "/api/services"
    app.add_url_rule(path, "new", lambda: "", methods=methods)
    with pytest.raises(UndescribedError, match=f"^{methods[0]} {path}$"):
        build(app)


def test_every_component_is_used() -> None:
    """Except the response to an unsupported method, which belongs to no operation."""
    used = set(re.findall(r'"#/components/([^"]+)"', json.dumps(DOCUMENT)))
    made = {f"{kind}/{name}" for kind, named in DOCUMENT["components"].items() for name in named}
    secrets = {f"securitySchemes/{name}" for name in DOCUMENT["components"]["securitySchemes"]}
    assert made - used - secrets == {"responses/MethodNotAllowed"}
    opening = {
        name for _, _, one in operations() for each in one.get("security", []) for name in each
    }
    assert {f"securitySchemes/{name}" for name in opening} == secrets


def examples() -> list[tuple[str, dict[str, Any], Any]]:
    """Return operation and name, schema, and value of each example."""
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


def test_examples_match_their_schemas() -> None:
    assert len(examples()) > 300
    for place, schema, value in examples():
        try:
            check(schema, value)
        except ValidationError as error:
            pytest.fail(f"{place}: {error.message}")


def test_only_request_bodies_are_closed() -> None:
    """Unknown fields of bodies are errors; fields that Videsk adds are passed on."""
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
def test_published_header_pattern_matches_the_one_in_use(
    name: str, pattern: re.Pattern[str], value: str
) -> None:
    published = DOCUMENT["components"]["parameters"][name]["schema"]["pattern"]
    assert bool(re.search(published, value)) == bool(pattern.fullmatch(value))

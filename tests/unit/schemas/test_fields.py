"""The published JSON Schema of a field accepts what its loader accepts."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from marshmallow import Schema, ValidationError

from schemas.bookings import (
    BookingSchema,
    CancelSchema,
    FormElement,
    RescheduleSchema,
    UserBookingSchema,
)
from schemas.fields import (
    HONEYPOT,
    JSON_SCHEMAS,
    ZONE_NAMES,
    load_instant,
    load_zone,
    load_zone_name,
)
from schemas.hooks import MeetingSchema
from schemas.queries import AvailabilityQuery, NextQuery, load_day, load_month
from tests.days import YEAR
from tests.unit.openapi.spec_document import DOCUMENT

HEX_ID = "63bdbf3230013a2792550a1c"
INSTANTS = [
    f"{YEAR}-05-06T12:00:00.000Z", f"{YEAR}-05-06T12:00Z", f"{YEAR}-05-06T12:00:00+02:00",
    f"{YEAR}-05-06T12:00:00-0330", f"{YEAR}-05-06T12:00:00+02", f"{YEAR}-05-06T23:59:59.123456789Z",
]  # fmt: skip
INVALID_INSTANTS = [
    "", f"{YEAR}-05", f"{YEAR}-05-06", f"{YEAR}-05-06T12:00:00", f"{YEAR}-05-06 12:00:00Z", f"{YEAR}-05-06t12:00:00z",
    f"{YEAR}-05-06T24:00:00Z", f"{YEAR}-05-06T12Z", f" {YEAR}-05-06T12:00Z", "٢٠٣١-05-06T12:00Z", "Z",
    f"{YEAR}-13-06T12:00Z", f"{YEAR}-05-32T12:00Z", f"{YEAR}-05-06T12:60Z", f"{YEAR}-05-06T12:00:60Z",
    f"{YEAR}-05-06T12:00+24", f"{YEAR}-05-06T12:00+01:60",
]  # fmt: skip
VALUES: list[Any] = [
    *INSTANTS, *INVALID_INSTANTS, HEX_ID, HEX_ID.upper(), HEX_ID[1:], f"{HEX_ID}0", "g" * 24, HONEYPOT,
    "America/Santiago", "x", None, True, 0, 1.5, [], ["a", 1, 2.5], [True], [None], [[]], {}, {"a": 1},
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda text: not text.endswith("\n")),  # Python's `$` also matches before a final newline
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
) | st.sampled_from(VALUES)  # fmt: skip


def accepts(shape: dict[str, Any], value: Any) -> bool:
    return Draft202012Validator(shape).is_valid(value)


def loads(loader: Any, value: Any) -> bool:
    try:
        loader(value)
    except ValidationError:
        return False
    return True


EXACT_LOADERS = [
    loader for loader in JSON_SCHEMAS if loader not in {load_instant, load_zone, load_zone_name}
]
EXACT_LOADERS = [
    loader for loader in EXACT_LOADERS if loader.__name__ != "load"
]  # query loaders are tested below
APPROXIMATE_LOADERS = [load_instant, load_zone, load_zone_name]
"""Loaders whose JSON Schemas do not include the lengths of months and the names of zones."""


@pytest.mark.parametrize("loader", EXACT_LOADERS)
@given(value=JSON)
def test_json_schema_and_loader_accept_the_same_values(loader: Any, value: Any) -> None:
    assert accepts(JSON_SCHEMAS[loader], value) == loads(loader, value)


@pytest.mark.parametrize("loader", APPROXIMATE_LOADERS)
@given(value=JSON)
def test_json_schema_accepts_what_the_loader_accepts(loader: Any, value: Any) -> None:
    assert accepts(JSON_SCHEMAS[loader], value) or not loads(loader, value)


@pytest.mark.parametrize("text", INSTANTS + INVALID_INSTANTS)
def test_json_schema_of_an_instant_accepts_what_its_loader_accepts(text: str) -> None:
    assert (
        accepts(JSON_SCHEMAS[load_instant], text) == loads(load_instant, text) == (text in INSTANTS)
    )


@pytest.mark.parametrize(
    ("name", "query", "least", "most", "default"),
    [("days", AvailabilityQuery(), 1, 31, 7), ("limit", NextQuery(), 1, 20, 3)],
    ids=["days", "limit"],
)
def test_whole_number_is_published_with_its_bounds(
    name: str, query: Schema, least: int, most: int, default: int
) -> None:
    """Compare the published bounds with the loader of the route."""
    shape = DOCUMENT["components"]["parameters"][name]["schema"]
    for number in range(-1, 50):
        reads = loads(query.fields[name].deserialize, str(number))
        assert accepts(shape, number) == reads == (least <= number <= most)
    assert shape["default"] == query.fields[name].load_default == default


DATES = [
    f"{YEAR}-05-06", *INSTANTS, *INVALID_INSTANTS, f"{YEAR}-05-06T12:00:00 02:00", f"{YEAR}-05-06T12:00 +02",
    f"{YEAR}-05", f"{YEAR}-13", f"{YEAR}-00", f"{YEAR}-05-00", f"{YEAR}-5-6", f"{YEAR}", "0", " ", "tomorrow",
]  # fmt: skip


@pytest.mark.parametrize(("name", "load"), [("month", load_month), ("day", load_day)])
@pytest.mark.parametrize("date", DATES)
def test_published_pattern_of_a_date_accepts_what_its_loader_accepts(
    name: str, load: Any, date: str
) -> None:
    published = DOCUMENT["components"]["parameters"][name]["schema"]
    query = {"date": date, "timezone": "UTC"}
    accepted = loads(lambda value: load(value, datetime(2020, 1, 1, tzinfo=UTC)), query)
    assert accepts(published, date) == accepted


@pytest.mark.parametrize("name", ["0", "utc", "", "+1", "America/", "America/São_Paulo", "UTC "])
def test_published_pattern_of_a_time_zone_accepts_no_other_text(name: str) -> None:
    assert not accepts(JSON_SCHEMAS[load_zone], name)


def test_published_pattern_of_a_time_zone_accepts_every_name() -> None:
    assert [zone for zone in ZONE_NAMES if not accepts(JSON_SCHEMAS[load_zone], zone)] == []


FORM = [{"_id": HONEYPOT, "value": ""}]
BOOKING = {"startAt": INSTANTS[0], "timezone": "UTC", "form": FORM}
BODIES: list[tuple[str, Schema, dict[str, Any]]] = [
    ("BookingByService", BookingSchema(), BOOKING),
    ("BookingByUser", UserBookingSchema(), BOOKING | {"service": HEX_ID}),
    ("FormElement", FormElement(), {"_id": HONEYPOT, "value": ""}),
    ("Cancellation", CancelSchema(), {}),
    ("Move", RescheduleSchema(), {"date": INSTANTS[0]}),
    ("MeetingChanged", MeetingSchema(), {}),
]
CHANGES: list[dict[str, Any]] = [
    {}, {"referrer": "x"}, {"referrer": ""}, {"referrer": None}, {"token": "x"}, {"token": 1},
    {"form": []}, {"form": FORM * 101}, {"form": {}}, {"form": [1]}, {"form": [{"_id": HEX_ID}]},
    {"form": [{"_id": HEX_ID, "value": None}]}, {"form": [{"_id": HEX_ID, "value": 1, "more": 1}]},
    {"startAt": 1}, {"service": HEX_ID}, {"service": "x"}, {"timezone": None}, {"email": "a@b"},
    {"cancelReason": "x" * 1000}, {"cancelReason": "x" * 1001}, {"cancelReason": []},
    {"cancelReason": None}, {"date": INSTANTS[1]}, {"date": f"{YEAR}-05-06"}, {"user": HEX_ID},
    {"user": None}, {"_id": HEX_ID}, {"_id": "x"}, {"value": [1]}, {"value": {}}, {"more": 1},
]  # fmt: skip


@pytest.mark.parametrize(("name", "schema", "good"), BODIES, ids=[name for name, _, _ in BODIES])
def test_published_body_accepts_what_its_schema_accepts(
    name: str, schema: Schema, good: dict[str, Any]
) -> None:
    published = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    bodies = [good | change for change in CHANGES]
    bodies += [{key: value for key, value in good.items() if key != removed} for removed in good]
    for body in bodies:
        assert accepts(published, body) == (not schema.validate(body)), body

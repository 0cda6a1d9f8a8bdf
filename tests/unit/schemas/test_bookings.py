"""The rules of the four request bodies, with their exact errors."""

from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from schemas.bookings import BookingSchema, CancelSchema, RescheduleSchema, UserBookingSchema

FIELD = "5f9d88b2c3a4e5f60718293a"
SERVICE = "0123456789abcdef01234567"
HONEYPOT = "videsk_essential"
ELEMENT = {"_id": FIELD, "value": "Ada"}
BOOKING: dict[str, Any] = {
    "startAt": "2026-12-01T12:00:00.000Z",
    "timezone": "America/Santiago",
    "form": [ELEMENT],
}

ID_ERROR = ['must be 24 hex digits or "videsk_essential"']
VALUE_ERROR = ["must be a string, a number, a boolean, or an array of strings and numbers"]
INSTANT_ERROR = ["must be an instant with Z or an offset, such as 2026-12-01T12:00:00.000Z"]
ZONE_ERROR = ["must be an IANA time zone, such as America/Santiago"]
TEXT_ERROR = ["must be a string that is not empty"]
LENGTH_ERROR = ["must have 1 to 100 elements"]

INVALID_TEXTS: list[object] = ["", 5, True, ["a"], {}]
INVALID_ARRAYS: list[object] = [5, "a", True, {"0": ELEMENT}]
INVALID_VALUES: list[object] = [{}, [None], [True], ["a", False], [["a"]], [{}]]

BOTH_KINDS = pytest.mark.parametrize(
    ("schema", "extra"),
    [(BookingSchema(), {}), (UserBookingSchema(), {"service": SERVICE})],
    ids=["service", "user"],
)


def errors_of(schema: Schema, body: object) -> Any:
    with pytest.raises(ValidationError) as caught:
        schema.load(body)  # type: ignore[arg-type]  # any JSON value may arrive
    return caught.value.messages


def elements(count: int) -> list[dict[str, str]]:
    return [{"_id": f"{number:024x}", "value": "x"} for number in range(count)]


@BOTH_KINDS
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"referrer": "spring campaign"},
        {"referrer": "https://shop.example/page", "token": "captcha"},
        {"timezone": "Asia/Calcutta"},
        {"timezone": "Europe/Kiev"},
        {"form": elements(100)},
        {"form": [ELEMENT, {"_id": HONEYPOT, "value": ""}]},
        {"form": [{"_id": HONEYPOT, "value": []}]},
        *(
            {"form": [{"_id": FIELD, "value": value}]}
            for value in ("", "ñ", 0, -1.5, 10**300, True, False, [], ["a", 1, 2.5])
        ),
    ],
)
def test_valid_booking_is_loaded_unchanged(
    schema: Schema, extra: dict[str, Any], change: dict[str, Any]
) -> None:
    booking = BOOKING | change | extra
    assert schema.load(booking) == booking


@BOTH_KINDS
def test_ids_are_loaded_in_lower_case(schema: Schema, extra: dict[str, Any]) -> None:
    upper = {name: ident.upper() for name, ident in extra.items()}
    loaded = schema.load(BOOKING | upper | {"form": [{"_id": FIELD.upper(), "value": "Ada"}]})
    assert loaded == BOOKING | extra


VALID_INSTANTS = pytest.mark.parametrize(
    ("text", "loaded"),
    [
        ("2026-12-01T12:00:00.000Z", "2026-12-01T12:00:00.000Z"),
        ("2026-12-01T12:00Z", "2026-12-01T12:00:00.000Z"),
        ("2026-12-01T12:00:00.1239Z", "2026-12-01T12:00:00.123Z"),
        ("2026-12-01T09:00:00-03:00", "2026-12-01T12:00:00.000Z"),
        ("2026-12-01T17:30:00+0530", "2026-12-01T12:00:00.000Z"),
        ("2027-01-01T02:00:00+14", "2026-12-31T12:00:00.000Z"),
        ("2028-02-29T23:30:00-01:00", "2028-03-01T00:30:00.000Z"),
    ],
)
INVALID_INSTANTS = pytest.mark.parametrize(
    "value",
    [
        "2026-12-01T12:00:00",
        "2026-12-01T12:00:00 03:00",
        "2026-12-01 12:00:00Z",
        "2026-12-01",
        "2026-12",
        "2027-02-29T12:00:00Z",
        "2026-12-01T25:00:00Z",
        "2026-12-01T12:00:00+25:00",
        "0001-01-01T00:00:00+14:00",
        "2026-12-01T12:00:00Z\n",
        "",
        "tomorrow",
        1764590400000,
        True,
        ["2026-12-01T12:00:00Z"],
        {},
    ],
)


@BOTH_KINDS
@VALID_INSTANTS
def test_start_is_loaded_in_utc_with_milliseconds(
    schema: Schema, extra: dict[str, Any], text: str, loaded: str
) -> None:
    assert schema.load(BOOKING | extra | {"startAt": text})["startAt"] == loaded


@VALID_INSTANTS
def test_new_date_is_loaded_in_utc_with_milliseconds(text: str, loaded: str) -> None:
    assert RescheduleSchema().load({"date": text}) == {"date": loaded}


@BOTH_KINDS
@INVALID_INSTANTS
def test_start_has_to_be_an_instant_with_an_offset(
    schema: Schema, extra: dict[str, Any], value: object
) -> None:
    assert errors_of(schema, BOOKING | extra | {"startAt": value}) == {"startAt": INSTANT_ERROR}


@INVALID_INSTANTS
def test_new_date_has_to_be_an_instant_with_an_offset(value: object) -> None:
    assert errors_of(RescheduleSchema(), {"date": value}) == {"date": INSTANT_ERROR}


@BOTH_KINDS
@pytest.mark.parametrize(
    ("change", "errors"),
    [
        *(({name: None}, {name: ["must not be null"]}) for name in (*BOOKING, "referrer", "token")),
        *(
            ({"timezone": name}, {"timezone": ZONE_ERROR})
            for name in ("localtime", "america/santiago", "../etc/passwd", "", -3, ["UTC"])
        ),
        *(({"referrer": value}, {"referrer": TEXT_ERROR}) for value in INVALID_TEXTS),
        *(({"token": value}, {"token": TEXT_ERROR}) for value in INVALID_TEXTS),
        *(({"form": value}, {"form": ["must be an array"]}) for value in INVALID_ARRAYS),
        ({"form": []}, {"form": LENGTH_ERROR}),
        ({"form": elements(101)}, {"form": LENGTH_ERROR}),
        ({"form": [1] * 101}, {"form": LENGTH_ERROR}),
        ({"extra": 1}, {"extra": ["is an unknown field"]}),
        ({"date": 1, "_id": 1}, {"date": ["is an unknown field"], "_id": ["is an unknown field"]}),
    ],
)
def test_invalid_field_is_reported_under_its_name(
    schema: Schema, extra: dict[str, Any], change: dict[str, Any], errors: dict[str, Any]
) -> None:
    assert errors_of(schema, BOOKING | extra | change) == errors


@pytest.mark.parametrize(
    ("second", "errors"),
    [
        (5, {"_schema": ["must be an object"]}),
        (None, ["must not be null"]),
        ([ELEMENT], {"_schema": ["must be an object"]}),
        ({}, {"_id": ["is required"], "value": ["is required"]}),
        ({"_id": SERVICE}, {"value": ["is required"]}),
        ({"value": "x"}, {"_id": ["is required"]}),
        ({"_id": SERVICE, "value": "x", "label": 1}, {"label": ["is an unknown field"]}),
        ({"_id": None, "value": "x"}, {"_id": ["must not be null"]}),
        *(
            ({"_id": ident, "value": "x"}, {"_id": ID_ERROR})
            for ident in ("", "a" * 23, "a" * 25, "z" * 24, HONEYPOT.upper(), 5, [FIELD])
        ),
        ({"_id": SERVICE, "value": None}, {"value": ["must not be null"]}),
        *(({"_id": SERVICE, "value": value}, {"value": VALUE_ERROR}) for value in INVALID_VALUES),
        ({"_id": FIELD, "value": "x"}, {"_id": ["must not occur twice"]}),
        ({"_id": FIELD.upper(), "value": "x"}, {"_id": ["must not occur twice"]}),
        *(
            ({"_id": HONEYPOT, "value": value}, {"value": ["must be empty"]})
            for value in ("x", " ", 0, 1, True, [""])
        ),
    ],
)
def test_invalid_element_is_reported_under_its_index(second: object, errors: object) -> None:
    assert errors_of(BookingSchema(), BOOKING | {"form": [ELEMENT, second]}) == {
        "form": {1: errors}
    }


def test_honeypot_must_not_occur_twice() -> None:
    form = [{"_id": HONEYPOT, "value": ""}] * 2
    assert errors_of(BookingSchema(), BOOKING | {"form": form}) == {
        "form": {1: {"_id": ["must not occur twice"]}}
    }


def test_every_invalid_element_is_reported() -> None:
    form = [{"_id": HONEYPOT, "value": "bot"}, ELEMENT, ELEMENT, ELEMENT]
    twice = {"_id": ["must not occur twice"]}
    assert errors_of(BookingSchema(), BOOKING | {"form": form}) == {
        "form": {0: {"value": ["must be empty"]}, 2: twice, 3: twice}
    }


def test_all_missing_fields_are_reported() -> None:
    missing = {name: ["is required"] for name in BOOKING}
    assert errors_of(BookingSchema(), {}) == missing
    assert errors_of(UserBookingSchema(), {}) == missing | {"service": ["is required"]}
    assert errors_of(RescheduleSchema(), {}) == {"date": ["is required"]}


@pytest.mark.parametrize("value", ["", "a" * 23, "g" * 24, "..", 5, ["a" * 24]])
def test_service_of_a_booking_by_user_has_to_be_an_id(value: object) -> None:
    errors = errors_of(UserBookingSchema(), BOOKING | {"service": value})
    assert errors == {"service": ["must be 24 hex digits"]}


def test_booking_by_service_has_no_service_field() -> None:
    errors = errors_of(BookingSchema(), BOOKING | {"service": SERVICE})
    assert errors == {"service": ["is an unknown field"]}


@pytest.mark.parametrize("body", [{}, {"cancelReason": ""}, {"cancelReason": "ñ" * 1000}])
def test_cancel_reason_is_optional_and_at_most_1000_characters(body: dict[str, str]) -> None:
    assert CancelSchema().load(body) == body


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"cancelReason": "x" * 1001}, {"cancelReason": ["must have at most 1000 characters"]}),
        ({"cancelReason": 5}, {"cancelReason": ["must be a string"]}),
        ({"cancelReason": ["x"]}, {"cancelReason": ["must be a string"]}),
        ({"cancelReason": None}, {"cancelReason": ["must not be null"]}),
        ({"reason": "x"}, {"reason": ["is an unknown field"]}),
    ],
)
def test_invalid_cancellation_is_an_error(body: dict[str, Any], errors: dict[str, Any]) -> None:
    assert errors_of(CancelSchema(), body) == errors

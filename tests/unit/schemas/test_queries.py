"""The rules of ids, `date` and `timezone`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from common.date_ranges import Period
from schemas.queries import DateInPastError, load_day, load_id, load_month

NOW = datetime(2026, 11, 22, 15, 30, 0, 250_000, UTC)
FORMATTED_NOW = "2026-11-22T15:30:00.250Z"
SANTIAGO = {"timezone": "America/Santiago"}
ZONE_ERROR = {"timezone": ["must be an IANA time zone, such as America/Santiago"]}

Loader = Callable[[Mapping[str, Any], datetime], tuple[Period, str]]
BOTH_LOADERS = pytest.mark.parametrize("load", [load_month, load_day])


def errors_of(load: Loader, query: Mapping[str, Any]) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        load(query, NOW)
    return caught.value


@pytest.mark.parametrize("kind", ["service", "user"])
def test_id_is_loaded_in_lower_case(kind: str) -> None:
    assert load_id(kind, "5F9d88B2c3a4e5f60718293A") == "5f9d88b2c3a4e5f60718293a"


@pytest.mark.parametrize("kind", ["service", "user"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 23,
        "a" * 25,
        "g" + "a" * 23,
        "a" * 24 + "\n",
        " " + "a" * 23,
        "..",
        "%2e%2e",
        "a?b",
        "../" + "a" * 21,
        "１" * 24,  # noqa: RUF001 - digits, but not ASCII ones
    ],
)
def test_invalid_id_is_reported_under_its_kind(kind: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        load_id(kind, text)
    assert caught.value.messages == {kind: ["must be 24 hex digits"]}


@pytest.mark.parametrize(
    ("date", "name", "expected_query"),
    [
        ("2026-12", "2026-12", "2026-12-01T03:00:00.000Z"),
        ("2026-12-31", "2026-12", "2026-12-01T03:00:00.000Z"),
        ("2026-12-01T02:59:59.999Z", "2026-11", FORMATTED_NOW),
        ("2026-12-01T03:00:00.000Z", "2026-12", "2026-12-01T03:00:00.000Z"),
        ("2026-12-01T00:00:00", "2026-12", "2026-12-01T03:00:00.000Z"),
        ("2026-12-01T00:00", "2026-12", "2026-12-01T03:00:00.000Z"),
        ("2027-01-01T05:00:00+05:30", "2026-12", "2026-12-01T03:00:00.000Z"),
        ("2027-01-01T05:00:00 05:30", "2026-12", "2026-12-01T03:00:00.000Z"),
        ("2026-11", "2026-11", FORMATTED_NOW),
        ("2026-11-01", "2026-11", FORMATTED_NOW),
        ("2028-02-29", "2028-02", "2028-02-01T03:00:00.000Z"),
    ],
)
def test_month_is_queried_by_its_first_instant_or_the_present_one(
    date: str, name: str, expected_query: str
) -> None:
    span, query_instant = load_month(SANTIAGO | {"date": date}, NOW)
    assert (span.name, span.zone, query_instant) == (name, "America/Santiago", expected_query)


@pytest.mark.parametrize(
    ("date", "name", "expected_query"),
    [
        ("2026-12-01", "2026-12-01", "2026-12-01T03:00:00.000Z"),
        ("2026-12-01T02:59:59.999Z", "2026-11-30", "2026-11-30T03:00:00.000Z"),
        ("2026-12-01T03:00Z", "2026-12-01", "2026-12-01T03:00:00.000Z"),
        ("2026-12-01T23:59:59.999999", "2026-12-01", "2026-12-01T03:00:00.000Z"),
        ("2026-12-01T03:00:00+0000", "2026-12-01", "2026-12-01T03:00:00.000Z"),
        ("2026-12-01T00:00:00-03", "2026-12-01", "2026-12-01T03:00:00.000Z"),
        ("2026-11-22", "2026-11-22", FORMATTED_NOW),
        ("2026-11-22T03:00:00.000Z", "2026-11-22", FORMATTED_NOW),
        ("2027-09-05", "2027-09-05", "2027-09-05T04:00:00.000Z"),
    ],
)
def test_day_is_queried_by_its_first_instant_or_the_present_one(
    date: str, name: str, expected_query: str
) -> None:
    span, query_instant = load_day(SANTIAGO | {"date": date}, NOW)
    assert (span.name, span.zone, query_instant) == (name, "America/Santiago", expected_query)


@BOTH_LOADERS
@pytest.mark.parametrize(
    "date",
    [
        "0",
        "today",
        "2026",
        "2026-13",
        "2026-00",
        "0000-01",
        "2026-1",
        "2027-02-29",
        "2026-04-31",
        "2026-12-1",
        "20261201",
        "2026-W49-1",
        "2026-12-01Z",
        "2026-12-01T",
        "2026-12-01T24:00:00Z",
        "2026-12-01T23:60:00Z",
        "2026-12-01T23:59:60Z",
        "2026-12-01t03:00:00z",
        "2026-12-01T03:00:00+24:00",
        "2026-12-01T03:00:00.Z",
        "2026-12-01T03:00:00+03:00[America/Santiago]",
        "2026-12-01\n",
        " 2026-12-01",
        "1764558000000",
        "9999-12-31",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
        "２０２６-12-01",  # noqa: RUF001 - digits, but not ASCII ones
    ],
)
def test_invalid_date_is_reported(load: Loader, date: str) -> None:
    error = errors_of(load, SANTIAGO | {"date": date})
    assert not isinstance(error, DateInPastError)
    assert error.messages == {"date": ["is no month, day or instant"]}


def test_month_is_not_a_day() -> None:
    error = errors_of(load_day, SANTIAGO | {"date": "2026-12"})
    assert error.messages == {"date": ["is no month, day or instant"]}


@BOTH_LOADERS
@pytest.mark.parametrize("name", ["Asia/Calcutta", "Europe/Kiev", "UTC", "Etc/GMT+3", "Asia/Tokyo"])
def test_iana_names_are_accepted_including_old_ones(load: Loader, name: str) -> None:
    span, _ = load({"date": "2026-12-01", "timezone": name}, NOW)
    assert span.zone == name


@BOTH_LOADERS
@pytest.mark.parametrize(
    "name",
    [
        "",
        "localtime",
        "posixrules",
        "america/santiago",
        "America/Santiago ",
        "America",
        "America/",
        "Amerika/Santiago",
        "../etc/passwd",
        "/etc/passwd",
        "../zoneinfo/UTC",
        "posix/UTC",
        "zone.tab",
        "+03:00",
        "CLT",
        "UTC\0",
    ],
)
def test_invalid_time_zone_is_reported(load: Loader, name: str) -> None:
    assert errors_of(load, {"date": "2026-12-01", "timezone": name}).messages == ZONE_ERROR


@BOTH_LOADERS
@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({}, {"date": ["is required"], "timezone": ["is required"]}),
        (SANTIAGO, {"date": ["is required"]}),
        ({"date": "2026-12-01"}, {"timezone": ["is required"]}),
        ({"date": "2020-01-01"}, {"timezone": ["is required"]}),
        (SANTIAGO | {"date": ""}, {"date": ["must be a string that is not empty"]}),
    ],
)
def test_both_parameters_are_required(
    load: Loader, query: Mapping[str, str], errors: Mapping[str, list[str]]
) -> None:
    assert errors_of(load, query).messages == errors


@BOTH_LOADERS
@pytest.mark.parametrize(
    "date", ["2026-10-31", "2026-10-31T12:00:00Z", "2026-11-01T02:59:59Z", "1999-12-31"]
)
def test_past_month_or_day_is_an_error(load: Loader, date: str) -> None:
    error = errors_of(load, SANTIAGO | {"date": date})
    assert isinstance(error, DateInPastError)
    assert error.messages == {"date": ["is in the past"]}


def test_past_depends_on_the_time_zone_of_the_query() -> None:
    yesterday = {"date": "2026-11-22"}
    late = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert load_day(yesterday | SANTIAGO, late)[1] == "2026-11-23T02:00:00.000Z"
    with pytest.raises(DateInPastError):
        load_day(yesterday | {"timezone": "Etc/UTC"}, late)


@BOTH_LOADERS
def test_first_of_repeated_parameters_counts_and_others_are_ignored(load: Loader) -> None:
    query = MultiDict(
        [
            ("date", "2026-12-01"),
            ("date", "2027-12-01"),
            ("timezone", "Etc/UTC"),
            ("timezone", "localtime"),
            ("$limit", "1000"),
        ]
    )
    assert load(query, NOW)[1] == "2026-12-01T00:00:00.000Z"

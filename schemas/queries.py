"""Loads the path and the query of a read."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow.validate import OneOf

from common.date_ranges import (
    DayRange,
    Period,
    PeriodInPastError,
    day_of,
    day_range_of,
    format_instant,
    month_of,
)
from schemas.fields import (
    DAY_PATTERN,
    MONTH_PATTERN,
    load_hex_id,
    load_text,
    load_zone,
    loaded_by,
    whole_number,
)


class QueryError(ValidationError):
    """A path or query is invalid. As in Videsk, its error body has no `errors` per field."""


class DateInPastError(QueryError):
    """The month or day is over."""


class _Query(Schema):
    class Meta:
        unknown = EXCLUDE


class MonthQuery(_Query):
    """A month, or a day or an instant in it, and the time zone."""

    date = loaded_by(load_text, required=True, metadata={"pattern": MONTH_PATTERN})
    timezone = loaded_by(load_zone, required=True)


class DayQuery(MonthQuery):
    """A day, or an instant in it, and the time zone."""

    date = loaded_by(load_text, required=True, metadata={"pattern": DAY_PATTERN})


class AvailabilityQuery(MonthQuery):
    """A range of days, and the number of free days."""

    days = whole_number(1, 31, default=7)


class NextQuery(_Query):
    """The number of hours from now on, and the time zone of the days."""

    timezone = loaded_by(load_zone, required=True)
    limit = whole_number(1, 20, default=3)


class FormQuery(_Query):
    """The version of a segment's form."""

    version = fields.String(
        load_default="base",
        validate=OneOf(("base", "contact"), error="must be base or contact"),
    )


_MONTH, _DAY = MonthQuery(), DayQuery()
_AVAILABILITY, _NEXT, _FORM = AvailabilityQuery(), NextQuery(), FormQuery()


def load_id(kind: str, value: str) -> str:
    """Return a path's id in lower case. Raises QueryError under the name of its kind."""
    try:
        return load_hex_id(value)
    except ValidationError as error:
        raise QueryError({kind: error.messages}) from error


def load_month(args: Mapping[str, Any], now: datetime) -> tuple[Period, str]:
    """Return the month, and the instant to request from Videsk.

    Raises QueryError under the parameter's name, or DateInPastError, as the functions below.
    """
    return _load_period(_MONTH, args, now, month_of)


def load_day(args: Mapping[str, Any], now: datetime) -> tuple[Period, str]:
    """Return the day, and the instant to request from Videsk. A month is an error."""
    return _load_period(_DAY, args, now, day_of)


def load_availability(args: Mapping[str, Any], now: datetime) -> tuple[DayRange, int]:
    """Return the days to scan, and the number of free days to find."""
    with _as_query_errors():
        query = _AVAILABILITY.load(args)
        day_range = day_range_of(query["date"], query["timezone"])
        day_range.start.query_instant(now)
        return day_range, query["days"]


def load_next(args: Mapping[str, Any], now: datetime) -> tuple[DayRange, int]:
    """Return the days to scan from now on, and the number of hours to find."""
    with _as_query_errors():
        query = _NEXT.load(args)
        return day_range_of(format_instant(now), query["timezone"]), query["limit"]


def load_form(args: Mapping[str, Any]) -> str:
    """Return the version of the form."""
    with _as_query_errors():
        version: str = _FORM.load(args)["version"]
        return version


def _load_period(
    schema: MonthQuery,
    args: Mapping[str, Any],
    now: datetime,
    period_of: Callable[[str, ZoneInfo], Period],
) -> tuple[Period, str]:
    with _as_query_errors():
        query = schema.load(args)
        period = period_of(query["date"], query["timezone"])
        return period, period.query_instant(now)


@contextmanager
def _as_query_errors() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise QueryError(error.messages) from error
    except PeriodInPastError as error:
        raise DateInPastError({"date": ["is in the past"]}) from error
    except (ValueError, OverflowError) as error:
        raise QueryError({"date": ["is no month, day or instant"]}) from error

"""Properties of months and days in all time zones, checked against zoneinfo."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from time import tzset
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.date_ranges import (
    DayRange,
    Period,
    PeriodInPastError,
    day_of,
    day_range_of,
    format_instant,
    instant_of,
    month_of,
)
from schemas.fields import ZONE_NAMES
from tests.unit import IS_THOROUGH

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
SANTIAGO = ZoneInfo("America/Santiago")

ZONES = st.sampled_from(sorted(ZONE_NAMES)).map(ZoneInfo)
DAYS = st.dates(date(2024, 1, 1), date(2040, 12, 31))
INSTANTS = st.datetimes(
    datetime(2024, 1, 1),
    datetime(2040, 12, 31),
    timezones=st.just(UTC),
).map(lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000))
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
SHIFTS = st.timedeltas(-45 * DAY, 45 * DAY) | st.timedeltas(-DAY, DAY)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def query_instant_of(period: Period, now: datetime) -> datetime:
    """Return the instant sent to Videsk, after a check of its format."""
    text = period.query_instant(now)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    return datetime.fromisoformat(text)


@given(zone=ZONES, instant=INSTANTS, offset=OFFSETS)
def test_every_instant_of_a_local_day_is_reduced_to_that_day(
    zone: ZoneInfo, instant: datetime, offset: timezone
) -> None:
    period = day_of(instant.astimezone(offset).isoformat(), zone)
    assert period.name == instant.astimezone(zone).date().isoformat()
    assert period.zone == zone.key
    assert period.first <= instant < period.end


@given(zone=ZONES, instant=INSTANTS, offset=OFFSETS)
def test_every_instant_of_a_local_month_is_reduced_to_that_month(
    zone: ZoneInfo, instant: datetime, offset: timezone
) -> None:
    period = month_of(instant.astimezone(offset).isoformat(), zone)
    assert period.name == instant.astimezone(zone).strftime("%Y-%m")
    assert period.zone == zone.key
    assert period.first <= instant < period.end


@given(zone=ZONES, day=DAYS)
@example(zone=SANTIAGO, day=date(2026, 9, 6))
@example(zone=SANTIAGO, day=date(2026, 4, 4))
@example(zone=ZoneInfo("Africa/Cairo"), day=date(2027, 4, 30))
def test_the_first_instant_is_in_the_day_and_the_second_before_is_not(
    zone: ZoneInfo, day: date
) -> None:
    period = day_of(day.isoformat(), zone)
    assert period.first.astimezone(zone).date() == day
    assert (period.first - SECOND).astimezone(zone).date() == day - DAY
    assert (period.end - SECOND).astimezone(zone).date() == day
    assert period.end.astimezone(zone).date() == day + DAY


@given(zone=ZONES, day=DAYS)
def test_the_first_instant_is_in_the_month_and_the_second_before_is_not(
    zone: ZoneInfo, day: date
) -> None:
    month = month_of(day.strftime("%Y-%m"), zone)
    inside = {instant.astimezone(zone).month for instant in (month.first, month.end - SECOND)}
    assert inside == {day.month}
    assert month.first.astimezone(zone).day == 1
    assert (month.first - SECOND).astimezone(zone).month == (day.month - 2) % 12 + 1
    assert month.end.astimezone(zone).date() == date(
        day.year + day.month // 12, day.month % 12 + 1, 1
    )


@given(zone=ZONES, day=DAYS)
def test_consecutive_days_are_adjacent_periods(zone: ZoneInfo, day: date) -> None:
    assert (
        day_of(day.isoformat(), zone).end
        == day_of((day + DAY).isoformat(), zone).first
        > day_of(day.isoformat(), zone).first
    )


@given(zone=ZONES, day=DAYS)
def test_consecutive_months_are_adjacent_periods(zone: ZoneInfo, day: date) -> None:
    month = month_of(day.isoformat(), zone)
    after = month_of((day.replace(day=28) + 4 * DAY).isoformat(), zone)
    assert month.first < month.end == after.first


@given(zone=ZONES, day=DAYS, offset=OFFSETS, clock=st.times())
def test_all_spellings_of_a_month_give_the_same_period(
    zone: ZoneInfo, day: date, offset: timezone, clock: time
) -> None:
    month = month_of(day.strftime("%Y-%m"), zone)
    in_offset = month.first.astimezone(offset).isoformat()
    spellings = [
        day.isoformat(),
        f"{day}T{clock.isoformat()}",
        f"{day}T{clock:%H:%M}",
        in_offset,
        in_offset.replace("+", " "),
        (month.end - SECOND).astimezone(offset).isoformat(),
        month.first.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    ]
    assert {month_of(text, zone) for text in spellings} == {month}


@given(zone=ZONES, day=DAYS, offset=OFFSETS, clock=st.times())
def test_all_spellings_of_a_day_give_the_same_period(
    zone: ZoneInfo, day: date, offset: timezone, clock: time
) -> None:
    period = day_of(day.isoformat(), zone)
    in_offset = period.first.astimezone(offset).isoformat()
    spellings = [
        f"{day}T{clock.isoformat()}",
        f"{day}T{clock:%H:%M}",
        in_offset,
        in_offset.replace("+", " "),
        (period.end - SECOND).astimezone(offset).isoformat(),
        period.first.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    ]
    assert {day_of(text, zone) for text in spellings} == {period}


@given(zone=ZONES, day=DAYS, shift=SHIFTS, period_of=st.sampled_from([day_of, month_of]))
def test_the_query_instant_is_never_in_the_past_or_outside_the_period(
    zone: ZoneInfo, day: date, shift: timedelta, period_of: Callable[[str, ZoneInfo], Period]
) -> None:
    period = period_of(day.isoformat(), zone)
    now = min(period.first + shift, period.end - SECOND / 1000)
    instant = query_instant_of(period, now)
    assert period.first <= instant < period.end
    assert timedelta(0) <= max(instant, now) - instant < timedelta(milliseconds=1)
    assert instant == period.first or instant <= now


@given(zone=ZONES, instant=INSTANTS, shift=SHIFTS)
def test_only_periods_entirely_in_the_past_are_rejected(
    zone: ZoneInfo, instant: datetime, shift: timedelta
) -> None:
    now = instant + shift
    local, local_now = instant.astimezone(zone), now.astimezone(zone)
    for period, over in (
        (day_of(instant.isoformat(), zone), local_now.date() > local.date()),
        (
            month_of(instant.isoformat(), zone),
            (local_now.year, local_now.month) > (local.year, local.month),
        ),
    ):
        if over:
            with pytest.raises(PeriodInPastError):
                period.query_instant(now)
        else:
            assert query_instant_of(period, now) >= period.first


def test_in_every_zone_days_begin_where_the_local_date_changes() -> None:
    start, quarter = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=15)
    years, every = (3, 1) if IS_THOROUGH else (1, 5)
    days, changes = [start + n * DAY for n in range(years * 366)], 0
    for zone in map(ZoneInfo, sorted(ZONE_NAMES)[::every]):
        offsets = [day.astimezone(zone).utcoffset() for day in days]
        for day, before, after in zip(days, offsets, offsets[1:], strict=False):
            if before == after:
                continue
            changes += 1
            quarters = [day - DAY + n * quarter for n in range(3 * 24 * 4 + 1)]
            for one, other in pairwise(quarters):
                last, first = one.astimezone(zone).date(), other.astimezone(zone).date()
                if last != first:
                    assert day_of(last.isoformat(), zone).end == other, (zone, last)
                    assert day_of(first.isoformat(), zone).first == other, (zone, first)
    assert changes > years * 300 / every


@pytest.mark.parametrize(
    ("text", "zone", "first", "end"),
    [
        ("2026-12-01", "America/Santiago", "2026-12-01T03:00Z", "2026-12-02T03:00Z"),
        ("2026-09-06", "America/Santiago", "2026-09-06T04:00Z", "2026-09-07T03:00Z"),
        ("2026-04-04", "America/Santiago", "2026-04-04T03:00Z", "2026-04-05T04:00Z"),
        ("2028-02-29", "Europe/Madrid", "2028-02-28T23:00Z", "2028-02-29T23:00Z"),
        ("2026-12-01", "Asia/Kolkata", "2026-11-30T18:30Z", "2026-12-01T18:30Z"),
        ("2026-12-01", "Asia/Calcutta", "2026-11-30T18:30Z", "2026-12-01T18:30Z"),
        ("2027-01-01", "Pacific/Kiritimati", "2026-12-31T10:00Z", "2027-01-01T10:00Z"),
        ("2026-12-01", "Pacific/Apia", "2026-11-30T11:00Z", "2026-12-01T11:00Z"),
        ("2026-12-01T23:30:00", "Asia/Kolkata", "2026-11-30T18:30Z", "2026-12-01T18:30Z"),
        ("2026-12-01T23:30:00Z", "Asia/Kolkata", "2026-12-01T18:30Z", "2026-12-02T18:30Z"),
        ("2026-12-01T23:30:00 09:00", "Etc/UTC", "2026-12-01T00:00Z", "2026-12-02T00:00Z"),
        ("2026-12-01T00:30:00+09:00", "Etc/UTC", "2026-11-30T00:00Z", "2026-12-01T00:00Z"),
    ],
)
def test_a_day_is_from_its_first_local_second_to_that_of_the_next(
    text: str, zone: str, first: str, end: str
) -> None:
    period = day_of(text, ZoneInfo(zone))
    assert (period.first, period.end) == (at(first), at(end))


def test_a_day_that_a_zone_skipped_is_always_in_the_past() -> None:
    period = day_of("2011-12-30", ZoneInfo("Pacific/Apia"))
    with pytest.raises(PeriodInPastError):
        period.query_instant(at("2011-12-30T10:00Z"))


@pytest.mark.parametrize(("month", "days"), [("2028-02", 29), ("2027-02", 28), ("2026-12", 31)])
def test_a_month_has_the_days_of_the_calendar(month: str, days: int) -> None:
    period = month_of(month, ZoneInfo("UTC"))
    assert (period.name, period.first, period.end - period.first) == (
        month,
        at(f"{month}-01T00:00Z"),
        days * DAY,
    )


@pytest.mark.parametrize(
    ("text", "zone", "start", "months", "first", "last"),
    [
        ("2026-12", "Etc/UTC", "2026-12", ["2026-12"], "2026-12-01", "2026-12-31"),
        ("2028-02", "America/Santiago", "2028-02", ["2028-02"], "2028-02-01", "2028-02-29"),
        (
            "2026-12-01", "America/Santiago", "2026-12-01",
            ["2026-12", "2027-01", "2027-02", "2027-03"], "2026-12-01", "2027-03-01",
        ),
        (
            "2026-11-30", "Etc/UTC", "2026-11-30",
            ["2026-11", "2026-12", "2027-01", "2027-02"], "2026-11-30", "2027-02-28",
        ),
        (
            "2027-11-30T23:30:00Z", "Asia/Tokyo", "2027-12-01",
            ["2027-12", "2028-01", "2028-02", "2028-03"], "2027-12-01", "2028-03-01",
        ),
        (
            "2027-11-29", "Etc/UTC", "2027-11-29",
            ["2027-11", "2027-12", "2028-01", "2028-02"], "2027-11-29", "2028-02-29",
        ),
    ],
)  # fmt: skip
def test_a_day_range_is_a_month_or_three_months_from_a_day(
    text: str, zone: str, start: str, months: list[str], first: str, last: str
) -> None:
    day_range = day_range_of(text, ZoneInfo(zone))
    assert (day_range.start.name, day_range.start.zone) == (start, zone)
    assert [month.name for month in day_range.months] == months
    assert {month.zone for month in day_range.months} == {zone}
    assert (day_range.first, day_range.last) == (
        date.fromisoformat(first),
        date.fromisoformat(last),
    )
    assert day_range.zone == ZoneInfo(zone)


@given(zone=ZONES, day=DAYS)
def test_the_months_of_a_day_range_are_adjacent_and_contain_its_first_and_last_day(
    zone: ZoneInfo, day: date
) -> None:
    day_range = day_range_of(day.isoformat(), zone)
    assert len(day_range.months) == 4
    assert all(one.end == other.first for one, other in pairwise(day_range.months))
    assert month_of(day.isoformat(), zone) == day_range.months[0]
    assert month_of(day_range.last.isoformat(), zone) == day_range.months[-1]
    assert day_range.last.day in {day.day, 28, 29, 30}
    assert day_range.last.day <= day.day


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-12-01T02:59:59Z", None),
        ("2026-12-01T03:00Z", "2026-12-01"),
        ("2027-01-01T02:59:59.999Z", "2026-12-31"),
        ("2027-01-01T03:00Z", None),
    ],
)
def test_a_day_range_has_the_day_of_each_instant_in_it(instant: str, day: str | None) -> None:
    day_range: DayRange = day_range_of("2026-12", SANTIAGO)
    found = day_range.day(at(instant))
    assert (found.name if found else None) == day
    assert found is None or found == day_of(found.name, SANTIAGO)


@given(instant=INSTANTS, offset=OFFSETS)
def test_an_instant_with_an_offset_is_converted_to_utc_with_milliseconds(
    instant: datetime, offset: timezone
) -> None:
    read = instant_of(instant.astimezone(offset).isoformat())
    assert (read, read.tzinfo) == (instant, UTC)
    assert format_instant(read) == format_instant(instant.astimezone(offset))
    assert at(format_instant(read)) == instant


@pytest.mark.parametrize("text", ["2026-12-01T12:00:00", "2026-12-01", "2026-12", "", "noon"])
def test_an_instant_without_an_offset_is_not_accepted(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it has no offset$"):
        instant_of(text)


def test_an_invalid_date_has_its_own_error() -> None:
    with pytest.raises(ValueError, match=r"^it is no month, day or instant$"):
        day_of("noon", SANTIAGO)


def test_a_period_in_the_past_has_its_own_error() -> None:
    period = day_of("2026-12-01", SANTIAGO)
    with pytest.raises(PeriodInPastError, match=r"^2026-12-01$"):
        period.query_instant(period.end)
    assert period.query_instant(period.end - SECOND) == "2026-12-02T02:59:59.000Z"


def test_the_machines_time_zone_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    tzset()
    try:
        read = instant_of("2026-12-01T00:00:00-03:00")
        assert (read.utcoffset(), read.hour) == (timedelta(0), 3)
        assert format_instant(read.astimezone(SANTIAGO)) == "2026-12-01T03:00:00.000Z"
        assert day_of("2026-12-01", SANTIAGO).first == read
    finally:
        monkeypatch.undo()
        tzset()

"""Months and days in a time zone: every spelling of one month or day becomes one period.

Pure: no clock, no Flask, no marshmallow; used on both sides. Rules from Videsk's pages: `dates`
takes any instant of a month, `hours` any instant of a day, both refuse the past, and all instants
travel as ISO 8601 in UTC with milliseconds.
"""

import calendar
import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS_AHEAD = 3
"""How far from a day on free days are looked for."""

_DAY_SECONDS = 24 * 60 * 60
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


class PeriodInPastError(ValueError):
    """The month or day is over, in its own time zone."""


@dataclass(frozen=True)
class Period:
    """A local month or day: its name (`2026-12`, `2026-12-01`), its zone, [first, end) in UTC."""

    name: str
    zone: str
    first: datetime
    end: datetime

    def query_instant(self, now: datetime) -> str:
        """The instant that asks Videsk for this period: its first, or the present one if later.

        Raises PeriodInPastError when nothing of the period is left.
        """
        if self.end <= now:
            raise PeriodInPastError(self.name)
        return to_videsk(max(self.first, now))


def month_of(text: str, zone: ZoneInfo) -> Period:
    """The local month that `text` (a month, a day or an instant) falls in.

    Raises ValueError, or OverflowError beyond the calendar's end; so do the next two.
    """
    day = date.fromisoformat(f"{text}-01") if _MONTH.fullmatch(text) else _local_day(text, zone)
    first = day.replace(day=1)
    next_first = (first + timedelta(days=31)).replace(day=1)
    return _period(first.isoformat()[:7], first, next_first, zone)


def day_of(text: str, zone: ZoneInfo) -> Period:
    """The local day that `text` (a day or an instant) falls in."""
    day = _local_day(text, zone)
    return _period(day.isoformat(), day, day + timedelta(days=1), zone)


@dataclass(frozen=True)
class DayRange:
    """Local days on end, and the months they lie in. `start`: the month or day asked for."""

    start: Period
    months: tuple[Period, ...]
    zone: ZoneInfo
    first: date
    last: date

    def day(self, instant: datetime) -> Period | None:
        """The local day that the instant falls in, if it is one of these."""
        day = instant.astimezone(self.zone).date()
        return day_of(day.isoformat(), self.zone) if self.first <= day <= self.last else None


def day_range_of(text: str, zone: ZoneInfo) -> DayRange:
    """The days of a month; or those from a day on (an instant's too), MONTHS_AHEAD months ahead.

    Raises as month_of does.
    """
    if _MONTH.fullmatch(text):
        month = month_of(text, zone)
        first = date.fromisoformat(f"{text}-01")
        return DayRange(month, (month,), zone, first, _months_later(first, 1) - timedelta(days=1))
    first = _local_day(text, zone)
    days = [_months_later(first, ahead) for ahead in range(MONTHS_AHEAD + 1)]
    months = tuple(month_of(day.isoformat(), zone) for day in days)
    return DayRange(day_of(first.isoformat(), zone), months, zone, first, days[-1])


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def instant_of(text: str) -> datetime:
    """An instant with `Z` or an offset, in UTC."""
    found = _TIME.fullmatch(text)
    if not found or not found["offset"]:
        raise ValueError("it has no offset")
    return datetime.fromisoformat(text).astimezone(UTC)


def to_videsk(instant: datetime) -> str:
    """`2026-12-01T03:00:00.000Z`: finer than a millisecond is cut off."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """The first second whose local date is `day`, in UTC.

    Searched for rather than computed from midnight, because some days have none: in Santiago
    2026-09-06 starts at 01:00. No zone is 24 hours or more away from UTC.
    """
    start = int(datetime.combine(day, time.min, UTC).timestamp()) - _DAY_SECONDS
    seconds = range(start, start + 2 * _DAY_SECONDS)
    index = bisect_left(
        seconds, day, key=lambda second: datetime.fromtimestamp(second, zone).date()
    )
    return datetime.fromtimestamp(seconds[index], UTC)


def _local_day(text: str, zone: ZoneInfo) -> date:
    if _DAY.fullmatch(text):
        return date.fromisoformat(text)
    # In a query string an unescaped + means a space, and offsets are often pasted unescaped.
    found = _TIME.fullmatch(text := text.replace(" ", "+"))
    if not found:
        raise ValueError("it is no month, day or instant")
    moment = datetime.fromisoformat(text)
    return moment.astimezone(zone).date() if found["offset"] else moment.date()


def _period(name: str, day: date, next_day: date, zone: ZoneInfo) -> Period:
    return Period(name, zone.key, first_instant(day, zone), first_instant(next_day, zone))

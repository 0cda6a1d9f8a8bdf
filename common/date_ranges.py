"""Date ranges: months and days in a time zone, as [first, end) in UTC. Pure functions.

Videsk's `dates` takes any instant of a month, `hours` any instant of a day. Both reject the past.
Its instants are ISO 8601 in UTC with milliseconds.
"""

import calendar
import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS_AHEAD = 3
"""How far ahead of its first day a search for free days goes."""

_DAY_SECONDS = 24 * 60 * 60
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?P<offset>Z|[+-][0-9]{2}(?::?[0-5][0-9])?)?"
)


class PeriodInPastError(ValueError):
    """The month or day is over, in its own time zone."""


@dataclass(frozen=True)
class Period:
    """A local month or day: its name (`2026-12`, `2026-12-01`), zone, and [first, end) in UTC."""

    name: str
    zone: str
    first: datetime
    end: datetime

    def query_instant(self, now: datetime) -> str:
        """Return the instant to query Videsk with: the period's first, or `now` if later.

        Raises PeriodInPastError if the period is over.
        """
        if self.end <= now:
            raise PeriodInPastError(self.name)
        return format_instant(max(self.first, now))


def month_of(text: str, zone: ZoneInfo) -> Period:
    """Return the local month of `text`: a month, a day or an instant.

    Raises ValueError, or OverflowError beyond the calendar's end, as do day_of and day_range_of.
    """
    day = date.fromisoformat(f"{text}-01") if _MONTH.fullmatch(text) else _local_day(text, zone)
    first = day.replace(day=1)
    return _period(first.isoformat()[:7], first, _months_later(first, 1), zone)


def day_of(text: str, zone: ZoneInfo) -> Period:
    """Return the local day of `text`: a day or an instant."""
    day = _local_day(text, zone)
    return _period(day.isoformat(), day, day + timedelta(days=1), zone)


@dataclass(frozen=True)
class DayRange:
    """Consecutive local days, and the months they lie in. `start`: the month or day requested."""

    start: Period
    months: tuple[Period, ...]
    zone: ZoneInfo
    first: date
    last: date

    def day(self, instant: datetime) -> Period | None:
        """Return the local day of the instant if it is in the range."""
        day = instant.astimezone(self.zone).date()
        return day_of(day.isoformat(), self.zone) if self.first <= day <= self.last else None


def day_range_of(text: str, zone: ZoneInfo) -> DayRange:
    """Return the days of a month, or of MONTHS_AHEAD months from a day (or an instant's day)."""
    if _MONTH.fullmatch(text):
        month = month_of(text, zone)
        first = date.fromisoformat(f"{text}-01")
        return DayRange(month, (month,), zone, first, _months_later(first, 1) - timedelta(days=1))
    first = _local_day(text, zone)
    days = [_months_later(first, ahead) for ahead in range(MONTHS_AHEAD + 1)]
    months = tuple(month_of(day.isoformat(), zone) for day in days)
    return DayRange(day_of(first.isoformat(), zone), months, zone, first, days[-1])


def _months_later(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def instant_of(text: str) -> datetime:
    """Parse an instant with `Z` or an offset. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if not found or not found["offset"]:
        raise ValueError("it has no offset")
    return datetime.fromisoformat(text).astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """Format as Videsk does: `2026-12-01T03:00:00.000Z`, truncated to milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Return the first second whose local date is `day`, in UTC.

    A search, because some days have no midnight: 2026-09-06 starts at 01:00 in Santiago. No zone's
    offset reaches 24 hours.
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
    # An unescaped + in a query string is a space, and offsets are often pasted unescaped.
    found = _TIME.fullmatch(text := text.replace(" ", "+"))
    if not found:
        raise ValueError("it is no month, day or instant")
    moment = datetime.fromisoformat(text)
    return moment.astimezone(zone).date() if found["offset"] else moment.date()


def _period(name: str, day: date, next_day: date, zone: ZoneInfo) -> Period:
    return Period(name, zone.key, first_instant(day, zone), first_instant(next_day, zone))

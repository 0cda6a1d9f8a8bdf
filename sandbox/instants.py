"""Instants, time zones and local days. An instant is an integer of epoch milliseconds."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

MINUTE_MS = 60_000

# Years up to 8999, so that the days around an instant can always be formatted.
_INSTANT = re.compile(
    r"[0-8]\d{3}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(text: object) -> int | None:
    """Parse an ISO 8601 instant with `Z` or an offset. Return None if it is invalid."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        return None
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


def format_instant(instant: int) -> str:
    """Return `YYYY-MM-DDTHH:MM:SS.mmmZ`, the only format that Videsk sends."""
    moment = _EPOCH + timedelta(milliseconds=instant)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_zone(name: object) -> ZoneInfo | None:
    """Return the time zone of an IANA name, or None if there is none."""
    if not isinstance(name, str) or name not in _zone_names():
        return None
    return ZoneInfo(name)


def local_day(instant: int, zone: ZoneInfo) -> date:
    return (_EPOCH + timedelta(milliseconds=instant)).astimezone(zone).date()


def wall_instant(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Return the instant at which clocks in `zone` show `minutes` past midnight of `day`."""
    wall = datetime.combine(day, time.min) + timedelta(minutes=minutes)
    return (wall.replace(tzinfo=zone).astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return the first instants of a local day and of the next: 23, 24 or 25 hours apart.

    Some days have no midnight (America/Santiago on 2026-09-06 begins at 01:00). A wall time inside
    the gap has the offset from before it (PEP 495, fold 0). At 00:00 that is the instant of the
    change, which is the first instant of the day.
    """
    return wall_instant(day, 0, zone), wall_instant(day + timedelta(days=1), 0, zone)


def rest_of_month(day: date) -> list[date]:
    """Return the days from `day` to the last of its month."""
    days = []
    month = day.month
    while day.month == month:
        days.append(day)
        day += timedelta(days=1)
    return days

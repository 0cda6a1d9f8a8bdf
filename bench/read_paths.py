"""The reads that the benchmarks send. All are in the future, where nothing is booked."""

from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from tests.client import AUTOMATIC_SERVICE, FIRST_SERVICE, JOHN, MARK, SHARING_SERVICE, ZONE

TTLS = dict.fromkeys(("SERVICES_TTL", "DATES_TTL", "HOURS_TTL"), "3600")
"""TTLs that are longer than a benchmark."""

_BOOKABLE = (
    f"services/{FIRST_SERVICE}",
    f"services/{SHARING_SERVICE}",
    f"services/{AUTOMATIC_SERVICE}",
    f"users/{JOHN}",
    f"users/{MARK}",
)


def days(number: int) -> list[str]:
    """Return paths for the hours of each service and user on this number of coming days.

    The paths are relative to `/api` or to Videsk's base. The dates are first instants of days,
    which the proxy forwards unchanged.
    """
    today = datetime.now(UTC).date()
    coming = (today + timedelta(days=2 + ahead) for ahead in range(number))
    return [
        _path(bookable, "hours", datetime.combine(day, time.min, ZoneInfo(ZONE)))
        for day in coming
        for bookable in _BOOKABLE
    ]


def months(number: int) -> list[str]:
    """Return paths for the dates of this number of coming months, like `days`."""
    today = datetime.now(UTC).date()
    coming = (divmod(today.year * 12 + today.month + ahead, 12) for ahead in range(number))
    return [
        _path(bookable, "dates", datetime(year, month + 1, 1, tzinfo=ZoneInfo(ZONE)))
        for year, month in coming
        for bookable in _BOOKABLE
    ]


def _path(bookable: str, read: str, first: datetime) -> str:
    instant = first.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return f"{bookable}/{read}?" + urlencode({"date": instant, "timezone": ZONE})

"""The reads that the benches ask for; all lie in the future, where nothing is booked."""

from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from tests.client import AUTOMATIC_SERVICE, FIRST_SERVICE, JOHN, MARK, SHARING_SERVICE, ZONE

TTLS = dict.fromkeys(("SERVICES_TTL", "DATES_TTL", "HOURS_TTL"), "3600")
"""Nothing that was read once gets old while a bench runs."""

_BOOKABLE = (
    f"services/{FIRST_SERVICE}",
    f"services/{SHARING_SERVICE}",
    f"services/{AUTOMATIC_SERVICE}",
    f"users/{JOHN}",
    f"users/{MARK}",
)


def days(number: int) -> list[str]:
    """The hours of so many coming days, of each bookable: paths below `/api` or Videsk's own base.

    The dates are first instants of days, which the proxy hands on as they are.
    """
    today = datetime.now(UTC).date()
    coming = (today + timedelta(days=2 + ahead) for ahead in range(number))
    return [
        _path(bookable, "hours", datetime.combine(day, time.min, ZoneInfo(ZONE)))
        for day in coming
        for bookable in _BOOKABLE
    ]


def months(number: int) -> list[str]:
    """The same for the days of so many coming months."""
    today = datetime.now(UTC).date()
    coming = (divmod(today.year * 12 + today.month + ahead, 12) for ahead in range(number))
    return [
        _path(bookable, "dates", datetime(year, month + 1, 1, tzinfo=ZoneInfo(ZONE)))
        for year, month in coming
        for bookable in _BOOKABLE
    ]


def _path(bookable: str, what: str, first: datetime) -> str:
    instant = first.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return f"{bookable}/{what}?" + urlencode({"date": instant, "timezone": ZONE})

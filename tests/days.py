"""Dates for the tests, computed so that they are never in the past."""

from datetime import UTC, date, datetime
from itertools import count
from zoneinfo import ZoneInfo

from tests.client import ZONE

YEAR = next(
    year for year in count(date.today().year + 1) if date(year, 5, 6).strftime("%a") == "Tue"
)
"""The next year in which 6 May is a Tuesday. From March on, weekdays are those of 2031.

In May and June Santiago is four hours behind UTC, and the seed's agents work on a Tuesday.
"""


def first_instant(day: str) -> str:
    """Return midnight in Santiago on a day (`2026-12-01`) in UTC: `2026-12-01T03:00:00.000Z`."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(ZONE))
    return f"{midnight.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"

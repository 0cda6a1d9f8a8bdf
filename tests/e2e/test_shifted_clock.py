"""The dates on which date-dependent tests run again, and their shifted clock."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests
from redis import Redis

from tests.client import Client
from tests.processes import Sandbox
from tests.shifted_clock import SANTIAGO, clock_change_days, clock_changes, special_days

IN_2026 = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_clock_changes_are_santiagos() -> None:
    """Compare the clock changes of 2026."""
    assert clock_changes(IN_2026) == {
        "back": datetime(2026, 4, 5, 3, tzinfo=UTC),
        "forward": datetime(2026, 9, 6, 4, tzinfo=UTC),
    }


def test_clock_change_days_are_in_the_repeated_hour_and_after_the_skipped_one() -> None:
    back, forward = (day.astimezone(SANTIAGO) for day in clock_change_days(IN_2026).values())
    assert f"{back:%a %d %H:%M} {back.fold}" == "Sat 04 23:30 1"
    assert f"{forward:%a %d %H:%M}" == "Sun 06 01:30"


@pytest.mark.parametrize(
    "now",
    [IN_2026, datetime(2028, 2, 29, 18, tzinfo=UTC), datetime(2027, 12, 31, 23, 59, tzinfo=UTC)],
)
def test_each_special_day_is_in_the_future_and_matches_its_name(now: datetime) -> None:
    days = special_days(now)
    assert all(now < day for day in days.values())
    local = {name: day.astimezone(SANTIAGO) for name, day in days.items()}
    assert local["New Year's Eve, 23:58"].strftime("%d %B %H:%M") == "31 December 23:58"
    assert days["New Year's Eve, 23:58 UTC"].strftime("%d %B %H:%M %Z") == "31 December 23:58 UTC"
    assert (local["28 February of a leap year"] + timedelta(days=1)).day == 29
    assert local["29 February, already 1 March in UTC"].strftime("%d %B") == "29 February"
    assert local["a 31st, before a shorter month"].day == 31
    assert local["a Sunday"].isoweekday() == 7
    assert local["a day in Chilean winter"].utcoffset() == timedelta(hours=-4)


@pytest.mark.dates
def test_all_processes_share_the_shifted_clock(
    proxy: Client, sandbox: Sandbox, redis: Redis
) -> None:
    dates = [
        requests.get(url, timeout=10).headers["Date"]
        for url in (f"{proxy.url}/healthz", f"{sandbox.url}/__sandbox__/keys")
    ]
    clocks = [*(parsedate_to_datetime(date).timestamp() for date in dates), redis.time()[0]]
    assert all(abs(clock - time.time()) < 60 for clock in clocks)

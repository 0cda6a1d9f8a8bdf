"""Free hours of several days, composed of cached months and days."""

import json
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cache.read_through import CachedResult
from common.date_ranges import DayRange, day_range_of
from videsk import availability
from videsk.availability import AvailabilityScan
from videsk.errors import VideskInvalidResponseError, VideskTimeoutError, VideskUnreachableError
from videsk.resources import SERVICES

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
REQUESTED_AT = NOW.timestamp()
ZONE = ZoneInfo("UTC")


class Schedule:
    """A Scheduling with these free hours. `failing`: names of months and days that cannot be read.

    `ages`: how many seconds ago a month or a day was fetched.
    """

    def __init__(self, *hours: str) -> None:
        self.free = [f"2026-{hour}:00:00.000Z" for hour in hours]
        self.failing: set[str] = set()
        self.ages: dict[str, float] = {}
        self.reads: list[str] = []

    def dates(
        self, kind: Any, ident: str, month: Any, instant: str, *, seconds: float
    ) -> CachedResult:
        days = {hour[:10] for hour in self.free if hour.startswith(month.name)}
        return self._result(month.name, [f"{day}T00:00:00.000Z" for day in sorted(days)])

    def hours(
        self, kind: Any, ident: str, day: Any, instant: str, *, seconds: float
    ) -> CachedResult:
        return self._result(day.name, [hour for hour in self.free if hour.startswith(day.name)])

    def _result(self, name: str, body: Any) -> CachedResult:
        self.reads.append(name)
        if name in self.failing:
            raise VideskUnreachableError
        requested_at = REQUESTED_AT - self.ages.get(name, 0)
        status = "hit; ttl=5" if name in self.ages else "fwd=miss; stored"
        return CachedResult(json.dumps(body).encode(), requested_at, requested_at + 60, status)


def days_from(text: str) -> DayRange:
    return day_range_of(text, ZONE)


def found(schedule: Any, days: int = 7, start: str = "2026-12-01") -> tuple[Any, CachedResult]:
    scan = AvailabilityScan(schedule, SERVICES, "a", NOW)
    result = scan.find_availability(days_from(start), days)
    return json.loads(result.body), result


def find_next_hours(schedule: Any, limit: int) -> Any:
    scan = AvailabilityScan(schedule, SERVICES, "a", NOW)
    result = scan.find_next_hours(days_from("2026-12-01"), limit)
    return [hour[5:13] for hour in json.loads(result.body)]


def test_the_first_free_days_are_returned_with_their_hours() -> None:
    schedule = Schedule("12-01T13", "12-03T09", "12-03T10", "12-04T09")
    body, result = found(schedule, days=2)
    assert body == {
        "days": {
            "2026-12-01": ["2026-12-01T13:00:00.000Z"],
            "2026-12-03": ["2026-12-03T09:00:00.000Z", "2026-12-03T10:00:00.000Z"],
        },
        "complete": True,
        "asOf": "2026-12-01T12:00:00.000Z",
    }
    assert result.storable
    assert "2026-12-04" not in schedule.reads


def test_the_result_is_as_old_as_its_oldest_part() -> None:
    schedule = Schedule("12-01T13", "12-03T09")
    schedule.ages = {"2026-12": 40, "2026-12-03": 10}
    body, result = found(schedule)
    assert body["asOf"] == "2026-12-01T11:59:20.000Z"
    assert (result.requested_at, result.fresh_until) == (REQUESTED_AT - 40, REQUESTED_AT + 20)
    assert result.cache_status == "fwd=miss; stored", "at least one part was requested from Videsk"


def test_an_unreadable_part_is_missing_and_the_result_is_not_storable() -> None:
    schedule = Schedule("12-01T13", "12-03T09")
    schedule.failing = {"2026-12-03"}
    body, result = found(schedule)
    assert list(body["days"]) == ["2026-12-01"]
    assert (body["complete"], body["missing"]) == (False, ["2026-12-03"])
    assert (result.storable, result.cache_status) == (False, "fwd=miss")


@pytest.mark.parametrize("failing", [{"2026-12"}, {"2026-12-01", "2026-12-03"}])
def test_the_failure_is_raised_if_there_is_no_result(failing: set[str]) -> None:
    schedule = Schedule("12-01T13", "12-03T09")
    schedule.failing = failing
    with pytest.raises(VideskUnreachableError):
        found(schedule)


def test_without_free_days_the_result_is_empty_and_complete() -> None:
    body, _ = found(Schedule())
    assert (body["days"], body["complete"]) == ({}, True)


def test_days_before_the_first_are_not_read() -> None:
    schedule = Schedule("12-01T13", "12-03T09")
    body, _ = found(schedule, start="2026-12-02")
    assert list(body["days"]) == ["2026-12-03"]
    assert "2026-12-01" not in schedule.reads


def test_next_hours_start_now() -> None:
    schedule = Schedule("12-01T09", "12-01T12", "12-01T13", "12-02T08", "12-03T08")
    assert find_next_hours(schedule, 3) == ["12-01T12", "12-01T13", "12-02T08"]
    assert "2026-12-03" not in schedule.reads
    assert len(find_next_hours(schedule, 20)) == 4


def test_no_part_is_started_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "START_SECONDS", 0.02)
    schedule = Schedule("12-01T13", *[f"12-{day:02}T09" for day in range(2, 12)])
    hours = schedule.hours

    def slow(*args: Any, seconds: float) -> CachedResult:
        time.sleep(0.03)
        return hours(*args, seconds=seconds)

    monkeypatch.setattr(schedule, "hours", slow)
    with pytest.raises(VideskTimeoutError):
        find_next_hours(schedule, 20)
    body, _ = found(schedule)
    assert body["days"]
    assert len(body["missing"]) >= 3


@pytest.mark.parametrize("instant", ["tomorrow", None, 7, "0001-01-01T00:00:00.000Z"])
def test_text_that_is_not_an_instant_is_an_invalid_response(instant: Any) -> None:
    schedule = Schedule()
    schedule.dates = lambda *_, seconds: schedule._result("2026-12", [instant])  # type: ignore[method-assign]
    with pytest.raises(VideskInvalidResponseError):
        found(schedule)

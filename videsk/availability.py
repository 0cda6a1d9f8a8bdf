"""Availability: the free hours of several days, composed of cached reads of months and days.

Each part goes through the cache and the rate limit. So that one call does not use up the rate
limit, it reads few parts at a time, and starts none late.
"""

from collections.abc import Callable, Iterable
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from time import monotonic
from typing import Any

from gevent.pool import Pool

from cache.read_through import CachedResult
from common import strict_json
from common.date_ranges import DayRange, Period, format_instant, instant_of
from videsk.errors import VideskError, VideskInvalidResponseError, VideskTimeoutError
from videsk.resources import ResourceKind
from videsk.scheduling import REQUEST_SECONDS, Scheduling

CONCURRENT_READS = 4

START_SECONDS = 5.0
"""No part is started later than this. Those in progress are completed."""


@dataclass
class AvailabilityScan:
    """Finds free hours for one request. `parts`: the results so far of reads with one deadline."""

    scheduling: Scheduling
    kind: ResourceKind
    ident: str
    now: datetime
    started: float = field(default_factory=monotonic)
    parts: list[CachedResult] = field(default_factory=list)

    def find_availability(self, day_range: DayRange, days: int) -> CachedResult:
        """Return `{"days": {name: hours}, "complete", "missing"?, "asOf"}`, the first free `days`.

        `missing` names the days and months that could not be read in time. Such a result is not
        storable, so that the next call retries. Raises VideskError if no day could be read.
        """
        found: dict[str, list[Any]] = {}
        failures: dict[str, VideskError] = {}
        for month in day_range.months:
            if len(found) + len(failures) >= days:
                break
            try:
                free = self._read_free_days(month, day_range)
            except VideskError as failure:
                failures[month.name] = failure
                break
            while free and (wanted := days - len(found) - len(failures)) > 0:
                batch, free = free[:wanted], free[wanted:]
                for day, hours in zip(batch, self._read_hours_of_days(batch), strict=True):
                    if isinstance(hours, VideskError):
                        failures[day.name] = hours
                    elif hours:
                        found[day.name] = hours
        if failures and not found:
            raise next(iter(failures.values()))
        missing = {"missing": list(failures)} if failures else {}
        as_of = format_instant(datetime.fromtimestamp(self._requested_at(), UTC))
        result = self._combine({"days": found, "complete": not failures, **missing, "asOf": as_of})
        return replace(result, cache_status="fwd=miss", storable=False) if failures else result

    def find_next_hours(self, day_range: DayRange, limit: int) -> CachedResult:
        """Return the first `limit` free hours of the range from `now` on. Raises VideskError."""
        found: list[str] = []
        for month in day_range.months:
            for day in self._read_free_days(month, day_range):
                hours = self._read(self.scheduling.hours, day)
                found += [hour for hour in hours if _instant(hour) >= self.now]
                if len(found) >= limit:
                    return self._combine(found[:limit])
        return self._combine(found)

    def _read_free_days(self, month: Period, day_range: DayRange) -> list[Period]:
        """Return the month's free days in the range that are not over. Raises VideskError."""
        instants = map(_instant, self._read(self.scheduling.dates, month))
        days = {day.name: day for day in map(day_range.day, instants) if day}
        return [day for _, day in sorted(days.items()) if day.end > self.now]

    def _read_hours_of_days(self, days: Iterable[Period]) -> list[list[Any] | VideskError]:
        """Return each day's free hours, or the error of reading them."""
        context = copy_context()  # greenlets do not inherit the request context

        def read_or_fail(day: Period) -> list[Any] | VideskError:
            try:
                return context.copy().run(self._read, self.scheduling.hours, day)
            except VideskError as failure:
                return failure

        return list(Pool(CONCURRENT_READS).map(read_or_fail, days))

    def _requested_at(self) -> float:
        """When the oldest part was requested, in seconds since the epoch."""
        return min(part.requested_at for part in self.parts)

    def _combine(self, value: Any) -> CachedResult:
        """Make one result of the parts: as old as the oldest, no fresher than the stalest."""
        misses = [part for part in self.parts if part.cache_status.startswith("fwd=")]
        worst = min(misses or self.parts, key=lambda part: part.fresh_until)
        fresh_until = min(part.fresh_until for part in self.parts)
        body = strict_json.dumps(value)
        return replace(worst, body=body, requested_at=self._requested_at(), fresh_until=fresh_until)

    def _read(self, read: Callable[..., CachedResult], period: Period) -> list[Any]:
        """Return the free days of a month, or the free hours of a day. Raises VideskError."""
        elapsed = monotonic() - self.started
        if elapsed > START_SECONDS:
            raise VideskTimeoutError
        query_instant = period.query_instant(self.now)
        part = read(self.kind, self.ident, period, query_instant, seconds=REQUEST_SECONDS - elapsed)
        self.parts.append(part)
        items: list[Any] = strict_json.loads(part.body)
        return items


def _instant(text: Any) -> datetime:
    """Parse an instant of Videsk's. Raises VideskInvalidResponseError.

    That includes the first and the last year of the calendar, where some zones have no day for it.
    """
    try:
        instant = instant_of(text)
    except (TypeError, ValueError, OverflowError) as error:
        raise VideskInvalidResponseError from error
    if instant.year in (MINYEAR, MAXYEAR):
        raise VideskInvalidResponseError
    return instant

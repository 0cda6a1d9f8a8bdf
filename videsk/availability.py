"""The free hours of many days in one answer, made of the months and days that the cache keeps.

Each part is read as a visitor would read it: through the cache, and within the budget. So that one
call does not take the budget from everybody else, it reads few parts at a time, and none late.
"""

from collections.abc import Callable, Iterable
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from gevent.pool import Pool

from common import strict_json
from common.date_ranges import DayRange, Period, format_instant, instant_of
from videsk.errors import VideskError, VideskInvalidResponseError, VideskTimeoutError
from videsk.resources import ResourceKind
from videsk.scheduling import REQUEST_SECONDS, Scheduling

if TYPE_CHECKING:
    from cache.read_through import CachedResult

CONCURRENT_READS = 4

BEGIN_SECONDS = 5.0
"""No part is begun later than this; those under way come to their end."""


class AvailabilityFinder:
    """Finds the free hours of several days."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    def availability(
        self, kind: ResourceKind, ident: str, day_range: DayRange, days: int, now: datetime
    ) -> "CachedResult":
        """`{"days": {name: hours}, "complete", "missing"?, "asOf"}` of the first free `days`.

        A part that could not be read in time is `missing` by its name, a day's or a month's, and
        the answer is not storable: the next call asks for the part again. Raises VideskError where
        that leaves nothing to show.
        """
        scan = AvailabilityScan(self._scheduling, kind, ident, now)
        found: dict[str, list[Any]] = {}
        failures: dict[str, VideskError] = {}
        for month in day_range.months:
            if len(found) + len(failures) >= days:
                break
            try:
                free = scan.free_days(month, day_range)
            except VideskError as failure:
                failures[month.name] = failure
                break
            while free and (wanted := days - len(found) - len(failures)) > 0:
                batch, free = free[:wanted], free[wanted:]
                for day, hours in zip(batch, scan.hours_of(batch), strict=True):
                    if isinstance(hours, VideskError):
                        failures[day.name] = hours
                    elif hours:
                        found[day.name] = hours
        if failures and not found:
            raise next(iter(failures.values()))
        missing = {"missing": list(failures)} if failures else {}
        as_of = format_instant(datetime.fromtimestamp(scan.requested_at(), UTC))
        answer = {"days": found, "complete": not failures, **missing, "asOf": as_of}
        joined = scan.joined(answer)
        return replace(joined, cache_status="fwd=miss", storable=False) if failures else joined

    def next_hours(
        self, kind: ResourceKind, ident: str, day_range: DayRange, limit: int, now: datetime
    ) -> "CachedResult":
        """The first `limit` free hours of the range of days from `now` on. Raises VideskError."""
        scan = AvailabilityScan(self._scheduling, kind, ident, now)
        found: list[str] = []
        for month in day_range.months:
            for day in scan.free_days(month, day_range):
                hours = scan.hours(day)
                found += [hour for hour in hours if _instant(hour) >= now]
                if len(found) >= limit:
                    return scan.joined(found[:limit])
        return scan.joined(found)


@dataclass
class AvailabilityScan:
    """One call's look at one schedule: since when, and what it has read so far."""

    scheduling: Scheduling
    kind: ResourceKind
    ident: str
    now: datetime
    started: float = field(default_factory=monotonic)
    readings: "list[CachedResult]" = field(default_factory=list)

    def free_days(self, month: Period, day_range: DayRange) -> list[Period]:
        """The month's free days in the range that are not over. Raises VideskError."""
        instants = map(_instant, self._read(self.scheduling.dates, month))
        days = {day.name: day for day in map(day_range.day, instants) if day}
        return [day for _, day in sorted(days.items()) if day.end > self.now]

    def hours(self, day: Period) -> list[Any]:
        """A day's free hours. Raises VideskError."""
        return self._read(self.scheduling.hours, day)

    def hours_of(self, days: Iterable[Period]) -> list[list[Any] | VideskError]:
        """Each day's free hours, or why they could not be read."""
        context = (
            copy_context()
        )  # the request context of the request at hand: a greenlet has none of it

        def hours_or_failure(day: Period) -> list[Any] | VideskError:
            try:
                return context.copy().run(self.hours, day)
            except VideskError as failure:
                return failure

        return list(Pool(CONCURRENT_READS).map(hours_or_failure, days))

    def requested_at(self) -> float:
        """When the oldest part was asked for: seconds since the epoch."""
        return min(reading.requested_at for reading in self.readings)

    def joined(self, answer: Any) -> "CachedResult":
        """The answer as one reading: as old as its oldest part, no fresher than its stalest."""
        asked = [part for part in self.readings if part.cache_status.startswith("fwd=")]
        worst = min(asked or self.readings, key=lambda part: part.fresh_until)
        fresh_until = min(part.fresh_until for part in self.readings)
        body = strict_json.dumps(answer)
        return replace(worst, body=body, requested_at=self.requested_at(), fresh_until=fresh_until)

    def _read(self, read: "Callable[..., CachedResult]", period: Period) -> list[Any]:
        elapsed = monotonic() - self.started
        if elapsed > BEGIN_SECONDS:
            raise VideskTimeoutError
        query_instant = period.query_instant(self.now)
        reading = read(self.kind, self.ident, period, query_instant, REQUEST_SECONDS - elapsed)
        self.readings.append(reading)
        parts: list[Any] = strict_json.loads(reading.body)
        return parts


def _instant(text: Any) -> datetime:
    """An instant as Videsk writes it. Raises VideskInvalidResponseError for anything else.

    In the first and the last year of the calendar some zones have no day for it.
    """
    try:
        instant = instant_of(text)
    except (TypeError, ValueError, OverflowError) as error:
        raise VideskInvalidResponseError from error
    if instant.year in (MINYEAR, MAXYEAR):
        raise VideskInvalidResponseError
    return instant

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

import strict_json
from spans import Span, Stretch, instant_of, to_videsk
from videsk.errors import VideskError, VideskTimeoutError, VideskUnsoundError
from videsk.kinds import Kind
from videsk.scheduling import REQUEST_SECONDS, Scheduling

if TYPE_CHECKING:
    from cache.reader import Reading

PARTS_AT_A_TIME = 4

BEGIN_SECONDS = 5.0
"""No part is begun later than this; those under way come to their end."""


class Ahead:
    """Looks through the days of a stretch for whoever wants more than one day's hours."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    def availability(
        self, kind: Kind, ident: str, stretch: Stretch, days: int, now: datetime
    ) -> "Reading":
        """`{"days": {name: hours}, "complete", "missing"?, "asOf"}` of the first free `days`.

        A part that could not be read in time is `missing` by its name, a day's or a month's, and
        the answer is not storable: the next call asks for the part again. Raises VideskError where
        that leaves nothing to show.
        """
        look = _Look(self._scheduling, kind, ident, now)
        found: dict[str, list[Any]] = {}
        failures: dict[str, VideskError] = {}
        for month in stretch.months:
            if len(found) + len(failures) >= days:
                break
            try:
                free = look.free_days(month, stretch)
            except VideskError as failure:
                failures[month.name] = failure
                break
            while free and (wanted := days - len(found) - len(failures)) > 0:
                wave, free = free[:wanted], free[wanted:]
                for day, hours in zip(wave, look.hours_of(wave), strict=True):
                    if isinstance(hours, VideskError):
                        failures[day.name] = hours
                    elif hours:
                        found[day.name] = hours
        if failures and not found:
            raise next(iter(failures.values()))
        missing = {"missing": list(failures)} if failures else {}
        as_of = to_videsk(datetime.fromtimestamp(look.asked_at(), UTC))
        answer = {"days": found, "complete": not failures, **missing, "asOf": as_of}
        joined = look.joined(answer)
        return replace(joined, cache_status="fwd=miss", storable=False) if failures else joined

    def next_hours(
        self, kind: Kind, ident: str, stretch: Stretch, limit: int, now: datetime
    ) -> "Reading":
        """The first `limit` free hours of the stretch from `now` on. Raises VideskError."""
        look = _Look(self._scheduling, kind, ident, now)
        found: list[str] = []
        for month in stretch.months:
            for day in look.free_days(month, stretch):
                hours = look.hours(day)
                found += [hour for hour in hours if _instant(hour) >= now]
                if len(found) >= limit:
                    return look.joined(found[:limit])
        return look.joined(found)


@dataclass
class _Look:
    """One call's look at one agenda: since when, and what it has read so far."""

    scheduling: Scheduling
    kind: Kind
    ident: str
    now: datetime
    started: float = field(default_factory=monotonic)
    readings: "list[Reading]" = field(default_factory=list)

    def free_days(self, month: Span, stretch: Stretch) -> list[Span]:
        """The month's free days, those of the stretch that are not over. Raises VideskError."""
        instants = map(_instant, self._read(self.scheduling.dates, month))
        days = {day.name: day for day in map(stretch.day, instants) if day}
        return [day for _, day in sorted(days.items()) if day.end > self.now]

    def hours(self, day: Span) -> list[Any]:
        """A day's free hours. Raises VideskError."""
        return self._read(self.scheduling.hours, day)

    def hours_of(self, days: Iterable[Span]) -> list[list[Any] | VideskError]:
        """Each day's free hours, or why they could not be read."""
        context = copy_context()  # the errand of the request at hand: a greenlet has none of it

        def hours_or_failure(day: Span) -> list[Any] | VideskError:
            try:
                return context.copy().run(self.hours, day)
            except VideskError as failure:
                return failure

        return list(Pool(PARTS_AT_A_TIME).map(hours_or_failure, days))

    def asked_at(self) -> float:
        """When the oldest part was asked for: seconds since the epoch."""
        return min(reading.asked_at for reading in self.readings)

    def joined(self, answer: Any) -> "Reading":
        """The answer as one reading: as old as its oldest part, no fresher than its stalest."""
        asked = [part for part in self.readings if part.cache_status.startswith("fwd=")]
        worst = min(asked or self.readings, key=lambda part: part.fresh_until)
        fresh_until = min(part.fresh_until for part in self.readings)
        body = strict_json.dumps(answer)
        return replace(worst, body=body, asked_at=self.asked_at(), fresh_until=fresh_until)

    def _read(self, read: "Callable[..., Reading]", span: Span) -> list[Any]:
        elapsed = monotonic() - self.started
        if elapsed > BEGIN_SECONDS:
            raise VideskTimeoutError
        ask_from = span.ask_from(self.now)
        reading = read(self.kind, self.ident, span, ask_from, REQUEST_SECONDS - elapsed)
        self.readings.append(reading)
        parts: list[Any] = strict_json.loads(reading.body)
        return parts


def _instant(text: Any) -> datetime:
    """An instant as Videsk writes it. Raises VideskUnsoundError for anything else.

    In the first and the last year of the calendar some zones have no day for it.
    """
    try:
        instant = instant_of(text)
    except (TypeError, ValueError, OverflowError) as error:
        raise VideskUnsoundError from error
    if instant.year in (MINYEAR, MAXYEAR):
        raise VideskUnsoundError
    return instant

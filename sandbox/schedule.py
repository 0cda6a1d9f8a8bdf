"""The schedule: services, agents, their free hours, and appointments.

Instants are epoch milliseconds, durations are minutes. No code here yields to gevent, so each call
is atomic: two bookings never get the same slot.
"""

import secrets
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from sandbox.clock import Clock
from sandbox.instants import MINUTE_MS, day_bounds, local_day, rest_of_month, wall_instant

Kind = Literal["services", "users"]


class Shift(NamedTuple):
    """Work on some weekdays (0 is Monday), in minutes past local midnight."""

    weekdays: Sequence[int]
    start_minute: int
    end_minute: int


@dataclass(frozen=True)
class Agent:
    """An agent, which Videsk calls a user. The shifts are wall time in the agent's zone."""

    id: str
    firstname: str
    lastname: str
    zone: ZoneInfo
    shifts: tuple[Shift, ...]


@dataclass(frozen=True)
class Service:
    id: str
    title: str
    description: str
    automatic: bool
    minutes: int
    agents: tuple[Agent, ...]


class Customer(NamedTuple):
    """The customer's data in a booking."""

    timezone: str
    email: str
    referrer: str


@dataclass
class Appointment:
    id: str
    service: Service
    agent: Agent
    start: int
    end: int
    customer: Customer
    status: Literal["pending", "canceled", "rescheduled"] = "pending"


class Offer(NamedTuple):
    """An agent's shifts, divided into slots of `minutes`."""

    agent: Agent
    minutes: int


class SlotUnavailableError(Exception):
    """The hour is not a slot, has started, or is taken."""


class Schedule:
    """The seeded services and agents, and all appointments since the last reset."""

    def __init__(self, services: Sequence[Service], clock: Clock) -> None:
        self.services = {service.id: service for service in services}
        self.appointments: dict[str, Appointment] = {}
        self._taken: dict[str, list[tuple[int, int]]] = {}
        self._clock = clock
        self._offers: dict[Kind, dict[str, list[Offer]]] = {"services": {}, "users": {}}
        for service in services:
            self._offers["services"][service.id] = [
                Offer(agent, service.minutes) for agent in service.agents
            ]
            for agent in service.agents:
                # An agent's own slots are as long as the agent's shortest service.
                existing = self._offers["users"].get(agent.id, [])
                minutes = min([service.minutes, *(offer.minutes for offer in existing)])
                self._offers["users"][agent.id] = [Offer(agent, minutes)]

    def reset(self) -> None:
        self.appointments.clear()
        self._taken.clear()

    def offers(self, kind: Kind, record_id: str) -> list[Offer] | None:
        """Return the offers of a service or user, or None if there is no such id."""
        return self._offers[kind].get(record_id)

    def free_days(self, offers: list[Offer], instant: int, zone: ZoneInfo) -> list[int]:
        """Return the starts of days with a free slot, from the day of `instant` to its month's end.

        Days are those of `zone`. The time of `instant` does not matter.
        """
        days = (day_bounds(day, zone) for day in rest_of_month(local_day(instant, zone)))
        return [
            begins
            for begins, ends in days
            if any(True for offer in offers for _ in self._free_starts(offer, begins, ends))
        ]

    def free_hours(self, offers: list[Offer], instant: int, zone: ZoneInfo) -> list[int]:
        """Return the starts of free slots on the local day of `instant` in `zone`, in order."""
        begins, ends = day_bounds(local_day(instant, zone), zone)
        return sorted(
            {start for offer in offers for start in self._free_starts(offer, begins, ends)}
        )

    def book(
        self,
        offers: list[Offer],
        service: Service,
        start: int,
        customer: Customer,
    ) -> Appointment:
        """Book the first agent among `offers` with a free slot at `start`.

        The appointment lasts as long as the service, which may be longer than the slot of a user's
        own offer. Then it may end after the shift, but never overlaps another appointment. Raises
        SlotUnavailableError.
        """
        end = start + service.minutes * MINUTE_MS
        for offer in offers:
            if start in self._free_starts(offer, start, start + 1) and self._is_free(
                offer.agent, start, end
            ):
                return self._add(service, offer.agent, start, customer)
        raise SlotUnavailableError

    def reschedule(self, appointment: Appointment, start: int) -> Appointment:
        """Move to another free slot of the same agent, as a slot of the service or of the agent.

        The old appointment keeps its hours until the new one is booked. Raises
        SlotUnavailableError.
        """
        agent = appointment.agent
        successor = self.book(
            [Offer(agent, appointment.service.minutes), *self._offers["users"][agent.id]],
            appointment.service,
            start,
            appointment.customer,
        )
        self._remove(appointment, "rescheduled")
        return successor

    def cancel(self, appointment: Appointment) -> None:
        self._remove(appointment, "canceled")

    def _add(self, service: Service, agent: Agent, start: int, customer: Customer) -> Appointment:
        end = start + service.minutes * MINUTE_MS
        appointment = Appointment(secrets.token_hex(12), service, agent, start, end, customer)
        self.appointments[appointment.id] = appointment
        insort(self._taken.setdefault(agent.id, []), (start, end))
        return appointment

    def _remove(self, appointment: Appointment, status: Literal["canceled", "rescheduled"]) -> None:
        appointment.status = status
        self._taken[appointment.agent.id].remove((appointment.start, appointment.end))

    def _free_starts(self, offer: Offer, since: int, until: int) -> Iterator[int]:
        """Yield the starts in `[since, until)` of free slots that have not started."""
        now = self._clock.now()
        step = offer.minutes * MINUTE_MS
        for begins, ends in _working_hours(offer.agent, since, until):
            for start in range(begins, ends - step + 1, step):
                if (
                    since <= start < until
                    and start > now
                    and self._is_free(offer.agent, start, start + step)
                ):
                    yield start

    def _is_free(self, agent: Agent, start: int, end: int) -> bool:
        """Check both neighbors only, because appointments of an agent never overlap."""
        taken = self._taken.get(agent.id, [])
        index = bisect_left(taken, (start, end))
        previous_has_ended = index == 0 or taken[index - 1][1] <= start
        next_starts_later = index == len(taken) or taken[index][0] >= end
        return previous_has_ended and next_starts_later


def _working_hours(agent: Agent, since: int, until: int) -> Iterator[tuple[int, int]]:
    """Yield the agent's shifts on every local day within `[since, until)`, as instants."""
    day: date = local_day(since, agent.zone)
    last = local_day(until - 1, agent.zone)
    while day <= last:
        for shift in agent.shifts:
            if day.weekday() in shift.weekdays:
                yield (
                    wall_instant(day, shift.start_minute, agent.zone),
                    wall_instant(day, shift.end_minute, agent.zone),
                )
        day += timedelta(days=1)

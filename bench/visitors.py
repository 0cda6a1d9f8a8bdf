"""Seeded visitors of a booking page in a separate process: the load of trace.py.

They arrive at random times with a given mean rate. Each reads the services, one or two months of
one of them (or, for half of the services with listed users, of one of the users) and one to three
of the free days. Some book one of the hours that they have seen, by user. Choices follow Zipf's
law: the n-th option is chosen n**-skew times as often as the first. Visitors pause between steps.
The output is one JSON document.

Dates have one of three formats. `short`: the month or the day, which only the proxy accepts.
`instant`: the first instant of the month or day, as Videsk requires. For the current month, whose
first instant Videsk would reject, it is that of tomorrow. This suits caches that compare URLs best.
`now`: the same, but the current instant for the current month or day.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic, time
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import gevent
from gevent import socket

from bench import sockets
from tests.client import FORM, ZONE

T = TypeVar("T")

RESPONSE_SECONDS = 30
THINK_SECONDS = (0.3, 1.5)
DATE_FORMATS = ("short", "instant", "now")


class VisitorProfile(NamedTuple):
    """Duration and rate of visits, the Zipf exponent of choices, and the share of bookings."""

    seconds: float
    per_second: float
    skew: float
    booking: float


class Read(NamedTuple):
    """A read. `key`: path and query. `status`: 0 without a response."""

    requested_at: float
    seconds: float
    key: str
    status: int
    cache_status: str


class Booking(NamedTuple):
    responded_at: float
    service: str
    user: str
    status: int


@dataclass
class VisitLog:
    """The requests of all visitors. Times are in seconds since the epoch."""

    reads: list[Read] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    could_show: int = 0
    """Reads of a booked hour's day that started after the response to the booking."""
    shown: int = 0
    """The number of these reads that list the hour as free."""


class _BookedHour(NamedTuple):
    """A booked hour, and the time of the response to the booking."""

    responded_at: float
    start: str
    end: str


class _Page:
    """The page that all visitors use. It sends requests, and checks and records the responses.

    It accepts the list of services in the format of the proxy and of Videsk.
    """

    def __init__(self, port: int, kind: VisitorProfile, date_format: str) -> None:
        self.port = port
        self.kind = kind
        self.date_format = date_format
        self.log = VisitLog()
        self._booked_hours: dict[str, list[_BookedHour]] = defaultdict(list)

    def read(self, connection: socket.socket, path: str) -> list[Any]:
        """Return the list in the response, without its page wrapper. Empty after an error."""
        requested_at = time()
        try:
            head, body = sockets.exchange(connection, sockets.get(path))
        except OSError as error:
            self.log.reads.append(
                Read(requested_at, time() - requested_at, path, 0, type(error).__name__)
            )
            raise
        status, cache_status = sockets.status(head), sockets.cache_status(head)
        self.log.reads.append(Read(requested_at, time() - requested_at, path, status, cache_status))
        if status != 200:
            return []
        response = json.loads(body)
        listed: list[Any] = response["data"] if isinstance(response, dict) else response
        return listed

    def services(self, connection: socket.socket) -> list[dict[str, Any]]:
        listed = self.read(connection, "/api/services")
        for service in listed:
            users = service.get("users", [])
            service["users"] = [{"id": user.get("id") or user["_id"]} for user in users]
        self.log.services = listed or self.log.services
        return listed

    def hours(self, connection: socket.socket, resource: str, day: str) -> list[str]:
        requested_at = time()
        shown: list[str] = self.read(connection, self.path(resource, "hours", day))
        booked = [
            taken
            for taken in self._booked_hours[resource]
            if taken.responded_at < requested_at and _local_day(taken.start) == day
        ]
        self.log.could_show += bool(booked)
        self.log.shown += any(taken.start <= hour < taken.end for taken in booked for hour in shown)
        return shown

    def book(
        self, connection: socket.socket, service: dict[str, Any], user: str, hour: str, email: str
    ) -> None:
        """Book the user's hour. It is then also booked for services without other users."""
        named = [*FORM[:2], FORM[2] | {"value": email}]
        booking = {"startAt": hour, "timezone": ZONE, "form": named, "service": service["id"]}
        booking["referrer"] = "bench"
        request = sockets.post(f"/api/users/{user}/appointments", booking)
        head, body = sockets.exchange(connection, request)
        responded_at, status = time(), sockets.status(head)
        self.log.bookings.append(Booking(responded_at, service["id"], user, status))
        if status == 201:
            response = json.loads(body)
            taken = _BookedHour(responded_at, response["startAt"], response["endAt"])
            self._booked_hours[f"users/{user}"].append(taken)
            for each in self.log.services:
                if [agent["id"] for agent in each["users"]] == [user]:
                    self._booked_hours[f"services/{each['id']}"].append(taken)

    def path(self, resource: str, read: str, date: str) -> str:
        """Return the path of a read. `date`: a month or a day."""
        sent = (
            date if self.date_format == "short" else _instant(date, now=self.date_format == "now")
        )
        return f"/api/{resource}/{read}?" + urlencode({"date": sent, "timezone": ZONE})


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.visitors")
    arguments.add_argument("port", type=int)
    arguments.add_argument("date_format", choices=DATE_FORMATS)
    arguments.add_argument("seed", type=int)
    arguments.add_argument("kind", type=float, nargs=4)
    chosen = arguments.parse_args()

    kind = VisitorProfile(*chosen.kind)
    page = _Page(chosen.port, kind, chosen.date_format)
    rng = random.Random(chosen.seed)
    visitors: list[gevent.Greenlet[..., None]] = []
    started, at = monotonic(), 0.0
    while (at := at + rng.expovariate(kind.per_second)) < kind.seconds:
        gevent.sleep(max(0.0, started + at - monotonic()))
        visitors.append(gevent.spawn(_visit, page, random.Random(rng.random()), len(visitors)))
    gevent.joinall(visitors, raise_error=True)
    print(json.dumps(asdict(page.log)))


def _visit(page: _Page, rng: random.Random, number: int) -> None:
    books = rng.random() < page.kind.booking
    try:
        with sockets.connect(page.port, RESPONSE_SECONDS) as connection:
            _browse(page, connection, rng, f"visitor{number}@example.com" if books else "")
    except OSError:
        return  # the read that failed is already recorded


def _browse(page: _Page, connection: socket.socket, rng: random.Random, email: str) -> None:
    """Visit the page once. With an e-mail address, book an hour."""
    listed = page.services(connection)
    if email:
        listed = [service for service in listed if service["users"]]
    skew = page.kind.skew
    service = _choose_zipf(listed, skew, rng)
    if not service:
        return
    user = _choose_zipf(service["users"], skew, rng) if email or rng.random() < 0.5 else None
    resource = f"users/{user['id']}" if user else f"services/{service['id']}"

    days: list[str] = []
    for month in _months(rng.choice((1, 2))):
        _think(rng)
        days += page.read(connection, page.path(resource, "dates", month))
    hours: list[str] = []
    for _ in range(rng.choice((1, 2, 3))):
        _think(rng)
        day = _choose_zipf(days, skew, rng)
        hours = page.hours(connection, resource, _local_day(day)) if day else []
    if email and user and hours:
        _think(rng)
        page.book(connection, service, user["id"], rng.choice(hours), email)


def _think(rng: random.Random) -> None:
    gevent.sleep(rng.uniform(*THINK_SECONDS))


def _choose_zipf(choices: Sequence[T], skew: float, rng: random.Random) -> T | None:
    if not choices:
        return None
    weights = [place**-skew for place in range(1, len(choices) + 1)]
    return rng.choices(choices, weights)[0]


def _months(number: int) -> list[str]:
    """Return this month and the following ones."""
    now = datetime.now(ZoneInfo(ZONE))
    ahead = (divmod(now.year * 12 + now.month - 1 + more, 12) for more in range(number))
    return [f"{year}-{month + 1:02d}" for year, month in ahead]


def _local_day(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(ZONE)).date().isoformat()


def _instant(date: str, *, now: bool) -> str:
    """Return the instant for a month or a day as described in the module's docstring."""
    whole_month = len(date) == len("2026-12")
    first = datetime.fromisoformat(f"{date}-01" if whole_month else date)
    first = first.replace(tzinfo=ZoneInfo(ZONE))
    present = datetime.now(ZoneInfo(ZONE))
    if first < present:
        tomorrow = (present + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        first = tomorrow if whole_month and not now else present
    return first.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{first.microsecond // 1000:03}Z"


if __name__ == "__main__":
    main()

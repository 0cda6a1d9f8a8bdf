"""Visitors of a booking page, in a process of their own: the load of trace.py, seeded.

They come at random moments, so many a second on average. Each looks at the services, at a month or
two of one of them (or, of every second one with listed users, of one of its users) and at one to
three of the free days; some book one of the hours that they have seen, by user. Of whatever there
is to choose, the first is chosen most, and the n-th n**-steepness times as often (Zipf). Between
two steps they think. What they met with comes out as one JSON document.

A date is sent in one of three ways. `short`: the month or the day, as the proxy alone takes it.
`instant`: the first instant of the month or day, as Videsk takes it, and for the month under way,
whose first one Videsk would refuse, that of tomorrow: of all ways the kindest to a cache that
compares addresses. `now`: the same, but for what is under way the present instant.
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

ANSWER_SECONDS = 30
THINK_SECONDS = (0.3, 1.5)
SPELLINGS = ("short", "instant", "now")


class VisitorProfile(NamedTuple):
    """How many come, for how long, how alike they choose, and the share of those who book."""

    seconds: float
    per_second: float
    steepness: float
    booking: float


class Read(NamedTuple):
    """`key` is the path and the query. Status 0 is no answer."""

    asked_at: float
    seconds: float
    key: str
    status: int
    cache_status: str


class Booking(NamedTuple):
    answered_at: float
    service: str
    user: str
    status: int


@dataclass
class Met:
    """What all visitors met with; moments in seconds since the epoch."""

    reads: list[Read] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    could_show: int = 0
    """Reads, begun after a booking's answer, of the day in which that booking's hour lies."""
    shown: int = 0
    """Of these, how many show it as free."""


class _Taken(NamedTuple):
    """An hour that is booked, from when that was answered."""

    answered_at: float
    start: str
    end: str


class _Page:
    """The page that all visitors are on: it sends requests, and checks and keeps the answers.

    It takes the services as the proxy answers them, and as Videsk does.
    """

    def __init__(self, port: int, kind: VisitorProfile, spelling: str) -> None:
        self.port = port
        self.kind = kind
        self.spelling = spelling
        self.met = Met()
        self._taken: dict[str, list[_Taken]] = defaultdict(list)

    def read(self, connection: socket.socket, path: str) -> list[Any]:
        """The list, out of its page where it is in one; an empty one instead of an error."""
        asked_at = time()
        try:
            head, body = sockets.exchange(connection, sockets.get(path))
        except OSError as error:
            self.met.reads.append(Read(asked_at, time() - asked_at, path, 0, type(error).__name__))
            raise
        status, how = sockets.status(head), sockets.cache_status(head)
        self.met.reads.append(Read(asked_at, time() - asked_at, path, status, how))
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
        self.met.services = listed or self.met.services
        return listed

    def hours(self, connection: socket.socket, whose: str, day: str) -> list[str]:
        asked_at = time()
        shown: list[str] = self.read(connection, self.path(whose, "hours", day))
        gone = [
            taken
            for taken in self._taken[whose]
            if taken.answered_at < asked_at and _local_day(taken.start) == day
        ]
        self.met.could_show += bool(gone)
        self.met.shown += any(taken.start <= hour < taken.end for taken in gone for hour in shown)
        return shown

    def book(
        self, connection: socket.socket, service: dict[str, Any], user: str, hour: str, email: str
    ) -> None:
        """The user's hour is gone then, and so is that of a service without other users."""
        named = [*FORM[:2], FORM[2] | {"value": email}]
        booking = {"startAt": hour, "timezone": ZONE, "form": named, "service": service["id"]}
        booking["referrer"] = "bench"
        request = sockets.post(f"/api/users/{user}/appointments", booking)
        head, body = sockets.exchange(connection, request)
        answered_at, status = time(), sockets.status(head)
        self.met.bookings.append(Booking(answered_at, service["id"], user, status))
        if status == 201:
            response = json.loads(body)
            taken = _Taken(answered_at, response["startAt"], response["endAt"])
            self._taken[f"users/{user}"].append(taken)
            for each in self.met.services:
                if [its["id"] for its in each["users"]] == [user]:
                    self._taken[f"services/{each['id']}"].append(taken)

    def path(self, whose: str, what: str, date: str) -> str:
        """`date` is a month or a day."""
        sent = date if self.spelling == "short" else _instant(date, now=self.spelling == "now")
        return f"/api/{whose}/{what}?" + urlencode({"date": sent, "timezone": ZONE})


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.visitors")
    arguments.add_argument("port", type=int)
    arguments.add_argument("spelling", choices=SPELLINGS)
    arguments.add_argument("seed", type=int)
    arguments.add_argument("kind", type=float, nargs=4)
    chosen = arguments.parse_args()

    kind = VisitorProfile(*chosen.kind)
    page = _Page(chosen.port, kind, chosen.spelling)
    dice = random.Random(chosen.seed)
    visitors: list[gevent.Greenlet[..., None]] = []
    begun, at = monotonic(), 0.0
    while (at := at + dice.expovariate(kind.per_second)) < kind.seconds:
        gevent.sleep(max(0.0, begun + at - monotonic()))
        visitors.append(gevent.spawn(_visit, page, random.Random(dice.random()), len(visitors)))
    gevent.joinall(visitors, raise_error=True)
    print(json.dumps(asdict(page.met)))


def _visit(page: _Page, dice: random.Random, number: int) -> None:
    books = dice.random() < page.kind.booking
    try:
        with sockets.connect(page.port, ANSWER_SECONDS) as connection:
            _look_around(page, connection, dice, f"visitor{number}@example.com" if books else "")
    except OSError:
        return  # noted where a read met with it


def _look_around(page: _Page, connection: socket.socket, dice: random.Random, email: str) -> None:
    """With an e-mail address, to book."""
    listed = page.services(connection)
    if email:
        listed = [service for service in listed if service["users"]]
    steepness = page.kind.steepness
    service = _choose(listed, steepness, dice)
    if not service:
        return
    user = _choose(service["users"], steepness, dice) if email or dice.random() < 0.5 else None
    whose = f"users/{user['id']}" if user else f"services/{service['id']}"

    days: list[str] = []
    for month in _months(dice.choice((1, 2))):
        _think(dice)
        days += page.read(connection, page.path(whose, "dates", month))
    hours: list[str] = []
    for _ in range(dice.choice((1, 2, 3))):
        _think(dice)
        day = _choose(days, steepness, dice)
        hours = page.hours(connection, whose, _local_day(day)) if day else []
    if email and user and hours:
        _think(dice)
        page.book(connection, service, user["id"], dice.choice(hours), email)


def _think(dice: random.Random) -> None:
    gevent.sleep(dice.uniform(*THINK_SECONDS))


def _choose(choices: Sequence[T], steepness: float, dice: random.Random) -> T | None:
    if not choices:
        return None
    weights = [place**-steepness for place in range(1, len(choices) + 1)]
    return dice.choices(choices, weights)[0]


def _months(number: int) -> list[str]:
    """This month and those after it."""
    now = datetime.now(ZoneInfo(ZONE))
    ahead = (divmod(now.year * 12 + now.month - 1 + more, 12) for more in range(number))
    return [f"{year}-{month + 1:02d}" for year, month in ahead]


def _local_day(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(ZONE)).date().isoformat()


def _instant(date: str, *, now: bool) -> str:
    """Of a month or a day the first one, as Videsk takes it; see this module's docstring."""
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

"""The load: visitors who read and visitors who book, each in a thread.

A read whose connection breaks is sent once more. Browsers do that too, if the connection was kept.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from itertools import count, cycle
from time import time
from typing import Any, NamedTuple
from uuid import uuid4

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from tests.client import FIRST_SERVICE, FORM, JOHN, Client
from tests.days import YEAR

READ = ("63bdbf3b25ab497401602d10", "63bdbf3b25ab497401602d11")
"""Agents who share no service with JOHN, so that bookings do not invalidate their entries.

JOHN gets the first booking of each hour of FIRST_SERVICE; a second one would be MARK's.
"""

READERS, READ_PAUSE = 12, (0.15, 0.3)
BOOKERS, BOOKING_PAUSE = 4, (1.5, 2.5)
READS_OF_A_VISIT = 6
ATTEMPTS, LONGEST_WAIT = 6, 5.0
ADDRESS = "127.0.0.2"
"""An attacker has another one."""


class Request(NamedTuple):
    """`status` 0: no response. `shows`: of a read after a booking, if its hour is shown as free."""

    at: float
    seconds: float
    status: int
    is_read: bool
    is_stale: bool
    shows: bool | None


class Booking(NamedTuple):
    """`status`: of the last of its requests, which all have the same Idempotency-Key."""

    at: float
    email: str
    status: int


class Visitors:
    """All visitors, their requests and their bookings."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.requests: list[Request] = []
        self.bookings: list[Booking] = []
        self._urls = urls
        self._turns = cycle(urls)
        self._hours = _hours()
        self._lock = threading.Lock()
        self._is_over = threading.Event()

    @contextmanager
    def present(self) -> Iterator[None]:
        """Have visitors read and book until the block ends."""
        threads = [threading.Thread(target=self._read_often, args=[n]) for n in range(READERS)]
        threads += [threading.Thread(target=self._book_often, args=[n]) for n in range(BOOKERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _read_often(self, seed: int) -> None:
        dice = random.Random(seed)
        for number in count():
            if number % READS_OF_A_VISIT == 0:
                client = self._client()
            self._read(partial(_choose(dice), client))
            if self._is_over.wait(dice.uniform(*READ_PAUSE)):
                return

    def _book_often(self, seed: int) -> None:
        dice = random.Random(seed)
        while not self._is_over.wait(dice.uniform(*BOOKING_PAUSE)):
            with self._lock:
                start = next(self._hours)
            if self._book(start) == 201:
                for url in self._urls:
                    client = self._client(url)
                    self._read(partial(client.hours, "users", JOHN, start[:10], "UTC"), start)

    def _book(self, start: str) -> int:
        """Book, and again if that failed, until the outcome is final or twice unknown."""
        email, key, first = f"{uuid4().hex}@example.com", uuid4().hex, time()
        form = [*FORM[:2], FORM[2] | {"value": email}]
        headers, unknown = {"Idempotency-Key": key}, 0
        for _ in range(ATTEMPTS):
            response = self._send(
                partial(
                    self._client().book,
                    "services",
                    FIRST_SERVICE,
                    start,
                    headers,
                    form=form,
                    referrer="game day",
                )
            )
            status = 0 if response is None else response.status_code
            unknown += response is not None and "outcomeUnknown" in response.text
            if 0 < status < 429 or unknown == 2:
                break
            pause = response.headers.get("Retry-After", "") if response is not None else ""
            self._is_over.wait(min(LONGEST_WAIT, float(pause) if pause.isdigit() else 1))
        self.bookings.append(Booking(first, email, status))
        return status

    def _read(self, send: Callable[[], requests.Response], booked: str = "") -> None:
        self._send(send, booked, is_read=True)

    def _send(
        self, send: Callable[[], requests.Response], booked: str = "", *, is_read: bool = False
    ) -> requests.Response | None:
        at = time()
        try:
            response = send()
        except requests.RequestException:
            self.requests.append(Request(at, time() - at, 0, is_read, False, None))
            return None
        shows = booked in response.json() if booked and response.status_code == 200 else None
        stale = response.headers.get("Cache-Status", "").endswith("stale")
        self.requests.append(Request(at, time() - at, response.status_code, is_read, stale, shows))
        return response

    def _client(self, url: str = "") -> Client:
        session = requests.Session()
        session.mount("http://", _Adapter())
        return Client(url or next(self._turns), session)


class _Adapter(HTTPAdapter):
    """Connects from ADDRESS, and repeats a read once, as browsers do."""

    def __init__(self) -> None:
        retry = Retry(connect=0, read=1, status=0, respect_retry_after_header=False)
        super().__init__(max_retries=retry)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, source_address=(ADDRESS, 0), **options)


def _choose(dice: random.Random) -> Callable[[Client], requests.Response]:
    user, day = dice.choice(READ), dice.choice((5, 6, 7, 8, 12, 13))
    reads: list[Callable[[Client], requests.Response]] = [
        lambda client: client.get("/api/services"),
        lambda client: client.dates("users", user, f"{YEAR}-05"),
        lambda client: client.hours("users", user, f"{YEAR}-05-{day:02}"),
    ]
    return dice.choices(reads, (1, 1, 3))[0]


def _hours() -> Iterator[str]:
    """Yield the hours of FIRST_SERVICE: from 9 to 13 and from 14 to 18 in Santiago, on weekdays."""
    for day in map(date(YEAR, 5, 12).__add__, map(timedelta, count())):
        for minutes in (*range(13 * 60, 17 * 60, 15), *range(18 * 60, 22 * 60, 15)):
            if day.weekday() < 5:
                yield f"{day}T{minutes // 60:02}:{minutes % 60:02}:00.000Z"


def doubled(bookings: Sequence[Booking], ledger: Counter[str]) -> int:
    """`ledger`: the number of appointments for each e-mail address."""
    return sum(ledger[booking.email] > 1 for booking in bookings)


def lost(bookings: Sequence[Booking], ledger: Counter[str]) -> int:
    """Count the bookings that were acknowledged, but not made."""
    return sum(booking.status == 201 and not ledger[booking.email] for booking in bookings)

"""Customers who lose their hour to another one while they fill in the form, and so get a 409.

Like the widget, the page reads the hours again every 20 seconds and once more before it books, and
the customer chooses another hour if the chosen one has been taken. It is compared with a page that
reads them once. Everything happens SPEED times as fast; both pages have the same customers.
"""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import sleep

from bench.report import Row
from tests.client import JOHN, MARK, Client, booking_body
from tests.days import YEAR
from tests.processes import proxy_server, redis_server, sandbox_server

SEED = 20261
SPEED = 10
THINK_SECONDS = 45
REFRESH_SECONDS = 20
CUSTOMERS = 120
CUSTOMERS_PER_SECOND = 0.3
DAYS = [(user, f"{YEAR}-05-{day:02}") for user in (JOHN, MARK) for day in (6, 7, 8, 13, 14)]


def measure() -> list[Row]:
    once, current = _statuses(is_current=False), _statuses(is_current=True)
    return [
        Row("Hours read once: bookings by status", str(dict(sorted(once.items())))),
        Row(
            f"Hours read again every {REFRESH_SECONDS} s and before the booking: by status",
            str(dict(sorted(current.items()))),
            f"at most {once[409] // 10} 409s",
        ),
    ]


def _statuses(*, is_current: bool) -> Counter[int]:
    """Return how many bookings got each status."""
    rng = random.Random(SEED)
    with (
        redis_server() as redis,
        sandbox_server() as sandbox,
        proxy_server(sandbox, REDIS_URL=redis.redis_url, VIDESK_RATE_LIMIT="20") as proxy,
        ThreadPoolExecutor(CUSTOMERS) as pool,
    ):
        bookings = []
        for number in range(CUSTOMERS):
            sleep(rng.expovariate(CUSTOMERS_PER_SECOND) / SPEED)
            choices = random.Random(rng.random())
            bookings.append(
                pool.submit(_book, Client(proxy.url), choices, number, is_current=is_current)
            )
        return Counter(booking.result() for booking in bookings)


def _book(client: Client, rng: random.Random, number: int, *, is_current: bool) -> int:
    """Choose an hour, think, book it, and return the status."""
    user, day = rng.choice(DAYS)
    hour = _choose(client.hours("users", user, day).json(), rng)
    left = float(THINK_SECONDS)
    while is_current and left > REFRESH_SECONDS:
        sleep(REFRESH_SECONDS / SPEED)
        left -= REFRESH_SECONDS
        hour = _keep(client, rng, hour, user, day)
    sleep(left / SPEED)
    if is_current:
        hour = _keep(client, rng, hour, user, day)
    body = booking_body(hour, f"customer{number}@example.com")
    return client.post(f"/api/users/{user}/appointments", body).status_code


def _keep(client: Client, rng: random.Random, hour: str, user: str, day: str) -> str:
    """Return the hour if it is still free, else another one."""
    free = client.hours("users", user, day).json()
    return hour if hour in free else _choose(free, rng)


def _choose(free: Sequence[str], rng: random.Random) -> str:
    """Prefer early hours: the n-th is chosen 1/n times as often as the first."""
    return rng.choices(free, [1 / place for place in range(1, len(free) + 1)])[0]

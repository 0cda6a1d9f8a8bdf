"""The limiter state in Redis, by Lua, decides as the one in the process does."""

import heapq
import secrets
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from common.resilient_redis import ResilientRedis
from tests.processes import ServerProcess
from tests.unit.videsk.throttle.test_rate_limit import EVER, GO, START
from videsk.throttle.rate_limit import GRACE, HEARTBEAT, SECOND, LimiterState, RateLimit, Ticket
from videsk.throttle.throttle import RedisLimiter


@pytest.fixture(scope="module")
def link(redis_process: ServerProcess) -> ResilientRedis:
    return ResilientRedis(redis_process.redis_url, verify_tls=True)


class BothBooks:
    """The book in the process and the one in Redis, which must give the same answers."""

    def __init__(self, link: ResilientRedis, rate_limit: RateLimit) -> None:
        self.here = LimiterState(rate_limit)
        self.there = RedisLimiter(link, f"{secrets.token_hex(8)}:", rate_limit, b"tests")
        self.now = START
        self.slots = [START]
        self.waiting: list[tuple[int, Ticket, str, str, int]] = []

    def acquire(
        self,
        client: str,
        what: str,
        max_wait: int,
        *,
        is_write: bool = False,
        ticket: Ticket | None = None,
        moved: int | None = None,
    ) -> None:
        request: dict[str, Any] = {"is_write": is_write, "client": client, "read_key": what}
        request |= {"ticket": ticket, "moved": moved}
        here = self.here.acquire(self.now, max_wait, **request)
        there = self.there.acquire(max_wait, now=self.now, **request)
        assert here == there
        if here.slot:
            self.slots.append(here.slot)
        if here.ticket:
            due = self.now + min(here.wait, HEARTBEAT)
            heapq.heappush(self.waiting, (due, here.ticket, client, what, max_wait))

    def come_back(self, late: int) -> None:
        """Of those who wait, the one who is due first."""
        due, ticket, client, what, max_wait = heapq.heappop(self.waiting)
        self.now = max(self.now, due + late)
        self.acquire(client, what, max_wait, ticket=ticket)

    def promote(self, client: str, what: str) -> None:
        self.here.promote(client, what)
        self.there.promote(client, what)

    def report(self, what: str, pause_length: int) -> None:
        self.there.report(what, pause_length, now=self.now)
        if what == "success":
            self.here.report_success()
        elif what == "failure":
            self.here.report_failure(self.now)
        else:
            self.here.pause(pause_length, self.now)


@pytest.mark.parametrize("seed", range(8))
def test_both_books_give_the_same_answers(link: ResilientRedis, seed: int) -> None:
    """To those who come, to those who come back, in time or late, and whatever the clock does."""
    random = Random(seed)
    # In Redis the places live for a window of its real time, and an example takes a part of that.
    window = random.choice([20 * SECOND, 40 * SECOND + 1])
    books = BothBooks(link, RateLimit(random.choice([1, 2, 5, 20, 40, 100]), window))
    clients = ["", *"abc", *map(str, range(random.choice([0, 60])))]

    def acquire(times: int, *, is_write: bool) -> None:
        client, max_wait = random.choice(clients), random.choice([0, 10 * SECOND, EVER, EVER])
        for _ in range(times):
            books.acquire(client, random.choice("wxyz"), max_wait, is_write=is_write)

    def crowd() -> None:
        for _ in range(30):
            acquire(1, is_write=False)

    def come_back() -> None:
        everyone_late = random.choice([0, 0, 0, SECOND // 100, GRACE, 3 * SECOND])
        for _ in range(min(random.randint(1, 60), len(books.waiting))):
            books.come_back(everyone_late)

    def die() -> None:
        books.waiting = [waiter for waiter in books.waiting if random.random() < 0.5]
        heapq.heapify(books.waiting)

    def step_clock() -> None:
        seconds = random.choice([-3600, -40, -1, -0.3, 0.3, 2, 30])
        books.now += round(seconds * SECOND * random.random())

    actions: list[Callable[[], None]] = [
        lambda: acquire(random.randint(1, 8), is_write=False),
        crowd,
        lambda: acquire(random.randint(1, 3), is_write=True),
        come_back,
        die,
        step_clock,
        lambda: books.promote(random.choice(clients), random.choice("wxyz")),
        lambda: books.report(random.choice(["success", "failure"]), 0),
        lambda: books.report("hold", random.randint(0, 2 * SECOND)),
        lambda: books.acquire("a", "w", EVER, moved=random.choice(books.slots[-30:])),
    ]
    for _ in range(120):
        random.choices(actions, [20, 4, 4, 40, 2, 3, 10, 8, 1, 8])[0]()


def test_the_book_of_all_is_read_back_on_this_process_s_clock(link: ResilientRedis) -> None:
    throttle = RedisLimiter(link, f"{secrets.token_hex(8)}:", RateLimit(20), b"tests")
    assert not throttle.state().slots
    for _ in range(3):
        assert throttle.acquire(0, is_write=True).decision is GO
    throttle.report("failure")
    state = throttle.state()
    assert (len(state.slots), state.failures) == (3, 1)
    assert list(state.slots) == sorted(state.slots)


def test_no_address_is_written_into_redis(link: ResilientRedis) -> None:
    throttle = RedisLimiter(link, f"{secrets.token_hex(8)}:", RateLimit(2), b"tests")
    address = "198.51.100.7"
    for _ in range(3):
        throttle.acquire(EVER, is_write=False, client=address)
    held = [link.client.dump(key) or b"" for key in link.client.keys("*:gate:*")]
    assert len(held) >= 5
    assert not any(address.encode() in value for value in held)

"""The rate limiter in Redis (Lua) makes the same decisions as the one in the process."""

import heapq
import secrets
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from common.resilient_redis import ResilientRedis
from tests.processes import ServerProcess
from tests.unit.videsk.throttle.test_rate_limit import FOREVER, GO, START
from videsk.throttle.rate_limit import GRACE, HEARTBEAT, SECOND, LimiterState, RateLimit, Ticket
from videsk.throttle.throttle import RedisLimiter


@pytest.fixture(scope="module")
def resilient_redis(redis_process: ServerProcess) -> ResilientRedis:
    return ResilientRedis(redis_process.redis_url, verify_tls=True)


class BothLimiters:
    """The limiter in the process and the one in Redis. Checks that they make the same decisions."""

    def __init__(self, resilient_redis: ResilientRedis, rate_limit: RateLimit) -> None:
        self.local = LimiterState(rate_limit)
        self.shared = RedisLimiter(
            resilient_redis, f"{secrets.token_hex(8)}:", rate_limit, b"tests"
        )
        self.now = START
        self.slots = [START]
        self.waiting: list[tuple[int, Ticket, str, str, int]] = []

    def acquire(
        self,
        client: str,
        read_key: str,
        max_wait: int,
        *,
        is_write: bool = False,
        ticket: Ticket | None = None,
        moved: int | None = None,
    ) -> None:
        request: dict[str, Any] = {"is_write": is_write, "client": client, "read_key": read_key}
        request |= {"ticket": ticket, "moved": moved}
        local = self.local.acquire(self.now, max_wait, **request)
        shared = self.shared.acquire(max_wait, now=self.now, **request)
        assert local == shared
        if local.slot:
            self.slots.append(local.slot)
        if local.ticket:
            due = self.now + min(local.wait, HEARTBEAT)
            heapq.heappush(self.waiting, (due, local.ticket, client, read_key, max_wait))

    def retry_next(self, late: int) -> None:
        """Let the waiting request that is due first try again, `late` after it is due."""
        due, ticket, client, read_key, max_wait = heapq.heappop(self.waiting)
        self.now = max(self.now, due + late)
        self.acquire(client, read_key, max_wait, ticket=ticket)

    def promote(self, client: str, read_key: str) -> None:
        self.local.promote(client, read_key)
        self.shared.promote(client, read_key)

    def report(self, outcome: str, pause_length: int) -> None:
        self.shared.report(outcome, pause_length, now=self.now)
        if outcome == "success":
            self.local.report_success()
        elif outcome == "failure":
            self.local.report_failure(self.now)
        else:
            self.local.pause(pause_length, self.now)


@pytest.mark.parametrize("seed", range(8))
def test_both_limiters_make_the_same_decisions(resilient_redis: ResilientRedis, seed: int) -> None:
    """Compare them over random new requests, retries on time or late, and clock steps."""
    random = Random(seed)
    # Slots in Redis expire after a window of real time, and the test takes part of that time.
    window = random.choice([20 * SECOND, 40 * SECOND + 1])
    limiters = BothLimiters(
        resilient_redis, RateLimit(random.choice([1, 2, 5, 20, 40, 100]), window)
    )
    clients = ["", *"abc", *map(str, range(random.choice([0, 60])))]

    def acquire(times: int, *, is_write: bool) -> None:
        client, max_wait = random.choice(clients), random.choice([0, 10 * SECOND, FOREVER, FOREVER])
        for _ in range(times):
            limiters.acquire(client, random.choice("wxyz"), max_wait, is_write=is_write)

    def crowd() -> None:
        for _ in range(30):
            acquire(1, is_write=False)

    def retry() -> None:
        late = random.choice([0, 0, 0, SECOND // 100, GRACE, 3 * SECOND])
        for _ in range(min(random.randint(1, 60), len(limiters.waiting))):
            limiters.retry_next(late)

    def abandon() -> None:
        limiters.waiting = [waiter for waiter in limiters.waiting if random.random() < 0.5]
        heapq.heapify(limiters.waiting)

    def step_clock() -> None:
        seconds = random.choice([-3600, -40, -1, -0.3, 0.3, 2, 30])
        limiters.now += round(seconds * SECOND * random.random())

    actions: list[Callable[[], None]] = [
        lambda: acquire(random.randint(1, 8), is_write=False),
        crowd,
        lambda: acquire(random.randint(1, 3), is_write=True),
        retry,
        abandon,
        step_clock,
        lambda: limiters.promote(random.choice(clients), random.choice("wxyz")),
        lambda: limiters.report(random.choice(["success", "failure"]), 0),
        lambda: limiters.report("hold", random.randint(0, 2 * SECOND)),
        lambda: limiters.acquire("a", "w", FOREVER, moved=random.choice(limiters.slots[-30:])),
    ]
    for _ in range(120):
        random.choices(actions, [20, 4, 4, 40, 2, 3, 10, 8, 1, 8])[0]()


def test_the_shared_state_is_converted_to_this_process_s_clock(
    resilient_redis: ResilientRedis,
) -> None:
    throttle = RedisLimiter(resilient_redis, f"{secrets.token_hex(8)}:", RateLimit(20), b"tests")
    assert not throttle.state().slots
    for _ in range(3):
        assert throttle.acquire(0, is_write=True).decision is GO
    throttle.report("failure")
    state = throttle.state()
    assert (len(state.slots), state.failures) == (3, 1)
    assert list(state.slots) == sorted(state.slots)


def test_no_client_address_is_written_to_redis(resilient_redis: ResilientRedis) -> None:
    throttle = RedisLimiter(resilient_redis, f"{secrets.token_hex(8)}:", RateLimit(2), b"tests")
    address = "198.51.100.7"
    for _ in range(3):
        throttle.acquire(FOREVER, is_write=False, client=address)
    held = [
        resilient_redis.client.dump(key) or b"" for key in resilient_redis.client.keys("*:gate:*")
    ]
    assert len(held) >= 5
    assert not any(address.encode() in value for value in held)

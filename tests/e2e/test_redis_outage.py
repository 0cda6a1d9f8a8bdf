"""Redis may fail at startup or at any time, in various ways, and come back (docs/guarantees.md#g6)."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from statistics import median
from time import monotonic, sleep

import pytest
from redis import Redis

from tests.client import AUTOMATIC_SERVICE, JOHN, MARK
from tests.days import YEAR
from tests.e2e.delayed_forwarder import DelayedForwarder
from tests.e2e.fleet import (
    Fleet,
    cache_status,
    concurrently,
    on_each_worker,
    only_worker,
    readiness,
    run_fleet,
    timed,
    wait_until,
    workers_of,
)
from tests.processes import Sandbox, ServerProcess, free_port, redis_server
from tests.timing import SERIAL, TIMING

pytestmark = TIMING

DAY, SLOT = f"{YEAR}-05-06", f"{YEAR}-05-06T14:00:00.000Z"
SETTINGS = {"HOURS_TTL": "600"}
NOISE_SECONDS = 0.06
"""The delay of a busy machine on top of the 50 ms that a request may be delayed."""


class FailableRedis:
    """A Redis on a fixed port that can be broken and restored in various ways."""

    def __init__(self) -> None:
        self.port = free_port()
        self.redis = Redis(port=self.port)
        self._stack = ExitStack()
        self._server: ServerProcess | None = None

    def start(self) -> None:
        self._server = self._stack.enter_context(redis_server(self.port))

    def signal(self, number: int) -> None:
        assert self._server
        self._server.process.send_signal(number)

    def fill(self) -> None:
        self.redis.config_set("maxmemory", "1")

    def make_room(self) -> None:
        self.redis.config_set("maxmemory", "0")

    def end(self) -> None:
        if self._server and self._server.process.poll() is None:
            self.signal(signal.SIGCONT)
        self._stack.close()


@pytest.fixture(scope="module")
def failable_redis() -> Iterator[FailableRedis]:
    server = FailableRedis()
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def shared_fleet(sandbox_process: Sandbox, failable_redis: FailableRedis) -> Iterator[Fleet]:
    with run_fleet(sandbox_process, failable_redis.port, SETTINGS) as fleet:
        yield fleet


@pytest.fixture
def fleet(shared_fleet: Fleet, failable_redis: FailableRedis, sandbox: Sandbox) -> Fleet:
    """Return two instances with an empty and healthy Redis."""
    wait_until(lambda: all_report(shared_fleet, "ok"))
    failable_redis.redis.flushall()
    return shared_fleet


def all_report(servers: Fleet, redis: str) -> bool:
    return {state["redis"] for state in readiness(servers)} == {redis}


def assert_degraded(servers: Fleet) -> None:
    for state in readiness(servers):
        assert (state["http"], state["status"], state["redis"]) == (200, "degraded", "away")


def seconds_of_hits(servers: Fleet) -> list[float]:
    """Return the durations of cache hits on each worker."""
    reads = [partial(client.hours, "users", MARK, DAY) for client in servers.clients]
    for server, read in zip(servers.instances, reads, strict=True):
        on_each_worker(server, read)
    hits = [timed(read) for read in reads * 30]
    assert all(cache_status(response).startswith("hit; ttl=") for response, _ in hits)
    return sorted(seconds for _, seconds in hits)


def assert_works_without_redis(servers: Fleet, sandbox: Sandbox, slot: str) -> None:
    """Check that each worker caches on its own, and invalidates what its own bookings changed."""
    for server, client in zip(servers.instances, servers.clients, strict=True):
        for worker in workers_of(server):
            with only_worker(server, worker):
                read = partial(client.hours, "users", JOHN, DAY)
                hour = read().json()[0]
                assert cache_status(read()).startswith("hit; ttl=")
                assert client.book("users", JOHN, hour).status_code == 201
                after = read()
                assert cache_status(after) == "fwd=miss; stored"
                assert hour not in after.json()
    assert client.get("/api/services").status_code == 200


RedisAction = Callable[[FailableRedis], None]


@pytest.mark.parametrize(
    ("break_redis", "restore_redis"),
    [
        (lambda redis: redis.signal(signal.SIGKILL), lambda redis: redis.start()),
        (
            lambda redis: redis.signal(signal.SIGSTOP),
            lambda redis: redis.signal(signal.SIGCONT),
        ),
        (lambda redis: redis.fill(), lambda redis: redis.make_room()),
    ],
    ids=["killed", "stopped", "full"],
)
def test_without_redis_requests_are_as_fast_and_redis_is_used_again_when_it_is_back(
    fleet: Fleet,
    failable_redis: FailableRedis,
    sandbox: Sandbox,
    break_redis: RedisAction,
    restore_redis: RedisAction,
) -> None:
    healthy = seconds_of_hits(fleet)
    break_redis(failable_redis)
    since = monotonic()
    first_second = concurrently(
        [partial(client.hours, "users", MARK, DAY) for client in fleet.clients_for(20)]
        + [partial(fleet.clients[0].book, "services", AUTOMATIC_SERVICE, SLOT)]
    )
    assert {response.status_code for response in first_second} == {200, 201}
    assert monotonic() - since < 2
    sleep(max(0, 1 - (monotonic() - since)))

    assert_degraded(fleet)
    unavailable = seconds_of_hits(fleet)
    assert median(unavailable) < median(healthy) + 0.05
    assert unavailable[-3] < healthy[-3] + 0.05 + NOISE_SECONDS
    assert_works_without_redis(fleet, sandbox, SLOT)

    restore_redis(failable_redis)
    wait_until(lambda: all_report(fleet, "ok"), seconds=5)
    instance, other = fleet.clients
    assert cache_status(instance.hours("users", JOHN, DAY)) == "fwd=miss; stored"
    assert cache_status(other.hours("users", JOHN, DAY)).startswith("hit; ttl=")


def test_entries_from_before_an_outage_are_not_served_after_it(
    fleet: Fleet, failable_redis: FailableRedis, sandbox: Sandbox
) -> None:
    server, client = fleet.instances[0], fleet.clients[0]
    for each in fleet.clients:
        assert SLOT in each.hours("users", JOHN, DAY).json()
    held = failable_redis.redis.keys(f"*hours:users:{JOHN}*")
    assert len(held) == 1
    failable_redis.signal(signal.SIGSTOP)
    wait_until(lambda: all_report(fleet, "away"))
    with only_worker(server, workers_of(server)[0]):
        assert client.book("users", JOHN, SLOT).status_code == 201
        failable_redis.signal(signal.SIGCONT)
        while client.get("/readyz").json()["redis"] != "ok":
            assert SLOT not in client.hours("users", JOHN, DAY).json()
        assert SLOT not in client.hours("users", JOHN, DAY).json()
    wait_until(lambda: all_report(fleet, "ok"), seconds=5)
    assert failable_redis.redis.exists(*held), (
        "Redis still has the entry, so the test is meaningful"
    )
    for each, instance in zip(fleet.clients, fleet.instances, strict=True):
        for response in on_each_worker(instance, partial(each.hours, "users", JOHN, DAY)):
            assert SLOT not in response.json()


def test_redis_may_be_down_at_startup_and_is_used_later(sandbox: Sandbox) -> None:
    late = FailableRedis()
    with run_fleet(sandbox, late.port, SETTINGS, 1) as fleet:
        sleep(1)
        assert_degraded(fleet)
        assert_works_without_redis(fleet, sandbox, SLOT)
        assert median(seconds_of_hits(fleet)) < 0.05
        late.start()
        try:
            wait_until(lambda: all_report(fleet, "ok"), seconds=5)
            (client,) = fleet.clients
            first, *others = on_each_worker(
                fleet.instances[0], partial(client.hours, "users", JOHN, DAY)
            )
            assert cache_status(first) == "fwd=miss; stored"
            assert [cache_status(other)[:9] for other in others] == ["hit; ttl="]
        finally:
            late.end()


@pytest.fixture(scope="module")
def slow_redis_fleet(
    sandbox_process: Sandbox, failable_redis: FailableRedis
) -> Iterator[tuple[DelayedForwarder, Fleet]]:
    with (
        DelayedForwarder(failable_redis.port) as forwarder,
        run_fleet(sandbox_process, forwarder.port, SETTINGS, 1) as fleet,
    ):
        yield forwarder, fleet


@SERIAL
@pytest.mark.parametrize("delay_seconds", [0.2, 0.5])
def test_a_slow_redis_delays_no_hit_after_the_first_second(
    slow_redis_fleet: tuple[DelayedForwarder, Fleet], sandbox: Sandbox, delay_seconds: float
) -> None:
    forwarder, fleet = slow_redis_fleet
    wait_until(lambda: all_report(fleet, "ok"))
    read = partial(fleet.clients[0].hours, "users", MARK, DAY)
    healthy = seconds_of_hits(fleet)
    forwarder.delay_seconds = delay_seconds
    since = monotonic()
    hits: list[tuple[float, float]] = []

    def go_on_reading() -> None:
        while (elapsed := monotonic() - since) < 2.5:
            response, seconds = timed(read)
            assert response.status_code == 200
            if cache_status(response).startswith("hit"):
                hits.append((elapsed, seconds))
            sleep(0.03)

    concurrently([go_on_reading] * 8)
    assert_degraded(fleet)
    forwarder.delay_seconds = 0
    wait_until(lambda: all_report(fleet, "ok"), seconds=5)
    allowed = median(healthy) + 0.05 + NOISE_SECONDS
    slow = [(elapsed, seconds) for elapsed, seconds in hits if elapsed > 1 and seconds > allowed]
    assert not slow, "seconds since Redis became slow, and duration of the hit"

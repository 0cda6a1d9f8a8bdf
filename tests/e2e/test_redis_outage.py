"""Redis may die: at the start, at any time, in any way, and come back (docs/guarantees.md#g6)."""

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

pytestmark = [TIMING, SERIAL]

DAY, SLOT = f"{YEAR}-05-06", f"{YEAR}-05-06T14:00:00.000Z"
SETTINGS = {"HOURS_TTL": "600"}
NOISE_SECONDS = 0.06
"""What a busy machine may add to the 50 ms that a request may pay."""


class Mortal:
    """A Redis that can be hurt and healed; always on one port."""

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
def mortal() -> Iterator[Mortal]:
    it = Mortal()
    it.start()
    yield it
    it.end()


@pytest.fixture(scope="module")
def shared_fleet(sandbox_process: Sandbox, mortal: Mortal) -> Iterator[Fleet]:
    with run_fleet(sandbox_process, mortal.port, SETTINGS) as fleet:
        yield fleet


@pytest.fixture
def fleet(shared_fleet: Fleet, mortal: Mortal, sandbox: Sandbox) -> Fleet:
    """Two instances, whose Redis is well and empty."""
    wait_until(lambda: all_say(shared_fleet, "ok"))
    mortal.redis.flushall()
    return shared_fleet


def all_say(servers: Fleet, redis: str) -> bool:
    return {known["redis"] for known in readiness(servers)} == {redis}


def assert_degraded(servers: Fleet) -> None:
    for known in readiness(servers):
        assert (known["http"], known["status"], known["redis"]) == (200, "degraded", "away")


def seconds_of_hits(servers: Fleet) -> list[float]:
    """How long hits take, of which each worker has had its miss before."""
    reads = [partial(client.hours, "users", MARK, DAY) for client in servers.clients]
    for server, read in zip(servers.instances, reads, strict=True):
        on_each_worker(server, read)
    hits = [timed(read) for read in reads * 30]
    assert all(cache_status(response).startswith("hit; ttl=") for response, _ in hits)
    return sorted(seconds for _, seconds in hits)


def assert_goes_on(servers: Fleet, sandbox: Sandbox, slot: str) -> None:
    """Each worker has its own cache, and invalidates what its own bookings have changed."""
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


Hurt = Callable[[Mortal], None]


@pytest.mark.parametrize(
    ("hurt", "heal"),
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
def test_without_redis_all_goes_on_at_no_price_and_it_is_picked_up_again(
    fleet: Fleet, mortal: Mortal, sandbox: Sandbox, hurt: Hurt, heal: Hurt
) -> None:
    well = seconds_of_hits(fleet)
    hurt(mortal)
    since = monotonic()
    first_second = concurrently(
        [partial(client.hours, "users", MARK, DAY) for client in fleet.clients_for(20)]
        + [partial(fleet.clients[0].book, "services", AUTOMATIC_SERVICE, SLOT)]
    )
    assert {response.status_code for response in first_second} == {200, 201}
    assert monotonic() - since < 2
    sleep(max(0, 1 - (monotonic() - since)))

    assert_degraded(fleet)
    ill = seconds_of_hits(fleet)
    assert median(ill) < median(well) + 0.05
    assert ill[-3] < well[-3] + 0.05 + NOISE_SECONDS
    assert_goes_on(fleet, sandbox, SLOT)

    heal(mortal)
    wait_until(lambda: all_say(fleet, "ok"), seconds=5)
    one, other = fleet.clients
    assert cache_status(one.hours("users", JOHN, DAY)) == "fwd=miss; stored"
    assert cache_status(other.hours("users", JOHN, DAY)).startswith("hit; ttl=")


def test_what_redis_held_before_its_loss_is_not_served_after_it(
    fleet: Fleet, mortal: Mortal, sandbox: Sandbox
) -> None:
    server, client = fleet.instances[0], fleet.clients[0]
    for each in fleet.clients:
        assert SLOT in each.hours("users", JOHN, DAY).json()
    held = mortal.redis.keys(f"*hours:users:{JOHN}*")
    assert len(held) == 1
    mortal.signal(signal.SIGSTOP)
    wait_until(lambda: all_say(fleet, "away"))
    with only_worker(server, workers_of(server)[0]):
        assert client.book("users", JOHN, SLOT).status_code == 201
        mortal.signal(signal.SIGCONT)
        while client.get("/readyz").json()["redis"] != "ok":
            assert SLOT not in client.hours("users", JOHN, DAY).json()
        assert SLOT not in client.hours("users", JOHN, DAY).json()
    wait_until(lambda: all_say(fleet, "ok"), seconds=5)
    assert mortal.redis.exists(*held), "Redis itself has kept it: this has shown something"
    for each, its in zip(fleet.clients, fleet.instances, strict=True):
        for response in on_each_worker(its, partial(each.hours, "users", JOHN, DAY)):
            assert SLOT not in response.json()


def test_absent_at_the_start_it_is_picked_up_when_it_comes(sandbox: Sandbox) -> None:
    late = Mortal()
    with run_fleet(sandbox, late.port, SETTINGS, 1) as one:
        sleep(1)
        assert_degraded(one)
        assert_goes_on(one, sandbox, SLOT)
        assert median(seconds_of_hits(one)) < 0.05
        late.start()
        try:
            wait_until(lambda: all_say(one, "ok"), seconds=5)
            (client,) = one.clients
            first, *others = on_each_worker(
                one.instances[0], partial(client.hours, "users", JOHN, DAY)
            )
            assert cache_status(first) == "fwd=miss; stored"
            assert [cache_status(other)[:9] for other in others] == ["hit; ttl="]
        finally:
            late.end()


@pytest.fixture(scope="module")
def slowed(sandbox_process: Sandbox, mortal: Mortal) -> Iterator[tuple[DelayedForwarder, Fleet]]:
    with (
        DelayedForwarder(mortal.port) as wire,
        run_fleet(sandbox_process, wire.port, SETTINGS, 1) as one,
    ):
        yield wire, one


@pytest.mark.parametrize("delay_seconds", [0.2, 0.5])
def test_a_slow_redis_slows_no_hit_after_the_first_second(
    slowed: tuple[DelayedForwarder, Fleet], sandbox: Sandbox, delay_seconds: float
) -> None:
    wire, one = slowed
    wait_until(lambda: all_say(one, "ok"))
    read = partial(one.clients[0].hours, "users", MARK, DAY)
    well = seconds_of_hits(one)
    wire.delay_seconds = delay_seconds
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
    assert_degraded(one)
    wire.delay_seconds = 0
    wait_until(lambda: all_say(one, "ok"), seconds=5)
    allowed = median(well) + 0.05 + NOISE_SECONDS
    slow = [(elapsed, seconds) for elapsed, seconds in hits if elapsed > 1 and seconds > allowed]
    assert not slow, "seconds since Redis became slow, and what a hit took then"

"""What the gate does when Redis is lost, and how a read fares whose place another client asked for."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cache.policy import Window
from cache.reader import Reader
from meter import Meter
from redis_link import RedisAwayError, RedisLink
from videsk.client import VideskClient
from videsk.errand import ERRAND, Errand
from videsk.errors import VideskBusyError, VideskClosedError
from videsk.gate import Gate, RedisGate
from videsk.scheduling import Scheduling, Windows
from videsk.terms import SECOND, WINDOW, Terms

SHARE = Terms(20).share(2)
ROOM = SHARE.limit - SHARE.reserve


class LostRedisGate:
    """The book of all processes, out of reach."""

    def ask(self, *_: object, **__: object) -> None:
        raise RedisAwayError

    def hold_after_loss(self, *_: object) -> None:
        """Never: it does not come back."""


def waits_of(answered_seconds_ago: float, reads: int) -> list[float]:
    """How long so many reads wait, of a process whose Redis has last answered that long ago."""
    link = SimpleNamespace(
        losses=1, lost_at=time.monotonic() - answered_seconds_ago, when_back=lambda _: None
    )
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    gate = Gate(
        SHARE,
        cast("RedisGate", LostRedisGate()),
        cast("RedisLink", link),
        Meter(),
        sleep,
    )
    slept = []
    for _ in range(reads):
        waits.clear()
        gate.enter(10, is_write=False)
        slept.append(sum(waits))
    return slept


def test_a_window_after_redis_has_last_answered_a_read_pays_nothing_for_its_loss() -> None:
    assert waits_of(WINDOW / SECOND, ROOM) == [0] * ROOM


def test_until_then_it_waits_for_what_others_may_have_sent_meanwhile() -> None:
    first, *others = waits_of(WINDOW / SECOND - 0.2, ROOM)
    assert 0.1 < first <= 0.2
    assert others == [0] * (ROOM - 1)


def test_of_one_client_s_many_who_wait_for_one_read_one_promotes_it() -> None:
    promoted = []

    class Shared(LostRedisGate):
        def promote(self, client: str, what: str) -> None:
            promoted.append((client, what))

    link = SimpleNamespace(when_back=lambda _: None)
    gate = Gate(SHARE, cast("RedisGate", Shared()), cast("RedisLink", link), Meter())
    for client in ("a", "b"):
        for what in ("x", "x", "y"):
            gate.promote(client, what)
    assert promoted == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]


class Flights:
    """A cache whose misses are led by other clients, until `led` are over; each ends in `error`."""

    def __init__(self, led: int, error: Exception) -> None:
        self.led = led
        self.error = error
        self.reads = 0

    def read(self, key: str, groups: object, window: object, fetch: Any, **_: object) -> Any:
        self.reads += 1
        if self.reads <= self.led:
            raise self.error
        return fetch(1.0)


class BusyClient:
    """Videsk's, where there is no place for any request."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, request: object, seconds: float) -> list[str]:
        self.sent += 1
        raise VideskBusyError(3)


def read_through(flights: Flights) -> BusyClient:
    client, window = BusyClient(), Window(1, 1)
    scheduling = Scheduling(
        cast("VideskClient", client), cast("Reader", flights), Windows(window, window, window)
    )
    token = ERRAND.set(Errand("id", client="198.51.100.1"))
    try:
        with pytest.raises(VideskBusyError) as raised:
            scheduling.services()
    finally:
        ERRAND.reset(token)
    assert raised.type is type(flights.error)
    return client


def test_who_is_refused_for_another_client_s_want_of_a_place_tries_for_its_own() -> None:
    assert read_through(Flights(1, VideskBusyError(3))).sent == 1


def test_who_was_refused_a_place_of_its_own_does_not_try_again() -> None:
    flights = Flights(0, VideskBusyError(3))
    assert read_through(flights).sent == 1
    assert flights.reads == 1


def test_an_open_circuit_is_everybody_s() -> None:
    assert read_through(Flights(1, VideskClosedError(3))).sent == 0

"""The throttle during outages of Redis, and reads that another client promotes."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cache.freshness import FreshnessPolicy
from cache.read_through import ReadThroughCache
from cache.tiers import CacheRequest
from common.request_context import REQUEST_CONTEXT, RequestContext
from common.resilient_redis import RedisUnavailableError
from tests.fakes import NoInstrumentation
from videsk.client import VideskClient
from videsk.errors import VideskCircuitOpenError, VideskRateLimitError
from videsk.scheduling import Scheduling
from videsk.throttle.rate_limit import SECOND, WINDOW, RateLimit
from videsk.throttle.throttle import RedisLimiter, UpstreamThrottle

SHARE = RateLimit(20).share(2)
ROOM = SHARE.limit - SHARE.reserve


class UnreachableLimiter:
    """The shared limiter during an outage. `responded_at`: the last response of its Redis."""

    def __init__(self, responded_at: float = 0.0) -> None:
        self.redis = SimpleNamespace(
            outages=1, last_response_at=responded_at, on_reconnect=lambda _: None
        )

    def acquire(self, *_: object, **__: object) -> None:
        raise RedisUnavailableError

    def pause_after_outage(self, *_: object) -> None:
        """Never called, because Redis does not come back."""


class RecordingTime:
    """Replaces the module `time`, and records how long it sleeps."""

    monotonic, monotonic_ns = staticmethod(time.monotonic), staticmethod(time.monotonic_ns)

    def __init__(self, waits: list[float]) -> None:
        self._waits = waits

    def sleep(self, seconds: float) -> None:
        self._waits.append(seconds)
        time.sleep(seconds)


def read_waits(answered_seconds_ago: float, reads: int) -> list[float]:
    """Return how long each of these reads waits in a process whose Redis last responded that long ago."""
    limiter = UnreachableLimiter(time.monotonic() - answered_seconds_ago)
    throttle = UpstreamThrottle(SHARE, cast("RedisLimiter", limiter), NoInstrumentation())
    slept = []
    for _ in range(reads):
        with pytest.MonkeyPatch.context() as patch:
            waits: list[float] = []
            patch.setattr("videsk.throttle.throttle.time", RecordingTime(waits))
            throttle.acquire(10, is_write=False)
        slept.append(sum(waits))
    return slept


def test_a_read_does_not_wait_a_window_after_the_last_response_of_redis() -> None:
    assert read_waits(WINDOW / SECOND, ROOM) == [0] * ROOM


def test_earlier_a_read_waits_for_slots_that_others_may_have_used() -> None:
    first, *others = read_waits(WINDOW / SECOND - 0.2, ROOM)
    assert 0.1 < first <= 0.2
    assert others == [0] * (ROOM - 1)


def test_one_of_a_clients_waiters_promotes_the_read() -> None:
    promoted = []

    class SharedLimiter(UnreachableLimiter):
        def promote(self, client: str, what: str) -> None:
            promoted.append((client, what))

    throttle = UpstreamThrottle(SHARE, cast("RedisLimiter", SharedLimiter()), NoInstrumentation())
    for client in ("a", "b"):
        for what in ("x", "x", "y"):
            throttle.promote(client, what)
    assert promoted == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]


class SingleFlight:
    """A cache whose first `led` misses are fetched by other clients, and fail with `error`."""

    def __init__(self, led: int, error: Exception) -> None:
        self.led = led
        self.error = error
        self.reads = 0

    def read(self, request: CacheRequest, seconds: float) -> Any:
        self.reads += 1
        if self.reads <= self.led:
            raise self.error
        return request.fetch(1.0)


class BusyClient:
    """A client of Videsk without a slot for any request."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, request: object, seconds: float) -> list[str]:
        self.sent += 1
        raise VideskRateLimitError(3)


def read_through(flights: SingleFlight) -> BusyClient:
    client, policy = BusyClient(), FreshnessPolicy(1, 1)
    scheduling = Scheduling(
        cast("VideskClient", client),
        cast("ReadThroughCache", flights),
        {"services": policy},
    )
    token = REQUEST_CONTEXT.set(RequestContext("id", client="198.51.100.1"))
    try:
        with pytest.raises(VideskRateLimitError) as raised:
            scheduling.services()
    finally:
        REQUEST_CONTEXT.reset(token)
    assert raised.type is type(flights.error)
    return client


def test_a_follower_of_a_rejected_client_retries_in_its_own_queue() -> None:
    assert read_through(SingleFlight(1, VideskRateLimitError(3))).sent == 1


def test_a_client_rejected_in_its_own_queue_does_not_retry() -> None:
    flights = SingleFlight(0, VideskRateLimitError(3))
    assert read_through(flights).sent == 1
    assert flights.reads == 1


def test_an_open_circuit_applies_to_all_processes() -> None:
    assert read_through(SingleFlight(1, VideskCircuitOpenError(3))).sent == 0

"""Fixtures for two processes that share a Redis. Each has its own SharedSingleFlight."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from redis import Redis

from cache.shared_single_flight import FlightKey, SharedSingleFlight
from common.resilient_redis import ResilientRedis
from tests.fakes import PlainFetch, Recheck
from tests.processes import ServerProcess
from videsk.errors import VideskErrors


@dataclass
class Process:
    """A process that shares a Redis with others. Its fetches wait for `may_end`."""

    single_flight: SharedSingleFlight
    calls: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)

    def do(
        self, flight: FlightKey, recheck: Recheck, fetch: Callable[[], bytes], seconds: float
    ) -> tuple[bytes, bool]:
        """Return the entry, and whether another process fetched it."""
        result = self.single_flight.do(flight, PlainFetch(recheck, fetch), seconds)
        return result.entry, result.collapsed

    def refresh(self, flight: FlightKey, recheck: Recheck, fetch: Callable[[], bytes]) -> None:
        self.single_flight.refresh(flight, PlainFetch(recheck, fetch))

    def fetch(self, outcome: bytes | Exception = b"value") -> bytes:
        self.calls += 1
        self.begun.set()
        assert self.may_end.wait(10)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture(scope="module")
def redis_clients(redis_process: ServerProcess) -> list[ResilientRedis]:
    return [ResilientRedis(redis_process.redis_url, verify_tls=True) for _ in range(2)]


@pytest.fixture
def processes(redis: Redis, redis_clients: list[ResilientRedis]) -> tuple[Process, Process]:
    a, b = (
        Process(SharedSingleFlight(resilient_redis, "tests:", VideskErrors()))
        for resilient_redis in redis_clients
    )
    return a, b


@pytest.fixture
def flight() -> FlightKey:
    return FlightKey(secrets.token_hex(4), b"stamp.stamp")


def never_stored(stored: bytes | None) -> bytes | None:
    return None


def return_stored(stored: bytes | None) -> bytes | None:
    return stored


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)

"""Fixtures for two processes that share a Redis. Each has its own SharedSingleFlight."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from redis import Redis

from cache.read_through import FAR_FUTURE
from cache.shared_single_flight import LeaderDiedError, Lookup, SharedSingleFlight
from cache.store import Store
from common.resilient_redis import ResilientRedis
from tests.processes import ServerProcess
from videsk.errors import VideskErrors

GROUPS = ("user:a",)


@dataclass
class Process:
    """A process that shares a Redis with others. Its fetches wait for `may_end`."""

    single_flight: SharedSingleFlight
    calls: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)

    def look_up(self, key: str, dead_leader: bytes = b"", *, is_refresh: bool = False) -> Lookup:
        """Find no entry, however fresh."""
        return self.single_flight.look_up(
            key, GROUPS, FAR_FUTURE, dead_leader, is_refresh=is_refresh
        )

    def read(
        self, key: str, fetch: Callable[[], bytes] | None = None, seconds: float = 5
    ) -> tuple[bytes, bool]:
        """Return the value, and whether another process fetched it."""
        lookup = self.look_up(key)
        while not lookup.is_elected:
            try:
                return self.single_flight.follow(lookup.leader, seconds), True
            except LeaderDiedError:
                lookup = self.look_up(key, lookup.leader)
        return self.lead(key, lookup, fetch)[0], False

    def refresh(self, key: str, fetch: Callable[[], bytes] | None = None) -> None:
        lookup = self.look_up(key, is_refresh=True)
        if lookup.is_elected:
            self.lead(key, lookup, fetch, is_refresh=True)

    def lead(
        self,
        key: str,
        lookup: Lookup,
        fetch: Callable[[], bytes] | None = None,
        *,
        is_refresh: bool = False,
    ) -> tuple[bytes, bool]:
        """Return the value, and whether it was stored."""

        def put(store: Store, entry: bytes) -> None:
            store.put(key, GROUPS, entry, 60)

        return self.single_flight.lead(
            key, lookup.leader, fetch or self.fetch, put, is_refresh=is_refresh
        )

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
def key() -> str:
    return secrets.token_hex(4)


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)

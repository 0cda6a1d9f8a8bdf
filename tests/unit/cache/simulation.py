"""Runs the real ReadThroughCache and Scheduling one step at a time, in simulated processes.

The processes share a store, and a fake Videsk counts changes. Each waits at every step until it is
resumed, so that any interleaving can be tried and repeated.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

from redis import ConnectionError as RedisConnectionError

from cache.freshness import FreshnessPolicy
from cache.near_cache import NearCache
from cache.read_through import CachedResult, ReadThroughCache
from cache.shared_single_flight import Lookup
from cache.single_flight import SingleFlight
from cache.store import ALL_ENTRIES, Store, process_store
from cache.tiers import SharedCache
from common.resilient_redis import RedisUnavailableError
from tests.fakes import NoInstrumentation
from tests.unit.cache.setup import AFTER_VIDESK, BEFORE_VIDESK, StepScheduler
from videsk.errors import VideskResponseError, VideskTimeoutError, VideskUnreachableError
from videsk.resources import ResourceKind
from videsk.scheduling import Scheduling
from videsk.transport import Request

T = TypeVar("T")


class FakeRedis:
    """A Redis whose commands are steps. While it is `down`, every command fails."""

    def __init__(self, scheduler: StepScheduler) -> None:
        self.items: dict[str, bytes] = {}
        self.down = False
        self._scheduler = scheduler

    def _step(self) -> None:
        self._scheduler.step()
        if self.down:
            raise RedisConnectionError

    def get_many(self, *keys: str) -> list[bytes | None]:
        self._step()
        return [self.items.get(key) for key in keys]

    def set(self, key: str, value: bytes, timeout: int | None = None) -> None:
        self._step()
        self.items[key] = value

    def set_many(self, mapping: dict[str, Any], timeout: int | None = None) -> None:
        for key, value in mapping.items():
            self.set(key, value)

    def lookup(self, key: str, token_seconds: dict[str, int]) -> list[bytes | None]:
        self._step()
        for name in token_seconds:
            self.items.setdefault(name, secrets.token_hex(8).encode())
        return [self.items.get(name) for name in (key, *token_seconds)]

    def extend_ttl(self, key: str, seconds: int) -> None:
        """Nothing expires here; the simulation decides when data is lost."""

    def clear(self) -> None:
        raise AssertionError("no process may clear the shared store")


class FakeResilientRedis:
    """A ResilientRedis without health checks: it raises during an outage, and counts outages."""

    def __init__(self) -> None:
        self.unavailable = False
        self.outages = 0

    def lose(self) -> None:
        self.outages += not self.unavailable
        self.unavailable = True

    def call(self, action: Callable[[], T]) -> T:
        if self.unavailable:
            raise RedisUnavailableError
        try:
            return action()
        except RedisConnectionError as error:
            self.lose()
            raise RedisUnavailableError from error


class SteppedSingleFlight(SingleFlight[Any]):
    """A SingleFlight whose followers wait in steps."""

    def __init__(self, scheduler: StepScheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def do(self, name: Hashable, lead: Callable[[], Any], seconds: float) -> tuple[Any, bool]:
        flight = self._in_progress.get(name)
        while flight and not flight.done():
            self._scheduler.step()
        return (flight.result(), True) if flight else super().do(name, lead, seconds)


class FakeSharedSingleFlight:
    """A SharedSingleFlight with the documented behavior. Its leaders do not die."""

    def __init__(self, scheduler: StepScheduler, redis: FakeRedis) -> None:
        self._scheduler = scheduler
        self._redis = redis
        self._leaders: dict[str, tuple[bytes, bytes]] = {}
        self._outcomes: dict[bytes, bytes | Exception] = {}

    def for_process(self, resilient_redis: FakeResilientRedis) -> Any:
        methods = {
            name: partial(getattr(self, name), resilient_redis)
            for name in ("look_up", "lead", "follow")
        }
        return SimpleNamespace(**methods)

    def look_up(
        self,
        resilient_redis: FakeResilientRedis,
        key: str,
        groups: Sequence[str],
        requested_after: float,
        dead_leader: bytes,
        *,
        is_refresh: bool,
    ) -> Lookup:
        assert not dead_leader
        entry, stamp = resilient_redis.call(lambda: Store(self._redis).lookup(key, groups))
        if entry and entry.requested_at > requested_after:
            return Lookup(entry, stamp)
        leader, fetches_under = self._leaders.get(key, (b"", b""))
        if fetches_under == stamp:
            return Lookup(None, stamp, leader)
        candidate = secrets.token_hex(8).encode()
        self._leaders[key] = candidate, stamp
        return Lookup(None, stamp, candidate, is_elected=True)

    def lead(
        self,
        resilient_redis: FakeResilientRedis,
        key: str,
        leader: bytes,
        fetch: Callable[[], bytes],
        put: Callable[[Store, bytes], None],
        *,
        is_refresh: bool,
    ) -> tuple[bytes, bool]:
        try:
            entry = fetch()
            try:
                resilient_redis.call(lambda: put(Store(self._redis), entry))
            except RedisUnavailableError:
                is_stored = False
            else:
                is_stored = True
        except Exception as error:
            self._end(key, leader, error)
            raise
        self._end(key, leader, entry)
        return entry, is_stored

    def _end(self, key: str, leader: bytes, outcome: bytes | Exception) -> None:
        self._outcomes[leader] = outcome
        if key in self._leaders and self._leaders[key][0] == leader:
            del self._leaders[key]

    def follow(self, resilient_redis: FakeResilientRedis, leader: bytes, seconds: float) -> bytes:
        while leader not in self._outcomes:
            self._scheduler.step()
        outcome = self._outcomes[leader]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Videsk:
    """A Videsk whose availability is the number of changes of each agent's hours.

    `users_of`: the agents of each service. `listed`: the services that are listed with users.
    """

    def __init__(
        self, scheduler: StepScheduler, users_of: dict[str, list[str]], listed: set[str]
    ) -> None:
        self.users_of = users_of
        self.changes: Counter[str] = Counter()
        self.down = False
        self._scheduler = scheduler
        self._listed = listed

    def send(self, request: Request, seconds: float) -> Any:
        self._scheduler.step(BEFORE_VIDESK)
        try:
            return self._write(request.body) if request.body else self._parse(request.path)
        finally:
            self._scheduler.step(AFTER_VIDESK)

    def _parse(self, path: str) -> Any:
        if self.down:
            raise VideskUnreachableError
        if path == "/services":
            return [
                {"_id": ident, "title": title_of(ident)}
                | ({"users": [{"_id": user} for user in users]} if ident in self._listed else {})
                for ident, users in self.users_of.items()
            ]
        _, kind, ident, read = path.split("/")
        assert read == "hours"
        users = self.users_of[ident] if kind == "services" else [ident]
        return [[user, self.changes[user]] for user in users]

    def _write(self, body: Any) -> Any:
        """Write as `outcome` requires. A 409 means that the hour was already taken.

        The agent's `change` is added to the body.
        """
        outcome = body["outcome"]
        if outcome not in {400, "unreachable", "lost"}:
            self.changes[body["agent"]] += 1
            body["change"] = self.changes[body["agent"]]
        if isinstance(outcome, int) and outcome != 201:
            raise VideskResponseError(outcome, b"{}", "application/json", {})
        if outcome == "unreachable":
            raise VideskUnreachableError
        if outcome in {"lost", "answer lost"}:
            raise VideskTimeoutError(outcome_unknown=True)
        return {"service": body["title"]} if body["title"] else {}


def title_of(service: str) -> str:
    """Return a title. S1 and S2 have the same one."""
    return "T" if service in {"S1", "S2"} else f"Title of {service}"


class Process:
    """A worker: the real ReadThroughCache and Scheduling on the shared store."""

    def __init__(
        self,
        scheduler: StepScheduler,
        redis: FakeRedis,
        flights: FakeSharedSingleFlight,
        videsk: Videsk,
    ) -> None:
        self.resilient_redis = FakeResilientRedis()
        self.store = Store(redis)
        resilient_redis: Any = self.resilient_redis
        client: Any = videsk
        shared = SharedCache(resilient_redis, self.store, flights.for_process(self.resilient_redis))
        self.near_cache: NearCache[CachedResult] = NearCache(
            shared.current_version, clock=lambda: scheduler.clock
        )
        self.read_through = ReadThroughCache(
            shared, process_store(), self.near_cache, NoInstrumentation(), lambda: scheduler.clock
        )
        self.read_through._flights = SteppedSingleFlight(scheduler)
        policy = FreshnessPolicy(10, 1000)
        policies = dict.fromkeys(("services", "dates", "hours"), policy)
        self.scheduling = Scheduling(client, self.read_through, policies)
        self._redis = redis
        self._scheduler = scheduler

    def hours(self, kind: ResourceKind, ident: str, day: Any) -> CachedResult:
        """Read as web/fast_path.py does: from the near cache, or through the app, storing fresh results."""
        key = kind, ident
        item = self.near_cache.get(key)
        if item:
            return replace(item, cache_status="near")
        version = self.near_cache.version
        result = self.scheduling.hours(kind, ident, day, "now")
        if result.fresh_until > self._scheduler.clock:
            self.near_cache.put(key, result, result.fresh_until, version, 1)
        return result

    def reconnect(self) -> None:
        """Invalidate all entries and use Redis again, in one step."""
        Store(_Unstepped(self._redis)).invalidate([ALL_ENTRIES])
        self.resilient_redis.unavailable = False


class _Unstepped(FakeRedis):
    def __init__(self, redis: FakeRedis) -> None:
        self.items = redis.items
        self.down = False

    def _step(self) -> None:
        pass

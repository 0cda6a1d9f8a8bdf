"""Runs the real ReadThroughCache and Scheduling one step at a time, in simulated processes.

The processes share a store, and a fake Videsk counts changes. Each waits at every step until it is
resumed, so that any interleaving can be tried and repeated.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from redis import ConnectionError as RedisConnectionError

from cache.freshness import FreshnessPolicy
from cache.near_cache import NearCache
from cache.read_through import CachedResult, ReadThroughCache, SharedCache
from cache.shared_single_flight import Fetch, FlightKey, FlightResult
from cache.single_flight import SingleFlight
from cache.store import ALL_ENTRIES, Store, process_store
from common.resilient_redis import RedisUnavailableError
from tests.fakes import NoInstrumentation
from tests.unit.cache.setup import DONE, ON_ITS_WAY, Stage
from videsk.errors import VideskResponseError, VideskTimeoutError, VideskUnreachableError
from videsk.resources import ResourceKind
from videsk.scheduling import FreshnessPolicies, Scheduling
from videsk.transport import Request

T = TypeVar("T")


class Memory:
    """What a Redis holds, each command a step. Of a Redis that is down, every command fails."""

    def __init__(self, stage: Stage) -> None:
        self.items: dict[str, bytes] = {}
        self.down = False
        self._stage = stage

    def _arrive(self) -> None:
        self._stage.step()
        if self.down:
            raise RedisConnectionError

    def get_many(self, *keys: str) -> list[bytes | None]:
        self._arrive()
        return [self.items.get(key) for key in keys]

    def set(self, key: str, value: bytes, timeout: int | None = None) -> None:
        self._arrive()
        self.items[key] = value

    def set_many(self, mapping: dict[str, Any], timeout: int | None = None) -> None:
        for key, value in mapping.items():
            self.set(key, value)

    def add(self, key: str, value: bytes, timeout: int | None = None) -> None:
        self._arrive()
        self.items.setdefault(key, value)

    def add_tokens(self, seconds: dict[str, int], keys: Sequence[str]) -> list[bytes | None]:
        for key in seconds:
            self.add(key, secrets.token_bytes(8).hex().encode())
        return self.get_many(*keys)

    def extend_ttl(self, key: str, seconds: int) -> None:
        """Nothing expires here; the simulation decides when data is lost."""

    def clear(self) -> None:
        raise AssertionError("nothing empties what all share")


class Link:
    """ResilientRedis's two laws, without a watch."""

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


class SteppedFlights(SingleFlight[Any]):
    """Followers wait in steps."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def do(self, name: Hashable, lead: Callable[[], Any], seconds: float) -> tuple[Any, bool]:
        flight = self._in_progress.get(name)
        while flight and not flight.done():
            self._stage.step()
        return (flight.result(), True) if flight else super().do(name, lead, seconds)


class FlightsOfAll:
    """SharedSingleFlight, as documented."""

    def __init__(self, stage: Stage, memory: Memory) -> None:
        self._flights = SteppedFlights(stage)
        self._stage = stage
        self._memory = memory

    def of(self, link: Link) -> Any:
        return type("SingleFlight", (), {"do": self._fly(link), "refresh": self._refresh(link)})

    def _fly(self, link: Link) -> Any:
        store = Store(self._memory)

        def lead(fetch: Fetch) -> tuple[bytes, bool]:
            entry = fetch.fetch()
            try:
                link.call(lambda: fetch.put(store, entry))
            except RedisUnavailableError:
                return entry, False
            return entry, True

        def do(flight: FlightKey, fetch: Fetch, seconds: float) -> FlightResult:
            held = link.call(lambda: self._memory.get_many(flight.key))[0]
            found = fetch.recheck(held)
            if found:
                return FlightResult(found, collapsed=True, stored=False)
            (entry, stored), joined = self._flights.do(flight, lambda: lead(fetch), seconds)
            return FlightResult(entry, joined, stored and not joined)

        return do

    def _refresh(self, link: Link) -> Any:
        do = self._fly(link)

        def refresh(flight: FlightKey, fetch: Fetch) -> None:
            if not self._flights.in_progress(flight):
                do(flight, fetch, 25)

        return refresh


class Videsk:
    """Who serves what, and how often each agent's hours have changed: that is their availability.

    `listed` are the services whose users its list shows.
    """

    def __init__(self, stage: Stage, users_of: dict[str, list[str]], listed: set[str]) -> None:
        self.users_of = users_of
        self.changes: Counter[str] = Counter()
        self.down = False
        self._stage = stage
        self._listed = listed

    def send(self, request: Request, seconds: float) -> Any:
        self._stage.step(ON_ITS_WAY)
        try:
            return self._write(request.body) if request.body else self._parse(request.path)
        finally:
            self._stage.step(DONE)

    def _parse(self, path: str) -> Any:
        if self.down:
            raise VideskUnreachableError
        if path == "/services":
            return [
                {"_id": ident, "title": title_of(ident)}
                | ({"users": [{"_id": user} for user in users]} if ident in self._listed else {})
                for ident, users in self.users_of.items()
            ]
        _, kind, ident, what = path.split("/")
        assert what == "hours"
        users = self.users_of[ident] if kind == "services" else [ident]
        return [[user, self.changes[user]] for user in users]

    def _write(self, body: Any) -> Any:
        """Write as `fate` requires; a 409 means that the hour was taken before.

        The agent's `change` is added to the body.
        """
        fate = body["fate"]
        if fate not in {400, "unreachable", "lost"}:
            self.changes[body["agent"]] += 1
            body["change"] = self.changes[body["agent"]]
        if isinstance(fate, int) and fate != 201:
            raise VideskResponseError(fate, b"{}", "application/json", {})
        if fate == "unreachable":
            raise VideskUnreachableError
        if fate in {"lost", "answer lost"}:
            raise VideskTimeoutError(outcome_unknown=True)
        return {"service": body["title"]} if body["title"] else {}


def title_of(service: str) -> str:
    """S1 and S2 have one title."""
    return "T" if service in {"S1", "S2"} else f"Title of {service}"


class Process:
    """A worker: the real Reader and Scheduling, in front of what all share."""

    def __init__(self, stage: Stage, memory: Memory, flights: FlightsOfAll, videsk: Videsk) -> None:
        self.link = Link()
        self.store = Store(memory)
        link: Any = self.link
        client: Any = videsk
        shared = SharedCache(link, self.store, flights.of(self.link))
        self.near_cache: NearCache[CachedResult] = NearCache(
            shared.current_version, clock=lambda: stage.clock
        )
        self.reader = ReadThroughCache(
            shared, process_store(), self.near_cache, NoInstrumentation(), lambda: stage.clock
        )
        self.reader._flights = SteppedFlights(stage)
        policy = FreshnessPolicy(10, 1000)
        self.scheduling = Scheduling(client, self.reader, FreshnessPolicies(policy, policy, policy))
        self._memory = memory
        self._stage = stage

    def hours(self, kind: ResourceKind, ident: str, day: Any) -> CachedResult:
        """As web/fast_path.py does it: near, else the long way, whose fresh answers are kept."""
        key = kind, ident
        item = self.near_cache.get(key)
        if item:
            return replace(item, cache_status="near")
        version = self.near_cache.version
        reading = self.scheduling.hours(kind, ident, day, "now")
        if reading.fresh_until > self._stage.clock:
            self.near_cache.put(key, reading, reading.fresh_until, version, 1)
        return reading

    def come_back(self) -> None:
        """What is done before Redis is trusted, and the trust: in one."""
        Store(_AtOnce(self._memory)).invalidate([ALL_ENTRIES])
        self.link.unavailable = False


class _AtOnce(Memory):
    def __init__(self, memory: Memory) -> None:
        self.items = memory.items
        self.down = False

    def _arrive(self) -> None:
        pass

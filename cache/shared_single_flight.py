"""Single flight across all processes that share a Redis, with a leader and followers.

The leaders of the processes (single_flight.py) elect one of them by a lease in Redis. The others,
its followers, wait for its outcome (outcome_poller.py). The lease's key names the flight, so that
errors, and responses that are not cacheable, reach the followers too.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

from cache.outcome_poller import OutcomePoller
from cache.store import Store, redis_store
from common.lease import renewed
from common.resilient_redis import RedisUnavailableError, ResilientRedis

LEASE_MILLISECONDS = 4800
"""A dead leader delays its followers by at most 5 s, their longest pause between polls included."""

RENEW_SECONDS = 1.5
"""Three renewals before the lease would expire."""

OUTCOME_MILLISECONDS = 10_000
"""How long the followers may fetch an outcome."""

PAUSE_MILLISECONDS = 1000
"""After a refresh that failed, until any process tries again."""

_DONE, _FAILED = b"+", b"-"

_ELECT = """
local leader = redis.call('GET', KEYS[1])
if not leader then
    if ARGV[3] == '1' and redis.call('EXISTS', KEYS[2]) == 1 then return {'', false} end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    leader = ARGV[1]
end
return {leader, redis.call('GET', KEYS[3])}
"""

_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""

_END = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
if ARGV[4] == '1' then redis.call('SET', KEYS[3], '1', 'PX', ARGV[5]) end
"""


class ErrorCodec(Protocol):
    """Serializes the error of a leader's fetch for its followers."""

    def dumps(self, error: Exception) -> bytes: ...
    def loads(self, data: bytes) -> Exception: ...


@dataclass(frozen=True)
class FlightKey:
    """A fetch of the entry `key` under the stamp of its generations."""

    key: str
    stamp: bytes


class Fetch(Protocol):
    """How to get an entry, and what the store needs before and after that."""

    def recheck(self, stored: bytes | None) -> bytes | None:
        """Return what the store holds at the election, if it can be used without a fetch."""

    def prepare(self, store: Store) -> None: ...
    def fetch(self) -> bytes: ...
    def put(self, store: Store, entry: bytes) -> None: ...


class FlightResult(NamedTuple):
    """An entry, whether another caller's fetch got it, and whether this caller stored it."""

    entry: bytes
    collapsed: bool
    stored: bool


class SharedSingleFlight:
    """Every method raises RedisUnavailableError before a fetch, never after it."""

    def __init__(self, redis: ResilientRedis, prefix: str, errors: ErrorCodec) -> None:
        self._redis = redis
        self._prefix = prefix
        self._errors = errors
        self._poller = OutcomePoller(redis)
        self._renew_script = redis.client.register_script(_RENEW)

    def do(
        self,
        flight: FlightKey,
        fetch: Fetch,
        seconds: float,
    ) -> FlightResult:
        """Return what the one fetch of all processes returned.

        Two processes miss together: 1. A is elected. 2. B finds A's lease and waits for its
        outcome. 3. A stores its entry, publishes the outcome and ends its lease. Had B read the
        store before 3 and been elected after it, B would fetch again: so the election returns what
        the store holds by then.

        Raises what the fetch raised, in every process; SingleFlightTimeoutError after `seconds`.
        """
        end = time.monotonic() + seconds
        while True:
            leader, is_elected, held = self._elect(flight, fetch, is_refresh=False)
            found = fetch.recheck(held)
            if found:
                if is_elected:
                    self._end(flight, leader, _DONE + found)
                return FlightResult(found, collapsed=True, stored=False)
            if is_elected:
                entry, stored = self._lead(flight, leader, fetch)
                return FlightResult(entry, collapsed=False, stored=stored)
            outcome_key, lease_key = self._outcome_key(leader), self._lease_key(flight)
            left = end - time.monotonic()
            outcome = self._poller.wait_for(outcome_key, lease_key, leader, left)
            if outcome and outcome.startswith(_DONE):
                return FlightResult(outcome[1:], collapsed=True, stored=False)
            if outcome:  # else the leader is dead
                raise self._errors.loads(outcome[1:])

    def refresh(self, flight: FlightKey, fetch: Fetch) -> None:
        """Fetch unless another process is refreshing, has refreshed, or failed a moment ago."""
        leader, is_elected, held = self._elect(flight, fetch, is_refresh=True)
        if not is_elected:
            return
        found = fetch.recheck(held)
        if found:
            self._end(flight, leader, _DONE + found)
        else:
            self._lead(flight, leader, fetch, is_refresh=True)

    def _elect(
        self, flight: FlightKey, fetch: Fetch, *, is_refresh: bool
    ) -> tuple[bytes, bool, bytes | None]:
        """Return the leader (empty: none), whether it is this caller, and the stored entry."""
        candidate = secrets.token_hex(8).encode()
        keys = [self._lease_key(flight), self._pause_key(flight), self._prefix + flight.key]

        def elect(pipe: Any, store: Store) -> None:
            fetch.prepare(store)
            pipe.eval(_ELECT, len(keys), *keys, candidate, LEASE_MILLISECONDS, int(is_refresh))

        leader, stored = self._run(elect)
        return leader, leader == candidate, stored

    def _lead(
        self, flight: FlightKey, leader: bytes, fetch: Fetch, *, is_refresh: bool = False
    ) -> tuple[bytes, bool]:
        """Return the fetched entry, and whether it was stored."""
        keys = [self._lease_key(flight)]
        args: list[bytes | int] = [leader, LEASE_MILLISECONDS]
        try:
            with renewed(
                lambda: self._redis.call(lambda: self._renew_script(keys, args)), RENEW_SECONDS
            ):
                entry = fetch.fetch()
        except Exception as error:
            self._end(flight, leader, _FAILED + self._errors.dumps(error), pause=is_refresh)
            raise
        put = partial(fetch.put, entry=entry)
        return entry, self._end(flight, leader, _DONE + entry, put)

    def _end(
        self,
        flight: FlightKey,
        leader: bytes,
        outcome: bytes,
        put: Callable[[Store], None] = lambda _: None,
        *,
        pause: bool = False,
    ) -> bool:
        """Store and publish the outcome and end the lease, and return whether Redis did that.

        If it did not, the followers get that error too.
        """
        keys = [self._lease_key(flight), self._outcome_key(leader), self._pause_key(flight)]

        def end(pipe: Any, store: Store) -> None:
            put(store)
            args = [leader, outcome, OUTCOME_MILLISECONDS, int(pause), PAUSE_MILLISECONDS]
            pipe.eval(_END, len(keys), *keys, *args)

        try:
            self._run(end)
        except RedisUnavailableError:
            return False
        return True

    def _run(self, add_commands: Callable[[Any, Store], None]) -> Any:
        """Send commands, also those of a store, in one round trip. Return the last one's result."""

        def run() -> Any:
            with self._redis.client.pipeline(transaction=False) as pipe:
                add_commands(pipe, redis_store(pipe, self._prefix))
                return pipe.execute()[-1]

        return self._redis.call(run)

    def _lease_key(self, flight: FlightKey) -> str:
        return f"{self._prefix}flight:{flight.key}:{flight.stamp.decode()}"

    def _pause_key(self, flight: FlightKey) -> str:
        return f"{self._prefix}pause:{flight.key}"

    def _outcome_key(self, leader: bytes) -> str:
        return f"{self._prefix}outcome:{leader.decode()}"

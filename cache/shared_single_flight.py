"""Single flight over all processes that share a Redis.

The leaders of the processes (single_flight.py) agree on one of them; the others wait for its
outcome (outcome_poller.py). The lock names its flight, so that errors, and
answers that are not remembered, reach the others too.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import gevent
from redis import Redis

from cache.outcome_poller import OutcomePoller
from common.resilient_redis import RedisUnavailableError, ResilientRedis

LOCK_MILLISECONDS = 4800
"""A dead leader delays the others by at most 5 s, their pause between two polls included."""

RENEW_SECONDS = 1.5
"""How often a living leader says so: three times before its lock would go."""

OUTCOME_MILLISECONDS = 10_000
"""How long the others may pick an outcome up."""

PAUSE_MILLISECONDS = 1000
"""A refresh that failed is not tried again for so long, by nobody."""

_DONE, _FAILED = b"+", b"-"

_TAKE = """
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
    """How the error of one process's fetch reaches those who wait for it in another."""

    def dumps(self, error: Exception) -> bytes: ...
    def loads(self, data: bytes) -> Exception: ...


@dataclass(frozen=True)
class FlightKey:
    """A fetch that may be under way somewhere: of `key`, under the stamp of its generations."""

    key: str
    stamp: bytes


class SharedSingleFlight:
    """Every method raises RedisUnavailableError before a fetch, never after it."""

    def __init__(self, redis: ResilientRedis, prefix: str, errors: ErrorCodec) -> None:
        self._redis = redis
        self._client: Redis = redis.client
        self._prefix = prefix
        self._errors = errors
        self._poller = OutcomePoller(redis)
        self._take_script = self._client.register_script(_TAKE)
        self._renew_script = self._client.register_script(_RENEW)
        self._end_script = self._client.register_script(_END)

    def do(
        self,
        flight: FlightKey,
        recheck: Callable[[bytes | None], bytes | None],
        fetch: Callable[[], bytes],
        seconds: float,
    ) -> tuple[bytes, bool]:
        """What the one `fetch` of all processes returned, and whether it is another's.

        Two processes miss at once: 1. A takes the lead. 2. B asks for it and waits for A's outcome.
        3. A stores its entry, leaves the outcome and gives up the lead. Had B looked into the store
        before 3 and asked for the lead after it, B would lead in vain: so whoever asks for the lead
        is shown what the store holds by then.

        Raises what the fetch raised, in every process; SingleFlightTimeoutError after `seconds`.
        """
        end = time.monotonic() + seconds
        while True:
            leader, ours, stored = self._take(flight, refresh=False)
            found = recheck(stored)
            if found:
                if ours:
                    self._end(flight, leader, _DONE + found)
                return found, True
            if ours:
                return self._lead(flight, leader, fetch), False
            left = end - time.monotonic()
            outcome = self._poller.wait_for(
                self._outcome(leader), self._lock(flight), leader, left
            )  # None: the leader is dead
            if outcome:
                return self._parse(outcome), True

    def refresh(
        self,
        flight: FlightKey,
        recheck: Callable[[bytes | None], bytes | None],
        fetch: Callable[[], bytes],
    ) -> None:
        """Fetch behind the scenes, unless another process does or did, or has just failed to."""
        leader, ours, stored = self._take(flight, refresh=True)
        if not ours:
            return
        found = recheck(stored)
        if found:
            self._end(flight, leader, _DONE + found)
        else:
            self._lead(flight, leader, fetch, is_refresh=True)

    def _take(self, flight: FlightKey, *, refresh: bool) -> tuple[bytes, bool, bytes | None]:
        """Who leads (nobody: empty), whether that is us, and what the store holds by now."""
        us = secrets.token_hex(8).encode()
        keys = [self._lock(flight), self._pause(flight), self._prefix + flight.key]
        leader, stored = self._redis.call(
            lambda: self._take_script(keys, [us, LOCK_MILLISECONDS, int(refresh)])
        )
        return leader, leader == us, stored

    def _lead(
        self,
        flight: FlightKey,
        leader: bytes,
        fetch: Callable[[], bytes],
        *,
        is_refresh: bool = False,
    ) -> bytes:
        renewing = gevent.spawn_later(RENEW_SECONDS, self._renew, flight, leader)
        try:
            body = fetch()
        except Exception as error:
            self._end(flight, leader, _FAILED + self._errors.dumps(error), pause=is_refresh)
            raise
        finally:
            renewing.kill(block=False)
        self._end(flight, leader, _DONE + body)
        return body

    def _renew(self, flight: FlightKey, leader: bytes) -> None:
        keys = [self._lock(flight)]
        try:
            while True:
                self._redis.call(lambda: self._renew_script(keys, [leader, LOCK_MILLISECONDS]))
                gevent.sleep(RENEW_SECONDS)
        except RedisUnavailableError:
            return  # those who wait notice it by themselves

    def _end(
        self, flight: FlightKey, leader: bytes, outcome: bytes, *, pause: bool = False
    ) -> None:
        keys = [self._lock(flight), self._outcome(leader), self._pause(flight)]
        times = OUTCOME_MILLISECONDS, int(pause), PAUSE_MILLISECONDS
        try:
            self._redis.call(lambda: self._end_script(keys, [leader, outcome, *times]))
        except RedisUnavailableError:
            return  # those who wait notice it by themselves

    def _parse(self, outcome: bytes) -> bytes:
        if outcome.startswith(_DONE):
            return outcome[1:]
        raise self._errors.loads(outcome[1:])

    def _lock(self, flight: FlightKey) -> str:
        return f"{self._prefix}flight:{flight.key}:{flight.stamp.decode()}"

    def _pause(self, flight: FlightKey) -> str:
        return f"{self._prefix}pause:{flight.key}"

    def _outcome(self, leader: bytes) -> str:
        return f"{self._prefix}outcome:{leader.decode()}"

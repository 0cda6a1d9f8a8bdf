"""The throttle in front of Videsk: rate limit, fair queue and circuit breaker.

For all processes in Redis, by two small scripts on Redis's clock; while Redis is away, by this
process's share. A request that has to wait sleeps for the time it is given, or until its next
heartbeat.
"""

import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cachetools import TTLCache
from redis import Redis

from common.instrumentation import Instrumentation
from common.request_context import current_client
from common.resilient_redis import LocalFallback, ResilientRedis
from videsk.errors import VideskCircuitOpenError, VideskRateLimitError
from videsk.throttle.rate_limit import (
    FAILURES_TO_OPEN,
    GRACE,
    HEARTBEAT,
    SECOND,
    TRIAL,
    TURNS,
    Admission,
    Decision,
    LimiterState,
    RateLimit,
    Ticket,
)

log = logging.getLogger("videsk_proxy.throttle")

T = TypeVar("T")

PROMOTE_SECONDS = 1.0
"""Of those of one client who wait for one read, one in so many seconds promotes it."""

MAX_PROMOTIONS = 1000

MAX_WAIT_SECONDS = 10
"""How long a request waits for a slot, before a 503 with Retry-After."""

_HERE = Path(__file__).parent


class RedisLimiter:
    """The limiter state of all processes, in Redis. Raises RedisUnavailableError.

    `secret`: under it the clients' addresses are hashed, which are not to be read out of Redis.
    """

    def __init__(
        self, redis: ResilientRedis, prefix: str, rate_limit: RateLimit, secret: bytes
    ) -> None:
        self._redis = redis
        names = ("places", "state", "queue", "deadlines", "rounds")
        self._keys = [f"{prefix}gate:{name}" for name in names]
        self._rate_limit = rate_limit
        self._secret = secret
        self._acquire = redis.client.register_script((_HERE / "acquire.lua").read_text())
        self._report = redis.client.register_script((_HERE / "report.lua").read_text())
        self._promote = redis.client.register_script((_HERE / "promote.lua").read_text())

    def acquire(
        self,
        max_wait: int,
        *,
        is_write: bool,
        client: str = "",
        what: str = "",
        ticket: Ticket | None = None,
        now: int | None = None,
    ) -> Admission:
        rate_limit = self._rate_limit
        args: list[str | int] = [
            int(is_write),
            rate_limit.limit,
            rate_limit.reserve,
            rate_limit.window,
            max_wait,
        ]
        args += [TRIAL, HEARTBEAT, GRACE, TURNS, self._hash(client), what]
        args += ticket or ("", "")
        args += [] if now is None else [now]
        decision, wait, *place = self._redis.call(lambda: self._acquire(self._keys, args))
        has_place = decision == Decision.WAIT and not is_write
        return Admission(
            Decision(decision), int(wait), Ticket(*map(int, place)) if has_place else None
        )

    def report(self, what: str, paused_until: int = 0, now: int | None = None) -> None:
        """`what`: success, failure or hold."""
        args: list[str | int] = [what, paused_until, FAILURES_TO_OPEN, TRIAL]
        args += [] if now is None else [now]
        self._redis.call(lambda: self._report(self._keys[1:2], args))

    def promote(self, client: str, what: str) -> None:
        state, queue, rounds = self._keys[1], self._keys[2], self._keys[4]
        args = [self._hash(client), what]
        self._redis.call(lambda: self._promote([state, queue, rounds], args))

    def state(self) -> LimiterState:
        """Places, hold and circuit as they stand in Redis, on this process's clock."""
        (seconds, micros), slots, known = self._redis.call(self._read)
        behind = _now() - (int(seconds) * SECOND + int(micros))
        paused_until, opened, failures = (int(known[index] or 0) for index in (0, 2, 3))
        state = LimiterState(self._rate_limit, deque(int(place) + behind for place in slots))
        state.paused_until, state.open_until, state.failures = (
            paused_until + behind,
            opened + behind,
            failures,
        )
        state.pause_length = int(known[1] or state.pause_length)
        return state

    def _hash(self, client: str) -> str:
        if not client:
            return ""
        return hashlib.blake2b(client.encode(), digest_size=8, key=self._secret).hexdigest()

    def _read(self) -> tuple[tuple[int, int], list[bytes], list[bytes | None]]:
        with self._redis.client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.lrange(self._keys[0], 0, -1)
            pipe.hmget(self._keys[1], "hold", "pause", "open", "failures")
            time_there, slots, known = pipe.execute()
        return time_there, slots, known

    def pause_after_outage(self, redis: Redis) -> None:
        """Send nothing for a window: requests sent during the outage are not in Redis."""
        self._report(self._keys[1:2], ["hold", self._rate_limit.window, 0, 0], client=redis)


class UpstreamThrottle:
    """Lets requests leave for Videsk one by one. `local_limit`: this process's share without Redis.

    A ticket is good in Redis and in this process: a read keeps its turn when Redis is lost or back.
    """

    def __init__(
        self,
        local_limit: RateLimit,
        shared: RedisLimiter | None,
        redis: ResilientRedis | None,
        instrumentation: Instrumentation,
    ) -> None:
        self._local_limit = local_limit
        self._state = LimiterState(local_limit)
        self._shared = shared
        self._redis = redis
        self._fallback = LocalFallback(redis, self._pause_for_others)
        self._instrumentation = instrumentation
        self._promoted: TTLCache[tuple[str, str], None] = TTLCache(MAX_PROMOTIONS, PROMOTE_SECONDS)
        if shared and redis:
            redis.on_reconnect(shared.pause_after_outage)

    def acquire(self, seconds: float, *, is_write: bool, what: str = "") -> None:
        """Wait for a slot, at most `seconds` and MAX_WAIT_SECONDS. Reads take turns by the client
        of the current request. `what` names the read.

        Raises VideskRateLimitError where there is no slot in time, VideskCircuitOpenError while the
        circuit is open.
        """
        client = current_client()
        end = time.monotonic() + min(seconds, MAX_WAIT_SECONDS)
        ticket, has_waited = None, False
        while True:
            max_wait = max(0, round((end - time.monotonic()) * SECOND))
            admission = self._acquire(max_wait, is_write, client, what, ticket)
            wait_seconds = admission.wait / SECOND
            if admission.decision is Decision.GO:
                return
            if not (has_waited and admission.decision is Decision.WAIT):
                log.debug("%s, %.3f s", admission.decision.name, wait_seconds)
                self._instrumentation.throttled(admission.decision.name.lower(), wait_seconds)
            if admission.decision is Decision.OPEN:
                raise VideskCircuitOpenError(wait_seconds)
            if admission.decision is Decision.FULL:
                raise VideskRateLimitError(wait_seconds)
            time.sleep(min(admission.wait, HEARTBEAT) / SECOND)
            ticket, has_waited = admission.ticket, True

    def promote(self, client: str, what: str) -> None:
        """`client` waits for a read of `what` that another client's request may have queued."""
        if (client, what) not in self._promoted:
            self._promoted[client, what] = None
            self._run(
                lambda shared: shared.promote(client, what),
                lambda state: state.promote(client, what),
            )

    def report_success(self) -> None:
        """Videsk has responded, which ends any row of failures, also those of other processes."""
        self._run(lambda shared: shared.report("success"), LimiterState.succeed)

    def report_failure(self) -> None:
        """Videsk has not responded, or with a 5xx."""
        self._run(lambda shared: shared.report("failure"), lambda state: state.fail(_now()))

    def pause(self, seconds: float) -> None:
        """Send no request for so long: Videsk's Retry-After or Ratelimit headers ask for it."""
        log.info("requests to Videsk paused for %.1f s, as its headers say", seconds)
        length = round(seconds * SECOND)
        self._run(
            lambda shared: shared.report("hold", length),
            lambda state: state.pause_for(length, _now()),
        )

    def snapshot(self) -> dict[str, Any]:
        """`{"circuit": "open" or "closed", "budget": {"limit", "left"}}`, for all processes."""
        state = self._run(RedisLimiter.state, lambda state: state)
        now = _now()
        state.clamp(now)
        limit = state.rate_limit
        left = limit.limit - sum(at > now - limit.window for at in state.slots)
        return {
            "circuit": "open" if state.open_until > now else "closed",
            "budget": {"limit": limit.limit, "left": 0 if state.paused_until > now else left},
        }

    def _acquire(
        self, max_wait: int, is_write: bool, client: str, what: str, ticket: Ticket | None
    ) -> Admission:
        arguments: dict[str, Any] = {
            "is_write": is_write,
            "client": client,
            "what": what,
            "ticket": ticket,
        }
        return self._run(
            lambda shared: shared.acquire(max_wait, **arguments),
            lambda state: state.acquire(_now(), max_wait, **arguments),
        )

    def _run(self, remote: Callable[[RedisLimiter], T], local: Callable[[LimiterState], T]) -> T:
        if not self._shared:
            return local(self._state)
        shared = self._shared
        return self._fallback.run_calls(lambda _: remote(shared), lambda: local(self._state))

    def _pause_for_others(self) -> None:
        """Begin an outage with an empty state, and let nothing leave for a window: the requests of
        other processes in the last second are in Redis alone.

        Reads are not paced, because all that was cached in Redis is read again, and no request may
        wait more than 50 ms for want of Redis.
        """
        self._state = LimiterState(replace(self._local_limit, is_paced=False))
        since = time.monotonic() - self._redis.last_answered_at if self._redis else 0.0
        self._state.pause_for(self._local_limit.window - round(since * SECOND), _now())


def _now() -> int:
    return time.monotonic_ns() // 1000

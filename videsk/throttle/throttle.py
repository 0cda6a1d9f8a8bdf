"""Throttle of requests to Videsk: rate limit, fair queue and circuit breaker.

Shared by all processes through Lua scripts in Redis. The fallback while Redis is unavailable is
this process's share of the limit. A request that has to wait sleeps until its turn or its next
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
from common.local_fallback import LocalFallback
from common.request_context import current_client
from common.resilient_redis import ResilientRedis
from videsk.errors import VideskCircuitOpenError, VideskRateLimitError
from videsk.throttle.rate_limit import (
    FAILURES_TO_OPEN,
    GRACE,
    HEARTBEAT,
    MAX_PAUSE,
    PROBE_INTERVAL,
    SECOND,
    TURNS_PER_ROUND,
    Admission,
    Decision,
    LimiterState,
    RateLimit,
    Ticket,
)

log = logging.getLogger("videsk_proxy.throttle")

T = TypeVar("T")

PROMOTE_SECONDS = 1.0
"""A client's waiting requests promote one read only once in so many seconds."""

MAX_PROMOTIONS = 1000

MAX_WAIT_SECONDS = 10
"""How long a request waits for a slot, before a 503 with Retry-After."""

_HERE = Path(__file__).parent


class RedisLimiter:
    """The limiter state of all processes, in Redis. Raises RedisUnavailableError.

    `secret`: the key for hashing clients' addresses, so that Redis does not hold them.
    """

    def __init__(
        self, redis: ResilientRedis, prefix: str, rate_limit: RateLimit, secret: bytes
    ) -> None:
        self.redis = redis
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
        read_key: str = "",
        ticket: Ticket | None = None,
        moved: int | None = None,
        now: int | None = None,
    ) -> Admission:
        """Decide as LimiterState.acquire does. `now` is for tests; else Redis's clock is used."""
        limit = self._rate_limit
        args: list[str | int] = [int(is_write), limit.limit, limit.reserve, limit.window, max_wait]
        args += [PROBE_INTERVAL, HEARTBEAT, GRACE, TURNS_PER_ROUND, self._hash(client), read_key]
        args += ticket or ("", "")
        args += [limit.burst, "" if moved is None else moved]
        args += [] if now is None else [now]
        decision, wait, *numbers = self.redis.call(lambda: self._acquire(self._keys, args))
        if decision == Decision.GO:
            return Admission(Decision.GO, 0, slot=int(numbers[0]))
        ticket = Ticket(*map(int, numbers)) if all(numbers) else None
        return Admission(Decision(decision), int(wait), ticket)

    def report(self, event: str, pause_length: int = 0, now: int | None = None) -> None:
        """`event`: success, failure or hold, which pauses for `pause_length`."""
        args: list[str | int] = [event, pause_length, FAILURES_TO_OPEN, PROBE_INTERVAL]
        args += [] if now is None else [now]
        self.redis.call(lambda: self._report(self._keys[1:2], args))

    def promote(self, client: str, read_key: str) -> None:
        state, queue, rounds = self._keys[1], self._keys[2], self._keys[4]
        args = [self._hash(client), read_key]
        self.redis.call(lambda: self._promote([state, queue, rounds], args))

    def state(self) -> LimiterState:
        """Return slots, pause and circuit, converted to this process's clock."""
        (seconds, micros), slots, fields = self.redis.call(self._read)
        offset = _now() - (int(seconds) * SECOND + int(micros))
        paused_until, pause_length, open_until, failures = (int(field or 0) for field in fields)
        return LimiterState(
            self._rate_limit,
            deque(int(sent_at) + offset for sent_at in slots),
            paused_until=paused_until + offset,
            pause_length=pause_length or MAX_PAUSE,
            open_until=open_until + offset,
            failures=failures,
        )

    def _hash(self, client: str) -> str:
        if not client:
            return ""
        return hashlib.blake2b(client.encode(), digest_size=8, key=self._secret).hexdigest()

    def _read(self) -> tuple[tuple[int, int], list[bytes], list[bytes | None]]:
        with self.redis.client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.lrange(self._keys[0], 0, -1)
            pipe.hmget(self._keys[1], "hold", "pause", "open", "failures")
            redis_time, slots, fields = pipe.execute()
        return redis_time, slots, fields

    def pause_after_outage(self, redis: Redis) -> None:
        """Pause for a window: Redis lacks the requests that were sent during the outage."""
        self._report(self._keys[1:2], ["hold", self._rate_limit.window, 0, 0], client=redis)


class UpstreamThrottle:
    """Admits requests to Videsk. `local_limit`: this process's share, the fallback without Redis.

    A ticket is valid in Redis and in this process, so a read keeps its turn through an outage.
    """

    def __init__(
        self, local_limit: RateLimit, shared: RedisLimiter | None, instrumentation: Instrumentation
    ) -> None:
        self._local_limit = local_limit
        self._state = LimiterState(local_limit)
        self._shared = shared
        self._fallback = LocalFallback(shared.redis if shared else None, self._pause_for_others)
        self._instrumentation = instrumentation
        self._promoted: TTLCache[tuple[str, str], None] = TTLCache(MAX_PROMOTIONS, PROMOTE_SECONDS)
        if shared:
            shared.redis.on_reconnect(shared.pause_after_outage)

    def acquire(
        self, seconds: float, *, is_write: bool, read_key: str = "", moved: int | None = None
    ) -> int:
        """Wait for a slot, at most `seconds` and MAX_WAIT_SECONDS, and return it. Reads take turns
        by the client of the current request. `moved`: an earlier slot of the same request, which
        could not be sent then.

        Raises VideskRateLimitError if no slot is free in time, and VideskCircuitOpenError.
        """
        client = current_client()
        end = time.monotonic() + min(seconds, MAX_WAIT_SECONDS)
        ticket, has_waited = None, False
        while True:
            max_wait = max(0, round((end - time.monotonic()) * SECOND))
            admission = self._acquire(
                max_wait,
                is_write=is_write,
                client=client,
                read_key=read_key,
                ticket=ticket,
                moved=moved,
            )
            wait_seconds = admission.wait / SECOND
            if admission.slot is not None:
                return admission.slot
            if not (has_waited and admission.decision is Decision.WAIT):
                log.debug("%s, %.3f s", admission.decision.name, wait_seconds)
                self._instrumentation.count_throttled(admission.decision.name.lower(), wait_seconds)
            if admission.decision is Decision.OPEN:
                raise VideskCircuitOpenError(wait_seconds)
            if admission.decision is Decision.FULL:
                raise VideskRateLimitError(wait_seconds)
            time.sleep(min(admission.wait, HEARTBEAT) / SECOND)
            ticket, has_waited = admission.ticket, True

    def promote(self, client: str, read_key: str) -> None:
        """Move a queued read of another client to the turn of `client`, if that is sooner."""
        if (client, read_key) not in self._promoted:
            self._promoted[client, read_key] = None
            self._run(
                lambda shared: shared.promote(client, read_key),
                lambda state: state.promote(client, read_key),
            )

    def report_success(self) -> None:
        """Reset the failures and close the circuit, for all processes."""
        self._run(lambda shared: shared.report("success"), LimiterState.report_success)

    def report_failure(self) -> None:
        """Count a 5xx or a missing response, which may open the circuit."""
        self._run(
            lambda shared: shared.report("failure"), lambda state: state.report_failure(_now())
        )

    def pause(self, seconds: float) -> None:
        """Send no request for so long, as Videsk's Retry-After or Ratelimit headers demand."""
        log.info("requests to Videsk paused for %.1f s (Retry-After or Ratelimit)", seconds)
        length = round(seconds * SECOND)
        self._run(
            lambda shared: shared.report("hold", length),
            lambda state: state.pause(length, _now()),
        )

    def snapshot(self) -> dict[str, Any]:
        """Return `{"circuit": "open" or "closed", "budget": {"limit", "left"}}`."""
        state = self._run(RedisLimiter.state, lambda state: state)
        now = _now()
        state.clamp(now)
        limit = state.rate_limit
        left = limit.limit - sum(at > now - limit.window for at in state.slots)
        return {
            "circuit": "open" if state.open_until > now else "closed",
            "budget": {"limit": limit.limit, "left": 0 if state.paused_until > now else left},
        }

    def _acquire(self, max_wait: int, **request: Any) -> Admission:
        return self._run(
            lambda shared: shared.acquire(max_wait, **request),
            lambda state: state.acquire(_now(), max_wait, **request),
        )

    def _run(self, remote: Callable[[RedisLimiter], T], local: Callable[[LimiterState], T]) -> T:
        if not self._shared:
            return local(self._state)
        shared = self._shared
        return self._fallback.run_calls(lambda _: remote(shared), lambda: local(self._state))

    def _pause_for_others(self) -> None:
        """Begin an outage with an empty state, and pause for a window since Redis's last response:
        only Redis holds the recent requests of other processes.

        Reads are not paced: the cache is empty too, and an outage may delay a request by 50 ms at
        most.
        """
        self._state = LimiterState(replace(self._local_limit, is_paced=False))
        since = time.monotonic() - self._shared.redis.last_response_at if self._shared else 0.0
        self._state.pause(self._local_limit.window - round(since * SECOND), _now())


def _now() -> int:
    return time.monotonic_ns() // 1000

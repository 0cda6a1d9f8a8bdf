"""The rate limit of each client, with Flask-Limiter: one for all of /api, one for POSTs.

Calls are counted in Redis for all processes, and in each process while Redis is unavailable.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any, ClassVar

import gevent
from cachetools import LRUCache
from flask import Flask, Response, current_app, g, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit
from limits import parse
from limits.storage import MemoryStorage, RedisStorage
from redis import Redis

from common.local_fallback import LocalFallback
from common.resilient_redis import ResilientRedis

CALLS = "calls"
"""The name of the limit of all calls, in its counters' keys."""

FLUSH_SECONDS = 0.025
"""How late other processes see a call that was counted by `increment_deferred`."""

MIN_LIMIT = 100
"""All of a smaller limit could be used up within FLUSH_SECONDS."""

MAX_KNOWN_COUNTS = 20_000
"""How many clients' counts are cached in the process. The least recently used are dropped."""

CHARGED_BY_COST = {"availability", "next_hours"}
"""Views that send Videsk several requests for one call, each charged as a call."""

TRUSTED_PROXIES = "TRUSTED_PROXIES"
"""The name in app.config of the number of trusted reverse proxies."""

_WITH_PORT = re.compile(r"(?P<ipv4>[0-9.]+):[0-9]*|\[(?P<ipv6>[0-9a-fA-F:.]+)\](?::[0-9]*)?")
"""An address with a port, which some proxies (Azure Application Gateway) put in X-Forwarded-For:
with it, every connection would be another client. A bare IPv6 address has no port.
"""

_IPV6_NETWORK_BITS = 64
"""The smallest network of a subscriber, which counts as one client."""


class ResilientStorage(RedisStorage):
    """The Redis storage of `limits`, with its memory storage as the fallback."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["resilient-redis"]  # type: ignore[misc]  # as limits declares it

    def __init__(self, uri: str, redis: ResilientRedis, **options: Any) -> None:
        super().__init__(uri, connection_pool=redis.client.connection_pool, **options)
        self._resilient_redis = redis
        self._fallback = LocalFallback(redis)
        self._memory = MemoryStorage()
        self._known: LRUCache[str, int] = LRUCache(MAX_KNOWN_COUNTS)
        self._pending: Counter[str] = Counter()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        count = self._fallback.run(
            lambda _: super(ResilientStorage, self).incr(key, expiry, amount),
            lambda: self._memory.incr(key, expiry, amount),
        )
        self._known[key] = count
        return count

    def increment_deferred(self, key: str, expiry: int, maximum: int) -> bool:
        """Count one call now, and in Redis within FLUSH_SECONDS.

        Returns False, without counting, if the known count would exceed `maximum`, or if Redis is
        unavailable.
        """
        if (
            self._resilient_redis.unavailable
            or self._known.get(key, 0) + self._pending[key] >= maximum
        ):
            return False
        if not self._pending:
            gevent.spawn_later(FLUSH_SECONDS, self._flush, expiry)
        self._pending[key] += 1
        return True

    def _flush(self, expiry: int) -> None:
        """Add all pending counts in one round trip, or to the memory storage without Redis."""
        pending, self._pending = self._pending, Counter()

        def add(client: Redis) -> list[int]:
            with client.pipeline(transaction=False) as pipe:
                for key, calls in pending.items():
                    self.lua_incr_expire([self.prefixed_key(key)], [expiry, calls], client=pipe)
                return pipe.execute()

        counts = self._fallback.run(
            add, lambda: [self._memory.incr(key, expiry, calls) for key, calls in pending.items()]
        )
        for key, count in zip(pending, counts, strict=True):
            self._known[key] = count

    def get(self, key: str) -> int:
        return self._fallback.run(
            lambda _: super(ResilientStorage, self).get(key), lambda: self._memory.get(key)
        )

    def get_expiry(self, key: str) -> float:
        return self._fallback.run(
            lambda _: super(ResilientStorage, self).get_expiry(key),
            lambda: self._memory.get_expiry(key),
        )


class DeferredCounter:
    """Counts calls of clients far below their limit, without a round trip for each.

    Other processes see a call up to FLUSH_SECONDS late. So this is used for the first half of a
    limit, unless that is small; beyond it, Flask-Limiter counts each call in the same counter.
    """

    def __init__(self, limiter: Limiter, rate: str, proxies: int) -> None:
        self._storage = limiter.storage
        self._limit = parse(rate)
        self._maximum = self._limit.amount // 2 if self._limit.amount >= MIN_LIMIT else 0
        self._proxies = proxies

    def admits(self, environ: Mapping[str, str]) -> bool:
        """Count a call and return True, or return False if it has to be counted exactly."""
        key = self._limit.key_for(address_in(environ, self._proxies), CALLS)
        if isinstance(self._storage, ResilientStorage):
            return self._storage.increment_deferred(key, self._limit.get_expiry(), self._maximum)
        return self._storage.incr(key, self._limit.get_expiry()) <= self._limit.amount

    def charge(self, environ: Mapping[str, str], calls: int) -> None:
        """Count more calls of this client. Only later calls can be rejected for them."""
        key = self._limit.key_for(address_in(environ, self._proxies), CALLS)
        self._storage.incr(key, self._limit.get_expiry(), calls)


def register(
    app: Flask, redis: ResilientRedis | None, prefix: str, client_rate: str, booking_rate: str
) -> DeferredCounter:
    """Limit the calls of each client: above it, raise werkzeug's 429 and set `g.retry_after`."""
    limiter = Limiter(
        client_address,
        app=app,
        strategy="fixed-window",
        request_identifier=lambda: "api",  # one name for all, so that unknown paths count too
        storage_uri="resilient-redis://" if redis else "memory://",
        storage_options={"redis": redis, "key_prefix": f"{prefix}limits"} if redis else {},  # type: ignore[dict-item]  # handed to ResilientStorage as they are
        application_limits=[
            ApplicationLimit(client_rate, scope=CALLS, exempt_when=_outside_api),
            ApplicationLimit(
                booking_rate,
                scope="posts",
                methods=["POST"],
                key_function=client_network,
                exempt_when=_outside_api,
            ),
        ],
        on_breach=_set_retry_after,
    )
    deferred_counter = DeferredCounter(limiter, client_rate, app.config[TRUSTED_PROXIES])

    @limiter.request_filter
    def is_exempt() -> bool:
        if request.method == "OPTIONS":  # sent by browsers on their own
            return True
        reads = request.method in {"GET", "HEAD"} and not _outside_api()
        return reads and deferred_counter.admits(request.environ)

    @app.before_request
    def set_client() -> None:
        g.request_context.client = client_network()

    @app.after_request
    def charge_attempts(response: Response) -> Response:
        _, _, view = (request.endpoint or "").rpartition(".")
        if view in CHARGED_BY_COST and g.request_context.attempts > 1:
            deferred_counter.charge(request.environ, g.request_context.attempts - 1)
        return response

    return deferred_counter


def client_address() -> str:
    """Return the client's IP address: with n trusted proxies the n-th entry of X-Forwarded-For from
    its end, as each proxy appends the address that called it; else the connection's.

    Clients can forge earlier entries. Werkzeug's ProxyFix is not used: it parses quoted strings,
    and an opened quote hides all entries.
    """
    return address_in(request.environ, current_app.config[TRUSTED_PROXIES])


def address_in(environ: Mapping[str, Any], proxies: int) -> str:
    """Return the same for a WSGI environ, outside a Flask request."""
    entries = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if 0 < proxies <= len(entries) and (entry := entries[-proxies].strip()):
        found = _WITH_PORT.fullmatch(entry)
        return (found["ipv4"] or found["ipv6"]) if found else entry
    return environ.get("REMOTE_ADDR") or "unknown"


def client_network() -> str:
    """Return the client's IPv4 address, or the /64 network of its IPv6 address."""
    try:
        address = ip_address(client_address())
    except ValueError:
        return client_address()
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(int(address) >> _IPV6_NETWORK_BITS)


def _outside_api() -> bool:
    return not request.path.startswith("/api/")


def _set_retry_after(limit: RequestLimit) -> None:
    seconds = math.ceil(limit.reset_at - time.time())  # reset_at is rounded up past the window
    g.retry_after = min(max(1, seconds), limit.limit.get_expiry())

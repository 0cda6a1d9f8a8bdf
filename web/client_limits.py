"""The rate limit of each client, by Flask-Limiter: all of /api, and the POSTs apart.

Counted in Redis for all processes; while Redis is away, in each process.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any, ClassVar

import gevent
from flask import Flask, Response, current_app, g, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit
from limits import parse
from limits.storage import MemoryStorage, RedisStorage
from redis import Redis

from common.resilient_redis import LocalFallback, ResilientRedis

CALLS = "calls"
"""The name of the limit of all calls, in its counters' keys."""

FLUSH_SECONDS = 0.025
"""How long a call that was counted behind is not known to the other processes."""

MIN_LIMIT = 100
"""Of a smaller one, all could be used up in that time."""

MAX_KNOWN_COUNTS = 20_000
"""Clients whose count is known here; then all are forgotten, until Redis tells each count again."""

CHARGED_BY_COST = {"availability", "next_hours"}
"""The views whose calls ask Videsk many times, and are charged as many calls."""

TRUSTED_PROXIES = "TRUSTED_PROXIES"
"""The app's config: how many proxies stand before it."""

_WITH_PORT = re.compile(r"(?P<ipv4>[0-9.]+):[0-9]*|\[(?P<ipv6>[0-9a-fA-F:.]+)\](?::[0-9]*)?")
"""What may follow an address in X-Forwarded-For. Of a bare IPv6 address nothing is a port."""

_IPV6_NETWORK_BITS = 64
"""What one subscriber has at the least: all of it counts as one client."""


class ResilientStorage(RedisStorage):
    """limits' Redis storage where the link lets it, else its storage in the process."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["resilient-redis"]  # type: ignore[misc]  # limits' own way

    def __init__(self, uri: str, redis: ResilientRedis, **options: Any) -> None:
        super().__init__(uri, connection_pool=redis.client.connection_pool, **options)
        self._resilient_redis = redis
        self._fallback = LocalFallback(redis)
        self._memory = MemoryStorage()
        self._known: dict[str, int] = {}
        self._pending: Counter[str] = Counter()
        self._flush_scheduled = False

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        count = self._fallback.run(
            lambda _: super(ResilientStorage, self).incr(key, expiry, amount),
            lambda: self._memory.incr(key, expiry, amount),
        )
        self._note(key, count)
        return count

    def increment_deferred(self, key: str, expiry: int, most: int) -> bool:
        """Count one call now and tell Redis a moment later; False, and not counted, where as far as
        is known that makes more than `most`, or Redis is away.
        """
        if (
            self._resilient_redis.unavailable
            or self._known.get(key, 0) + self._pending[key] >= most
        ):
            return False
        if not self._flush_scheduled:
            self._flush_scheduled = True
            gevent.spawn_later(FLUSH_SECONDS, self._flush, expiry)
        self._pending[key] += 1
        return True

    def _flush(self, expiry: int) -> None:
        """Add all pending counts in one round trip; without Redis, to the counters in memory."""
        pending, self._pending, self._flush_scheduled = self._pending, Counter(), False

        def add(client: Redis) -> list[int]:
            with client.pipeline(transaction=False) as pipe:
                for key, calls in pending.items():
                    self.lua_incr_expire([self.prefixed_key(key)], [expiry, calls], client=pipe)
                return pipe.execute()

        counts = self._fallback.run(
            add, lambda: [self._memory.incr(key, expiry, calls) for key, calls in pending.items()]
        )
        for key, count in zip(pending, counts, strict=True):
            self._note(key, count)

    def _note(self, key: str, count: int) -> None:
        if len(self._known) >= MAX_KNOWN_COUNTS:
            self._known.clear()
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
    """Counts the calls of clients who are far from their limit without a round trip for each.

    What a process has not told yet, the others do not know: up to FLUSH_SECONDS of one client's
    calls. So this is for the first half of a limit that is no small one; then each call is counted
    exactly, by Flask-Limiter, in the same counter.
    """

    def __init__(self, limiter: Limiter, rate: str, proxies: int) -> None:
        self._storage = limiter.storage
        self._limit = parse(rate)
        self._most = self._limit.amount // 2 if self._limit.amount >= MIN_LIMIT else 0
        self._proxies = proxies

    def admits(self, environ: Mapping[str, str]) -> bool:
        """Whether this call may be answered; if so it is counted."""
        key = self._limit.key_for(address_in(environ, self._proxies), CALLS)
        if isinstance(self._storage, ResilientStorage):
            return self._storage.increment_deferred(key, self._limit.get_expiry(), self._most)
        return self._storage.incr(key, self._limit.get_expiry()) <= self._limit.amount

    def charge(self, environ: Mapping[str, str], calls: int) -> None:
        """Count so many more calls of this client's, which refuses none but the next ones."""
        key = self._limit.key_for(address_in(environ, self._proxies), CALLS)
        self._storage.incr(key, self._limit.get_expiry(), calls)


def register(
    app: Flask, redis: ResilientRedis | None, prefix: str, client_rate: str, booking_rate: str
) -> DeferredCounter:
    """Refuse who calls too often with werkzeug's 429; how long to wait is in `g.retry_after`."""
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
    def not_counted_by_the_limiter() -> bool:
        if request.method == "OPTIONS":  # a browser's, not a visitor's
            return True
        reads = request.method in {"GET", "HEAD"} and not _outside_api()
        return reads and deferred_counter.admits(request.environ)

    @app.before_request
    def note_client() -> None:
        g.request_context.client = client_network()

    @app.after_request
    def charge_cost(response: Response) -> Response:
        _, _, view = (request.endpoint or "").rpartition(".")
        if view in CHARGED_BY_COST and g.request_context.attempts > 1:
            deferred_counter.charge(request.environ, g.request_context.attempts - 1)
        return response

    return deferred_counter


def client_address() -> str:
    """The client's IP address: with n trusted proxies the n-th entry of X-Forwarded-For from its
    end, as each has added the address it was called from; else the connection's own.

    What stands before those entries is the client's to forge, quotes and all: Werkzeug's ProxyFix
    reads the header as a list with quoted strings, and finds nothing in it once a quote is open.
    """
    return address_in(request.environ, current_app.config[TRUSTED_PROXIES])


def address_in(environ: Mapping[str, Any], proxies: int) -> str:
    """The same, of a request that Flask does not know of."""
    entries = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if 0 < proxies <= len(entries) and entries[-proxies].strip():
        return _without_port(entries[-proxies].strip())
    return environ.get("REMOTE_ADDR") or "unknown"


def _without_port(entry: str) -> str:
    """Some proxies (Azure's application gateway) write `ip:port` or `[ipv6]:port`: with the port
    every connection would be a client of its own.
    """
    found = _WITH_PORT.fullmatch(entry)
    return (found["ipv4"] or found["ipv6"]) if found else entry


def client_network() -> str:
    """The address, or for IPv6 its /64."""
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

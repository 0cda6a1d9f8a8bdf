"""How often one client may call, by Flask-Limiter: all of /api, and the POSTs apart.

Counted in Redis for all processes; while Redis is away, in each process.
"""

import math
import time
from ipaddress import IPv6Address, ip_address
from typing import Any, ClassVar

from flask import Flask, current_app, g, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit
from limits.storage import MemoryStorage, RedisStorage

from redis_link import RedisAwayError, RedisLink

TRUSTED_PROXIES = "TRUSTED_PROXIES"
"""The app's config: how many proxies stand before it."""

_IPV6_NETWORK_BITS = 64
"""What one subscriber has at the least: all of it counts as one client."""


class LinkedStorage(RedisStorage):
    """limits' Redis storage where the link lets it, else its storage in the process."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["redis-link"]  # type: ignore[misc]  # limits' own way

    def __init__(self, uri: str, link: RedisLink, **options: Any) -> None:
        super().__init__(uri, connection_pool=link.redis.connection_pool, **options)
        self._link = link
        self._memory = MemoryStorage()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        try:
            return self._link.call(lambda: super(LinkedStorage, self).incr(key, expiry, amount))
        except RedisAwayError:
            return self._memory.incr(key, expiry, amount)

    def get(self, key: str) -> int:
        try:
            return self._link.call(lambda: super(LinkedStorage, self).get(key))
        except RedisAwayError:
            return self._memory.get(key)

    def get_expiry(self, key: str) -> float:
        try:
            return self._link.call(lambda: super(LinkedStorage, self).get_expiry(key))
        except RedisAwayError:
            return self._memory.get_expiry(key)


def register(
    app: Flask, link: RedisLink | None, prefix: str, client_rate: str, booking_rate: str
) -> None:
    """Refuse who calls too often with werkzeug's 429; how long to wait is in `g.retry_after`."""
    limiter = Limiter(
        client_address,
        app=app,
        strategy="fixed-window",
        request_identifier=lambda: "api",  # one name for all, so that unknown paths count too
        storage_uri="redis-link://" if link else "memory://",
        storage_options={"link": link, "key_prefix": f"{prefix}limits"} if link else {},  # type: ignore[dict-item]  # handed to LinkedStorage as they are
        application_limits=[
            ApplicationLimit(client_rate, scope="calls", exempt_when=_outside_api),
            ApplicationLimit(
                booking_rate,
                scope="posts",
                methods=["POST"],
                key_function=client_network,
                exempt_when=_outside_api,
            ),
        ],
        on_breach=_tell_when,
    )
    limiter.request_filter(lambda: request.method == "OPTIONS")  # a browser's, not a visitor's


def client_address() -> str:
    """The client's IP address: with n trusted proxies the n-th entry of X-Forwarded-For from its
    end, as each has added the address it was called from; else the connection's own.

    What stands before those entries is the client's to forge, quotes and all: Werkzeug's ProxyFix
    reads the header as a list with quoted strings, and finds nothing in it once a quote is open.
    """
    proxies: int = current_app.config[TRUSTED_PROXIES]
    entries = request.headers.get("X-Forwarded-For", "").split(",")
    if 0 < proxies <= len(entries) and entries[-proxies].strip():
        return entries[-proxies].strip()
    return request.remote_addr or "unknown"


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


def _tell_when(limit: RequestLimit) -> None:
    seconds = math.ceil(limit.reset_at - time.time())  # reset_at is rounded up past the window
    g.retry_after = min(max(1, seconds), limit.limit.get_expiry())

"""API key status: whether Videsk rejects the key. A flag in Redis; the fallback is per process."""

import time

from common.local_fallback import LocalFallback
from common.resilient_redis import ResilientRedis

REJECTED_SECONDS = 60
"""TTL of the "key rejected" flag. It has to expire on its own: an instance that was taken out of
service because of it sends no more requests, so none could succeed and delete it.
"""


class ApiKeyStatus:
    """Rejected after one 401 or 403 to any process, until the next success of any process."""

    def __init__(self, redis: ResilientRedis | None, prefix: str) -> None:
        self._fallback = LocalFallback(redis)
        self._name = f"{prefix}key-refused"
        self._rejected_until = 0.0

    def update(self, *, rejected: bool) -> None:
        """Set or delete the flag after a response to a request with the key.

        A success always sends the DEL, because another process may have set the flag. That is
        cheaper than reading it first.
        """
        self._rejected_until = time.monotonic() + REJECTED_SECONDS if rejected else 0.0
        self._fallback.run(
            lambda client: (
                client.set(self._name, 1, ex=REJECTED_SECONDS)
                if rejected
                else client.delete(self._name)
            ),
            lambda: None,
        )

    def is_rejected(self) -> bool:
        return self._fallback.run(
            lambda client: bool(client.exists(self._name)),
            lambda: time.monotonic() < self._rejected_until,
        )

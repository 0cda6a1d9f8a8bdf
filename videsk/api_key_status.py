"""Whether Videsk rejects the API key: a flag in Redis, and without Redis one in each process."""

import time

from common.resilient_redis import LocalFallback, ResilientRedis

REJECTED_SECONDS = 60
"""TTL of the "key rejected" flag. It has to expire on its own: an instance that was taken out of
service for it sends no more requests to Videsk, so it would never see that the key works again.
"""


class ApiKeyStatus:
    """Rejected after one 401 or 403 to any process, until the next success of any process."""

    def __init__(self, redis: ResilientRedis | None, prefix: str) -> None:
        self._fallback = LocalFallback(redis)
        self._name = f"{prefix}key-refused"
        self._rejected_at: float | None = None

    def update(self, *, rejected: bool) -> None:
        """Store what a response to a request with the key shows of it.

        A success always deletes the flag in Redis, because another process may have set it. With 20
        requests a second at most to Videsk, that costs less than to read it first.
        """
        self._rejected_at = time.monotonic() if rejected else None
        self._fallback.run(
            lambda client: (
                client.set(self._name, 1, ex=REJECTED_SECONDS)
                if rejected
                else client.delete(self._name)
            ),
            lambda: None,
        )

    def is_rejected(self) -> bool:
        """Whether the key is rejected; one round trip to Redis."""
        return self._fallback.run(lambda client: bool(client.exists(self._name)), self._here)

    def _here(self) -> bool:
        at = self._rejected_at
        return at is not None and time.monotonic() - at < REJECTED_SECONDS

"""The captcha of a booking: each token is confirmed once, and its confirmation is used once.

Providers confirm a token a single time. If Videsk then rejects the booking, for example with a 503,
a retry with the same token would fail its captcha. So the confirmation is kept for that retry:

    token ─► confirmed by the provider ─► booked, or in doubt: the confirmation is used up
                       ▲                  │
                       └── kept, 60 s ◄───┴► not booked: kept for the same path and body

Confirmations are stored as digests in Redis, and in this process while Redis is unavailable.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cachetools import TTLCache

from common.local_fallback import LocalFallback
from common.resilient_redis import ResilientRedis
from idempotency.disposition import Disposition, disposition_of
from web.captcha import Captcha

CONFIRMED_SECONDS = 60
"""From the provider's confirmation on: long enough for a customer who follows a Retry-After."""

MAX_LOCAL_CONFIRMATIONS = 1000

_TAKE = """
local milliseconds = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
return milliseconds
"""


class BookingCaptcha:
    """Confirms the token of a booking, or uses the confirmation of its failed first attempt."""

    def __init__(self, captcha: Captcha, redis: ResilientRedis | None, prefix: str) -> None:
        self._captcha = captcha
        self._fallback = LocalFallback(redis)
        self._prefix = f"{prefix}captcha:"
        self._here: TTLCache[str, float] = TTLCache(MAX_LOCAL_CONFIRMATIONS, CONFIRMED_SECONDS)

    @contextmanager
    def confirmed(self, path: str, body: Mapping[str, Any]) -> Iterator[None]:
        """Confirm the body's token, then run the block, which makes the booking.

        Raises CaptchaError unless the provider confirms the token now, or confirmed it for the same
        path and body within CONFIRMED_SECONDS without a booking since.
        """
        token = body.get("token")
        name = self._prefix + _digest(path, body)
        seconds = self._take(name) if token else None
        if seconds is None:
            self._captcha.check(token)
            seconds = CONFIRMED_SECONDS
        end = time.monotonic() + seconds
        try:
            yield
        except Exception as error:
            if disposition_of(error, by_token=False) is not Disposition.DOUBT:
                self._keep(name, end - time.monotonic())
            raise

    def _keep(self, name: str, seconds: float) -> None:
        """Keep the confirmation for so many more seconds."""
        if seconds > 0:
            milliseconds = max(1, round(seconds * 1000))
            self._fallback.run(
                lambda client: client.set(name, 1, px=milliseconds),
                lambda: self._here.update({name: time.monotonic() + seconds}),
            )

    def _take(self, name: str) -> float | None:
        """Remove the confirmation. Return its remaining seconds; None if there is none."""
        seconds = self._here.pop(name, 0.0) - time.monotonic()
        if seconds <= 0:
            seconds = self._fallback.run(
                lambda client: float(client.eval(_TAKE, 1, name)) / 1000, lambda: 0.0
            )
        return seconds if seconds > 0 else None


def _digest(path: str, body: Mapping[str, Any]) -> str:
    """Return a digest of the path (ids in either case) and the body, its token included."""
    return hashlib.sha256(json.dumps([path.lower(), body], sort_keys=True).encode()).hexdigest()

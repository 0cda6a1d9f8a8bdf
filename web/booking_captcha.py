"""The captcha of a booking: each token is confirmed once, and its confirmation is spent once.

Providers confirm a token a single time. A booking that then fails without having been made,
because Videsk is busy, say, would be refused for its captcha when the customer sends it again. So
the confirmation is kept for that retry:

    token ─► confirmed by the provider ─► booked, or in doubt: the confirmation is spent
                       ▲                  │
                       └── kept, 60 s ◄───┴► not booked: kept for the same path and body

What is kept is a digest. Redis holds it for all processes; while Redis is unavailable it is kept in
this process.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from flask_caching.backends import SimpleCache

from captcha import Captcha
from redis_link import RedisAwayError, RedisLink
from web.idempotency import Fate, fate_of

CONFIRMED_SECONDS = 60
"""From the provider's confirmation on: long enough for a customer who follows a Retry-After."""

MAX_KEPT_HERE = 1000

_TAKE = """
local milliseconds = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
return milliseconds
"""


class BookingCaptcha:
    """Confirms the token of a booking, or uses the confirmation of its failed first attempt."""

    def __init__(self, captcha: Captcha, link: RedisLink | None, prefix: str) -> None:
        self._captcha = captcha
        self._link = link
        self._prefix = f"{prefix}captcha:"
        self._here = SimpleCache(threshold=MAX_KEPT_HERE)
        if link:
            self._take_shared = link.redis.register_script(_TAKE)

    @contextmanager
    def confirmed(self, path: str, body: Mapping[str, Any]) -> Iterator[None]:
        """Run the block with the body's token confirmed; the block makes the booking.

        Raises CaptchaError unless the provider confirms the token or has done so for the same path
        and body within CONFIRMED_SECONDS, and that confirmation was not spent.
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
            if fate_of(error, by_token=False) is not Fate.DOUBT:
                self._keep(name, end - time.monotonic())
            raise

    def _take(self, name: str) -> float | None:
        """Remove the confirmation. Return how many more seconds it holds; None: there is none."""
        end: float | None = self._here.get(name)
        self._here.delete(name)
        seconds = end - time.monotonic() if end else 0.0
        if self._link and seconds <= 0:
            with suppress(RedisAwayError):
                seconds = self._link.call(lambda: self._take_shared([name])) / 1000
        return seconds if seconds > 0 else None

    def _keep(self, name: str, seconds: float) -> None:
        if seconds <= 0:
            return
        if self._link:
            redis, milliseconds = self._link.redis, max(1, round(seconds * 1000))
            try:
                self._link.call(lambda: redis.set(name, 1, px=milliseconds))
            except RedisAwayError:
                pass
            else:
                return
        # SimpleCache counts whole seconds: one more, and the exact end is in the value.
        self._here.set(name, time.monotonic() + seconds, timeout=CONFIRMED_SECONDS + 1)


def _digest(path: str, body: Mapping[str, Any]) -> str:
    """One text for one path (ids in either case) and one JSON value; the token is part of it."""
    return hashlib.sha256(json.dumps([path.lower(), body], sort_keys=True).encode()).hexdigest()

"""Whether Videsk refuses our key: told by one process's requests, and by Redis to all of them."""

import time

from redis_link import RedisAwayError, RedisLink

REFUSED_SECONDS = 60
"""How long a refusal is believed. It must end by itself: an instance that is taken out for it is
asked nothing any more, and would never learn that the key is good again.
"""


class KeyState:
    """One refusal is everybody's; the next good answer ends it."""

    def __init__(self, link: RedisLink | None, prefix: str) -> None:
        self._link = link
        self._name = f"{prefix}key-refused"
        self._refused_at: float | None = None

    def note(self, *, refused: bool) -> None:
        """Store what an answer to a request with the key shows of it.

        A good answer always deletes the flag in Redis: another process may have set it. With 20
        requests a second at most to Videsk, that costs less than to look first.
        """
        self._refused_at = time.monotonic() if refused else None
        if not self._link:
            return
        redis = self._link.redis
        try:
            if refused:
                self._link.call(lambda: redis.set(self._name, 1, ex=REFUSED_SECONDS))
            else:
                self._link.call(lambda: redis.delete(self._name))
        except RedisAwayError:
            return  # then this process alone knows

    def is_refused(self) -> bool:
        """Asks Redis once."""
        if self._link:
            redis = self._link.redis
            try:
                return bool(self._link.call(lambda: redis.exists(self._name)))
            except RedisAwayError:
                pass
        at = self._refused_at
        return at is not None and time.monotonic() - at < REFUSED_SECONDS

"""Lease renewal: keep a key with a TTL alive while the work that it stands for is under way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import gevent

from common.resilient_redis import RedisUnavailableError


@contextmanager
def renewed(renew: Callable[[], object], every_seconds: float) -> Iterator[None]:
    """Call `renew` every so many seconds in a greenlet until the block ends.

    A renewal that raises RedisUnavailableError is skipped; the next one may succeed.
    """

    def run() -> None:
        while True:
            with suppress(RedisUnavailableError):
                renew()
            gevent.sleep(every_seconds)

    renewing = gevent.spawn_later(every_seconds, run)
    try:
        yield
    finally:
        renewing.kill(block=False)

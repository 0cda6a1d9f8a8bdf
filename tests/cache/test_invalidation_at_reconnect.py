"""An invalidation that finds Redis unavailable, in the moment in which it becomes available again."""

from collections.abc import Callable
from typing import TypeVar

from redis import Redis

from cache.near import Near
from cache.policy import Window
from cache.reader import Reader, Shared
from cache.shared_flight import SharedFlights
from cache.store import process_store, redis_store
from meter import Meter
from redis_link import RedisAwayError, RedisLink
from tests.processes import Running
from videsk.errors import VideskErrors

T = TypeVar("T")
WINDOW = Window(60, 0)


class LateLink(RedisLink):
    """Raises RedisAwayError once although Redis is available right after that."""

    is_late = False

    def call(self, action: Callable[[], T]) -> T:
        if self.is_late:
            self.is_late = False
            raise RedisAwayError
        return super().call(action)


def test_it_reaches_redis_too(redis: Redis, redis_process: Running) -> None:
    link = LateLink(f"redis://127.0.0.1:{redis_process.port}", verify_tls=True)
    shared = Shared(link, redis_store(link.redis, "t:"), SharedFlights(link, "t:", VideskErrors()))
    local = process_store()
    reader = Reader(shared, local, Near(local.changes), Meter())
    bodies = [b'"before"', b'"after"']

    def read() -> bytes:
        return reader.read("k", ("group",), WINDOW, lambda _: bodies.pop(0), seconds=5).body

    assert read() == read() == b'"before"'
    link.is_late = True
    reader.outdate(["group"])
    assert not link.is_late, "the first attempt has found Redis unavailable"
    assert read() == b'"after"'

"""Fakes of the proxy's classes that do nothing, for unit tests of other classes."""

from collections.abc import Callable
from typing import Any, NoReturn

from redis import Redis

from common.resilient_redis import RedisUnavailableError


class NoInstrumentation:
    """Counts nothing (common/instrumentation.py)."""

    def count_upstream(self, endpoint: str, status: str, seconds: float) -> None: ...

    def count_throttled(self, decision: str, seconds: float) -> None: ...

    def count_invalidated(self, groups: int) -> None: ...


class UnavailableRedis:
    """A ResilientRedis (common/resilient_redis.py) during an outage. It opens no connection.

    With `unavailable = False`, Redis is lost but not detected yet: the next call fails and detects it.
    """

    def __init__(self) -> None:
        self.client = Redis(port=1)
        self.unavailable = True
        self.outages = 1
        self.last_response_at = 0.0
        self.reconnect_actions: list[Callable[[Redis], None]] = []

    def call(self, action: Callable[[], object]) -> NoReturn:
        self.unavailable = True
        raise RedisUnavailableError

    def on_reconnect(self, action: Callable[[Redis], None]) -> None:
        self.reconnect_actions.append(action)

    def on_outage(self, action: Callable[[], None]) -> None: ...

    def wait_for_reconnect(self) -> bool:
        return False


def unavailable_redis() -> Any:
    """Return an UnavailableRedis typed as Any, for parameters of type ResilientRedis."""
    return UnavailableRedis()

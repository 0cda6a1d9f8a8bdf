"""How long an API key counts as rejected, without Redis."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes import unavailable_redis
from videsk import api_key_status
from videsk.api_key_status import REJECTED_SECONDS, ApiKeyStatus


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1000.0]
    monkeypatch.setattr(api_key_status, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


@pytest.fixture(params=["without Redis", "in an outage"])
def status(request: pytest.FixtureRequest) -> ApiKeyStatus:
    return ApiKeyStatus(None if request.param == "without Redis" else unavailable_redis(), "")


def test_a_key_is_accepted_until_it_is_rejected_and_again_after_a_success(
    status: ApiKeyStatus,
) -> None:
    assert not status.is_rejected()
    status.update(rejected=True)
    assert status.is_rejected()
    status.update(rejected=False)
    assert not status.is_rejected()


def test_a_rejection_expires(status: ApiKeyStatus, now: list[float]) -> None:
    status.update(rejected=True)
    now[0] += REJECTED_SECONDS - 1
    assert status.is_rejected()
    now[0] += 1
    assert not status.is_rejected()


class Client:
    """A fake redis-py client with the commands that the flag needs."""

    def __init__(self) -> None:
        self.flags: dict[str, int] = {}

    def set(self, name: str, value: int, ex: int) -> None:
        self.flags[name] = ex

    def delete(self, name: str) -> None:
        self.flags.pop(name, None)

    def exists(self, name: str) -> int:
        return int(name in self.flags)


def test_processes_share_the_flag_in_redis_and_it_expires() -> None:
    client = Client()
    redis: Any = SimpleNamespace(client=client, call=lambda action: action())
    one, other = ApiKeyStatus(redis, "tests:"), ApiKeyStatus(redis, "tests:")
    one.update(rejected=True)
    assert other.is_rejected()
    assert client.flags == {"tests:key-refused": REJECTED_SECONDS}
    other.update(rejected=False)
    assert not one.is_rejected()

"""With VIDESK_ACCOUNT, the guarantees hold while a key is rotated instance by instance.

See docs/guarantees.md#g3, docs/guarantees.md#g4 and docs/guarantees.md#g5.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from redis import Redis

from tests.client import JOHN, Client, working_day
from tests.e2e.fleet import arrival_times, cache_status, concurrently, max_in_window
from tests.processes import Sandbox, ServerProcess, proxy_server

RATE_LIMIT = 6


@contextmanager
def instances(
    sandbox: Sandbox, redis_process: ServerProcess, keys: tuple[str, ...], **settings: str
) -> Iterator[list[Client]]:
    """Start an instance for each of these keys. All share one Redis."""
    with ExitStack() as stack:
        yield [
            Client(
                stack.enter_context(
                    proxy_server(
                        sandbox,
                        REDIS_URL=redis_process.redis_url,
                        VIDESK_API_KEY=sandbox.keys[key],
                        **settings,
                    )
                ).url
            )
            for key in keys
        ]


@pytest.fixture
def rotating(
    sandbox: Sandbox, redis: Redis, redis_process: ServerProcess
) -> Iterator[tuple[Client, Client]]:
    """Return an instance with the old key and one with the new key."""
    settings = {"VIDESK_ACCOUNT": "a shop", "VIDESK_RATE_LIMIT": str(RATE_LIMIT)}
    with instances(sandbox, redis_process, ("backend", "rotated"), **settings) as (old, new):
        yield old, new


def test_the_same_idempotency_key_books_once_across_a_rotation(
    rotating: tuple[Client, Client], sandbox: Sandbox
) -> None:
    start, headers = (
        rotating[0].hours("users", JOHN, working_day()).json()[0],
        {"Idempotency-Key": "k"},
    )
    first, again = (client.book("users", JOHN, start, headers=headers) for client in rotating)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(sandbox.appointments()) == 1


def test_a_booking_with_one_key_invalidates_the_cache_of_the_other(
    rotating: tuple[Client, Client],
) -> None:
    old, new = rotating
    start = old.hours("users", JOHN, working_day()).json()[0]
    cached = new.hours("users", JOHN, working_day())
    assert cache_status(cached).startswith("hit; ttl=")
    assert old.book("users", JOHN, start).status_code == 201
    assert start not in new.hours("users", JOHN, working_day()).json()


def test_both_keys_share_one_rate_limit(rotating: tuple[Client, Client], sandbox: Sandbox) -> None:
    def read(call: int) -> int:
        return rotating[call % 2].hours("users", JOHN, working_day(8 + call)).status_code

    sandbox.clear_request_log()
    statuses = concurrently([partial(read, call) for call in range(3 * RATE_LIMIT)])
    assert set(statuses) == {200}
    assert max_in_window(1, arrival_times(sandbox, "/hours")) <= RATE_LIMIT


def test_a_rejected_old_key_does_not_affect_instances_with_the_new_key(
    sandbox: Sandbox, redis: Redis, redis_process: ServerProcess
) -> None:
    settings = {"VIDESK_ACCOUNT": "a shop", "SERVICES_TTL": "0"}
    with instances(sandbox, redis_process, ("removed", "rotated"), **settings) as (old, new):
        assert old.get("/api/services").status_code == 403
        assert (old.get("/readyz").status_code, new.get("/readyz").status_code) == (503, 200)
        assert new.get("/api/services").status_code == 200
        assert old.get("/readyz").status_code == 503


def test_without_an_account_a_new_key_starts_empty(
    sandbox: Sandbox, redis: Redis, redis_process: ServerProcess
) -> None:
    with instances(sandbox, redis_process, ("backend", "rotated")) as clients:
        reads = [cache_status(client.hours("users", JOHN, working_day())) for client in clients]
    assert reads == ["fwd=miss; stored"] * 2


def test_two_accounts_share_nothing(
    sandbox: Sandbox, redis: Redis, redis_process: ServerProcess
) -> None:
    with (
        instances(sandbox, redis_process, ("backend",), VIDESK_ACCOUNT="one") as (instance,),
        instances(sandbox, redis_process, ("backend",), VIDESK_ACCOUNT="other") as (other,),
    ):
        assert cache_status(instance.hours("users", JOHN, working_day())) == "fwd=miss; stored"
        assert cache_status(other.hours("users", JOHN, working_day())) == "fwd=miss; stored"

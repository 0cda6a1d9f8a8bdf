"""Concurrent identical POSTs, several workers, and outages of Redis."""

import time
from typing import Any

import gevent
import pytest

from idempotency import protocol
from idempotency.attempt import REPLAYED, digest
from idempotency.protocol import Idempotency
from idempotency.store import UNREADABLE, Record
from tests.unit.idempotency.setup import (
    KEY,
    Action,
    FakeSharedStore,
    Send,
    app,
    rejection,
    send,
    send_click,
    shared,
    short_waits,
    worker_with,
)
from videsk.errors import VideskTimeoutError

__all__ = ["app", "send", "shared", "short_waits"]

pytestmark = pytest.mark.usefixtures("short_waits")
A_REDIS: Any = object()
NAME = f"key:{digest(KEY['Idempotency-Key'])}"


def test_concurrent_requests_get_the_outcome_even_if_it_is_not_kept(send: Send) -> None:
    idempotency = Idempotency(None)
    action = Action(rejection(429), during=lambda: gevent.sleep(0.3))
    leader = gevent.spawn(send, idempotency, action)
    gevent.sleep(0.05)
    others = [gevent.spawn(send, idempotency, action) for _ in range(3)]
    gevent.sleep(0.05)
    assert not any(waiting.ready() for waiting in others)
    responses = [one.get(timeout=2) for one in (leader, *others)]
    assert [response.status_code for response in responses] == [429] * 4
    assert [REPLAYED in response.headers for response in responses] == [False] + [True] * 3
    assert action.times == 1


def other_workers_record(shared: FakeSharedStore, send: Send) -> Record:
    """Return the record of the same request, which another worker has started."""
    other = worker_with(shared)
    started_records: list[Record] = []
    action = Action(
        during=lambda: started_records.extend(one.record for one in other._in_progress.values())
    )
    send(other, action)
    shared._values.clear()
    shared.begin(NAME, started_records[0], 60)
    return started_records[0]


def test_a_request_waits_for_another_worker_while_its_lease_lasts(
    shared: FakeSharedStore, send: Send
) -> None:
    record, action = other_workers_record(shared, send), Action()
    shared.leases.add(record.owner)
    waiting = gevent.spawn(send, worker_with(shared), action)
    gevent.sleep(0.4)  # four times as long as a dead worker is waited for
    assert not waiting.ready()
    stored_response = {"status": 201, "headers": {"Link": "</b>"}, "body": "its answer"}
    outcome = Record(record.fingerprint, record.owner, "answered", stored_response)
    shared.end("another name", outcome, 60, outcome)
    response = waiting.get(timeout=2)
    assert (response.status_code, response.get_data()) == (201, b"its answer")
    assert (response.headers["Link"], response.headers[REPLAYED]) == ("</b>", "true")
    assert action.times == 0


def test_a_worker_that_died_leaves_its_key_in_doubt(shared: FakeSharedStore, send: Send) -> None:
    other_workers_record(shared, send)
    action = Action()
    new_record = time.monotonic()
    with pytest.raises(VideskTimeoutError) as caught:
        send(worker_with(shared), action)
    assert caught.value.outcome_unknown
    assert 0.1 <= time.monotonic() - new_record < 2
    assert action.times == 0


def test_a_wait_times_out(
    shared: FakeSharedStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "WAIT_SECONDS", 0.3)
    shared.leases.add(other_workers_record(shared, send).owner)
    with gevent.Timeout(3), pytest.raises(VideskTimeoutError):
        send(worker_with(shared), Action())


def test_a_record_that_cannot_be_read_is_in_doubt(shared: FakeSharedStore, send: Send) -> None:
    other_workers_record(shared, send)
    shared.end(NAME, UNREADABLE, 60, UNREADABLE)
    with pytest.raises(VideskTimeoutError):
        send(worker_with(shared), Action())


def test_the_lease_is_renewed_until_the_request_ends(
    shared: FakeSharedStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "RENEW_SECONDS", 0.05)
    owners: list[str] = []

    def wait_for_renewals(times: int) -> None:
        with gevent.Timeout(5):
            while len(shared.renewed) < times:
                gevent.sleep(0.01)

    def take_time() -> None:
        owners.extend(idempotency._in_progress)
        wait_for_renewals(2)
        shared.is_unavailable = True  # which does not end the lease
        wait_for_renewals(4)
        shared.is_unavailable = False

    idempotency = worker_with(shared)
    send(idempotency, Action(during=take_time))
    renewed = len(shared.renewed)
    assert set(shared.renewed) == set(owners)
    assert renewed >= 4
    assert not idempotency._in_progress
    gevent.sleep(0.12)
    assert len(shared.renewed) == renewed


# While Redis is unavailable


def test_a_write_waits_for_a_redis_that_another_process_already_uses_again(
    shared: FakeSharedStore, send: Send
) -> None:
    action = Action()
    first = send(worker_with(shared), action)
    shared.is_unavailable, shared.reconnects_soon = True, True
    assert send(worker_with(shared), action).get_data() == first.get_data()
    assert action.times == 1


def test_a_request_during_an_outage_is_stored_in_redis_after_it(
    shared: FakeSharedStore, send: Send
) -> None:
    idempotency, action = worker_with(shared), Action()
    shared.is_unavailable = True
    first = send(idempotency, action)
    assert send(idempotency, action).get_data() == first.get_data(), "this process has the record"
    shared.is_unavailable = False
    idempotency.publish(A_REDIS)
    assert shared.clients == [A_REDIS], "the passed client is used, because others still fail"
    assert shared.begin(NAME, Record("x", "y"), 60).state == "answered"
    again = send(worker_with(shared), action)
    assert (again.get_data(), again.headers[REPLAYED]) == (first.get_data(), "true")
    assert action.times == 1


def test_recent_outcomes_are_stored_again_because_a_failover_can_lose_them(
    shared: FakeSharedStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    idempotency, action = worker_with(shared), Action()
    first = send(idempotency, action)
    shared._values.clear()
    idempotency.publish(A_REDIS)
    again = send(worker_with(shared), action)
    assert (again.get_data(), again.headers[REPLAYED]) == (first.get_data(), "true")
    assert action.times == 1
    shared._values.clear()
    monkeypatch.setattr(protocol, "RECENT_SECONDS", 0)
    idempotency.publish(A_REDIS)
    assert not shared._values, "an old one is already replicated"


def test_forgotten_outcomes_are_not_stored_after_a_failover(
    shared: FakeSharedStore, send: Send
) -> None:
    idempotency = worker_with(shared)
    send(idempotency, Action(rejection(429)))
    send_click(send, idempotency, Action())
    shared._values.clear()
    idempotency.publish(A_REDIS)
    assert not shared._values


def test_many_outcomes_are_all_stored_after_an_outage(shared: FakeSharedStore, send: Send) -> None:
    idempotency, action = worker_with(shared), Action()
    shared.is_unavailable = True
    keys = [{"Idempotency-Key": key} for key in "abc"]
    responses = [send(idempotency, action, headers=key).get_data() for key in keys]
    shared.is_unavailable = False
    idempotency.publish(A_REDIS)
    other = worker_with(shared)
    assert [send(other, action, headers=key).get_data() for key in keys] == responses
    assert action.times == 3


def test_a_running_request_is_stored_in_redis_after_an_outage(
    shared: FakeSharedStore, send: Send
) -> None:
    idempotency, other = worker_with(shared), worker_with(shared)
    later: list[gevent.Greenlet[Any, Any]] = []
    never = Action()

    def redis_is_back() -> None:
        shared.is_unavailable = False
        idempotency.publish(A_REDIS)
        assert shared.clients == [A_REDIS]
        shared.leases.update(idempotency._in_progress)
        later.append(gevent.spawn(send, other, never))
        gevent.sleep(0.05)
        assert not later[0].ready()

    shared.is_unavailable = True
    first = send(idempotency, Action(during=redis_is_back))
    assert later[0].get(timeout=2).get_data() == first.get_data()
    assert never.times == 0


def test_this_process_has_the_record_of_a_request_from_before_an_outage(
    shared: FakeSharedStore, send: Send
) -> None:
    idempotency, never = worker_with(shared), Action()
    later: list[gevent.Greenlet[Any, Any]] = []

    def redis_is_lost() -> None:
        shared.is_unavailable = True
        later.append(gevent.spawn(send, idempotency, never))
        gevent.sleep(0.05)

    first = send(idempotency, Action(during=redis_is_lost))
    assert later[0].get(timeout=2).get_data() == first.get_data()
    assert send(idempotency, never).get_data() == first.get_data()
    assert never.times == 0


def test_a_redis_that_reconnects_during_the_call_is_used_again(
    shared: FakeSharedStore, send: Send
) -> None:
    """Otherwise records stored locally in the meantime would be missing, as `publish` already ran."""
    idempotency, action = worker_with(shared), Action()
    shared.failing_calls = 1
    first = send(idempotency, action)
    assert send(worker_with(shared), action).get_data() == first.get_data()

    def fail_once() -> None:
        shared.failing_calls = 1

    action, key = Action(during=fail_once), {"Idempotency-Key": "another"}
    first = send(idempotency, action, headers=key)
    action.during = bool
    assert send(worker_with(shared), action, headers=key).get_data() == first.get_data()
    assert action.times == 1


def test_a_booking_without_redis_can_be_repeated_after_its_cancellation(
    shared: FakeSharedStore, send: Send
) -> None:
    idempotency, action = worker_with(shared), Action()
    shared.is_unavailable = True
    send_click(send, idempotency, action)
    idempotency.end_double_click("token-1")
    send_click(send, idempotency, action)
    assert action.times == 2


def test_without_redis_in_the_settings_nothing_is_published(send: Send) -> None:
    idempotency, action = Idempotency(None), Action()
    send(idempotency, action)
    idempotency.publish(A_REDIS)
    assert action.times == 1


def test_of_too_many_outcomes_the_last_are_stored(
    shared: FakeSharedStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_UNPUBLISHED", 2)
    monkeypatch.setattr(protocol, "MAX_RECENT", 2)
    idempotency, action = worker_with(shared), Action()
    shared.is_unavailable = True
    keys = [{"Idempotency-Key": key} for key in "abc"]
    for key in keys:
        send(idempotency, action, headers=key)
    shared.is_unavailable = False
    idempotency.publish(A_REDIS)
    replayed = [REPLAYED in send(worker_with(shared), action, headers=key).headers for key in keys]
    assert replayed == [False, True, True]


def test_an_outcome_in_doubt_is_stored_as_such(shared: FakeSharedStore, send: Send) -> None:
    action = Action(VideskTimeoutError(outcome_unknown=True))
    send(worker_with(shared), action)
    assert shared.begin(NAME, Record("x", "y"), 60).state == "doubt"

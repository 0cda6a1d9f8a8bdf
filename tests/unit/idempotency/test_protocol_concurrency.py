"""Concurrent identical POSTs, several workers, and a Redis that is unavailable in between."""

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
    Send,
    Shared,
    app,
    click,
    impatient,
    over,
    refused,
    send,
    shared,
)
from videsk.errors import VideskTimeoutError

__all__ = ["app", "impatient", "send", "shared"]

pytestmark = pytest.mark.usefixtures("impatient")
A_REDIS: Any = object()
NAME = f"key:{digest(KEY['Idempotency-Key'])}"


def test_concurrent_requests_get_the_outcome_even_if_it_is_not_kept(send: Send) -> None:
    idempotency = Idempotency(None)
    action = Action(refused(429), meanwhile=lambda: gevent.sleep(0.3))
    leader = gevent.spawn(send, idempotency, action)
    gevent.sleep(0.05)
    others = [gevent.spawn(send, idempotency, action) for _ in range(3)]
    gevent.sleep(0.05)
    assert not any(waiting.ready() for waiting in others)
    responses = [one.get(timeout=2) for one in (leader, *others)]
    assert [response.status_code for response in responses] == [429] * 4
    assert [REPLAYED in response.headers for response in responses] == [False] + [True] * 3
    assert action.times == 1


def record_of_another(shared: Shared, send: Send) -> Record:
    """That of the same request at another worker, which has begun it."""
    other = over(shared)
    begun: list[Record] = []
    action = Action(
        meanwhile=lambda: begun.extend(one.record for one in other._in_progress.values())
    )
    send(other, action)
    shared._values.clear()
    shared.begin(NAME, begun[0], 60)
    return begun[0]


def test_while_another_workers_lease_lasts_its_outcome_is_waited_for(
    shared: Shared, send: Send
) -> None:
    record, action = record_of_another(shared, send), Action()
    shared.leases.add(record.owner)
    waiting = gevent.spawn(send, over(shared), action)
    gevent.sleep(0.4)  # four times as long as a dead one is given
    assert not waiting.ready()
    answer = {"status": 201, "headers": {"Link": "</b>"}, "body": "its answer"}
    outcome = Record(record.fingerprint, record.owner, "answered", answer)
    shared.end("another name", outcome, 60, outcome)
    response = waiting.get(timeout=2)
    assert (response.status_code, response.get_data()) == (201, b"its answer")
    assert (response.headers["Link"], response.headers[REPLAYED]) == ("</b>", "true")
    assert action.times == 0


def test_a_worker_that_died_leaves_its_key_in_doubt(shared: Shared, send: Send) -> None:
    record_of_another(shared, send)
    action = Action()
    started = time.monotonic()
    with pytest.raises(VideskTimeoutError) as caught:
        send(over(shared), action)
    assert caught.value.outcome_unknown
    assert 0.1 <= time.monotonic() - started < 2
    assert action.times == 0


def test_a_wait_ends(shared: Shared, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "WAIT_SECONDS", 0.3)
    shared.leases.add(record_of_another(shared, send).owner)
    with gevent.Timeout(3), pytest.raises(VideskTimeoutError):
        send(over(shared), Action())


def test_a_record_that_cannot_be_read_is_in_doubt(shared: Shared, send: Send) -> None:
    record_of_another(shared, send)
    shared.end(NAME, UNREADABLE, 60, UNREADABLE)
    with pytest.raises(VideskTimeoutError):
        send(over(shared), Action())


def test_the_lease_is_renewed_until_the_request_ends(
    shared: Shared, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "RENEW_SECONDS", 0.05)
    owners: list[str] = []

    def until_renewed(times: int) -> None:
        with gevent.Timeout(5):
            while len(shared.renewed) < times:
                gevent.sleep(0.01)

    def take_time() -> None:
        owners.extend(idempotency._in_progress)
        until_renewed(2)
        shared.is_unavailable = True  # which ends nothing
        until_renewed(4)
        shared.is_unavailable = False

    idempotency = over(shared)
    send(idempotency, Action(meanwhile=take_time))
    renewed = len(shared.renewed)
    assert set(shared.renewed) == set(owners)
    assert renewed >= 4
    assert not idempotency._in_progress
    gevent.sleep(0.12)
    assert len(shared.renewed) == renewed


# While Redis is unavailable


def test_a_write_waits_for_a_redis_that_another_process_uses_again_already(
    shared: Shared, send: Send
) -> None:
    action = Action()
    first = send(over(shared), action)
    shared.is_unavailable, shared.returns_soon = True, True
    assert send(over(shared), action).get_data() == first.get_data()
    assert action.times == 1


def test_what_began_and_ended_without_redis_is_stored_there_when_it_is_back(
    shared: Shared, send: Send
) -> None:
    idempotency, action = over(shared), Action()
    shared.is_unavailable = True
    first = send(idempotency, action)
    assert send(idempotency, action).get_data() == first.get_data(), "in this process it is known"
    shared.is_unavailable = False
    idempotency.publish(A_REDIS)
    assert shared.clients == [A_REDIS], "that of the moment: others are refused still"
    assert shared.begin(NAME, Record("x", "y"), 60).state == "answered"
    again = send(over(shared), action)
    assert (again.get_data(), again.headers[REPLAYED]) == (first.get_data(), "true")
    assert action.times == 1


def test_what_ended_lately_is_stored_again_as_a_failover_can_lose_it(
    shared: Shared, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    idempotency, action = over(shared), Action()
    first = send(idempotency, action)
    shared._values.clear()
    idempotency.publish(A_REDIS)
    again = send(over(shared), action)
    assert (again.get_data(), again.headers[REPLAYED]) == (first.get_data(), "true")
    assert action.times == 1
    shared._values.clear()
    monkeypatch.setattr(protocol, "RECENT_SECONDS", 0)
    idempotency.publish(A_REDIS)
    assert not shared._values, "an old one has been replicated"


def test_what_can_be_done_again_is_not_stored_after_a_failover(shared: Shared, send: Send) -> None:
    idempotency = over(shared)
    send(idempotency, Action(refused(429)))
    click(send, idempotency, Action())
    shared._values.clear()
    idempotency.publish(A_REDIS)
    assert not shared._values


def test_of_many_endings_each_is_stored_when_redis_is_back(shared: Shared, send: Send) -> None:
    idempotency, action = over(shared), Action()
    shared.is_unavailable = True
    keys = [{"Idempotency-Key": key} for key in "abc"]
    responses = [send(idempotency, action, headers=key).get_data() for key in keys]
    shared.is_unavailable = False
    idempotency.publish(A_REDIS)
    other = over(shared)
    assert [send(other, action, headers=key).get_data() for key in keys] == responses
    assert action.times == 3


def test_what_is_under_way_when_redis_is_back_is_stored_there(shared: Shared, send: Send) -> None:
    idempotency, other = over(shared), over(shared)
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
    first = send(idempotency, Action(meanwhile=redis_is_back))
    assert later[0].get(timeout=2).get_data() == first.get_data()
    assert never.times == 0


def test_what_began_before_redis_was_lost_is_known_in_this_process(
    shared: Shared, send: Send
) -> None:
    idempotency, never = over(shared), Action()
    later: list[gevent.Greenlet[Any, Any]] = []

    def redis_is_lost() -> None:
        shared.is_unavailable = True
        later.append(gevent.spawn(send, idempotency, never))
        gevent.sleep(0.05)

    first = send(idempotency, Action(meanwhile=redis_is_lost))
    assert later[0].get(timeout=2).get_data() == first.get_data()
    assert send(idempotency, never).get_data() == first.get_data()
    assert never.times == 0


def test_a_redis_that_reconnects_during_the_call_is_used_again(shared: Shared, send: Send) -> None:
    """Else what was stored here meanwhile would be missing there: `publish` has been."""
    idempotency, action = over(shared), Action()
    shared.failing = 1
    first = send(idempotency, action)
    assert send(over(shared), action).get_data() == first.get_data()

    def fail_once() -> None:
        shared.failing = 1

    action, key = Action(meanwhile=fail_once), {"Idempotency-Key": "another"}
    first = send(idempotency, action, headers=key)
    action.meanwhile = bool
    assert send(over(shared), action, headers=key).get_data() == first.get_data()
    assert action.times == 1


def test_a_booking_without_redis_is_free_again_once_it_is_canceled(
    shared: Shared, send: Send
) -> None:
    idempotency, action = over(shared), Action()
    shared.is_unavailable = True
    click(send, idempotency, action)
    idempotency.end_double_click("token-1")
    click(send, idempotency, action)
    assert action.times == 2


def test_without_a_redis_there_is_nothing_to_store_there(send: Send) -> None:
    idempotency, action = Idempotency(None), Action()
    send(idempotency, action)
    idempotency.publish(A_REDIS)
    assert action.times == 1


def test_of_too_many_endings_the_last_are_stored(
    shared: Shared, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_UNPUBLISHED", 2)
    monkeypatch.setattr(protocol, "MAX_RECENT", 2)
    idempotency, action = over(shared), Action()
    shared.is_unavailable = True
    keys = [{"Idempotency-Key": key} for key in "abc"]
    for key in keys:
        send(idempotency, action, headers=key)
    shared.is_unavailable = False
    idempotency.publish(A_REDIS)
    replayed = [REPLAYED in send(over(shared), action, headers=key).headers for key in keys]
    assert replayed == [False, True, True]


def test_what_is_in_doubt_is_stored_as_such(shared: Shared, send: Send) -> None:
    action = Action(VideskTimeoutError(outcome_unknown=True))
    send(over(shared), action)
    assert shared.begin(NAME, Record("x", "y"), 60).state == "doubt"

"""A booking happens once, over all workers and instances (docs/guarantees.md#g5)."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import pytest
import requests
from redis import Redis

from tests.client import FIRST_SERVICE, FORM, JOHN, ZONE, Client, bearer, working_day
from tests.days import YEAR
from tests.e2e.fleet import run_fleet, wait_until
from tests.forwarder import Forwarder
from tests.processes import Sandbox, ServerProcess, local_redis_url, proxy_server, redis_server
from tests.timing import TIMING

OUTCOME_UNKNOWN = "outcomeUnknown"


@pytest.fixture(scope="module")
def two_instances(sandbox_process: Sandbox, redis_process: ServerProcess) -> Iterator[list[str]]:
    """Start two instances with two workers each that share a Redis, and yield their URLs."""
    settings = {"REDIS_URL": redis_process.redis_url, "VIDESK_TIMEOUT": "2"}
    with (
        proxy_server(sandbox_process, **settings) as instance,
        proxy_server(sandbox_process, **settings) as other,
    ):
        yield [instance.url, other.url]


@pytest.fixture
def fleet(two_instances: list[str], redis: Redis, sandbox: Sandbox) -> list[Client]:
    return [Client(url) for url in two_instances]


def hours(client: Client) -> list[str]:
    found: list[str] = client.hours("users", JOHN, working_day()).json()
    return found


def new_key(text: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": text or uuid4().hex}


def count_bookings(sandbox: Sandbox) -> int:
    return len(sandbox.appointments())


def test_a_repeated_booking_gets_the_first_response_from_any_worker(
    fleet: list[Client], sandbox: Sandbox
) -> None:
    start, headers = hours(fleet[0])[0], new_key()
    first = fleet[0].book("users", JOHN, start, headers=headers)
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    for client in fleet * 4:
        again = client.book("users", JOHN.upper(), start, headers=headers)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.headers["Cache-Control"] == "no-store"
        assert again.headers["Content-Type"] == "application/json"
    assert count_bookings(sandbox) == 1


def test_bodies_are_compared_as_json_values(fleet: list[Client], sandbox: Sandbox) -> None:
    start, headers = hours(fleet[0])[0], new_key() | {"Content-Type": "application/json"}
    path = f"/api/users/{JOHN}/appointments"
    form = '[{"_id": "videsk_essential", "value": ""}, {"value": %s, "_id": "60dbe3416af0be33b8b372b5"}]'
    spelled = [
        f'{{"startAt": "{start}", "timezone": "{ZONE}", "form": {form % "3"}, "service": "{FIRST_SERVICE}"}}',
        f'{{"service":"{FIRST_SERVICE}","form":{form % "3.0"},\n"timezone":"{ZONE}","startAt":"{start}"}}',
        f'{{"service":"{FIRST_SERVICE}","form":{form % "30e-1"},"timezone":"America\\/Santiago","startAt":"{start}"}}',
    ]
    responses = [fleet[0].call("POST", path, data=body, headers=headers) for body in spelled]
    assert [response.status_code for response in responses] == [201, 201, 201]
    assert len({response.content for response in responses}) == 1
    assert count_bookings(sandbox) == 1


def test_another_body_path_or_token_under_one_key_is_a_422(fleet: list[Client]) -> None:
    client, headers = fleet[0], new_key()
    first, second, *_ = hours(client)
    booked = client.book("users", JOHN, first, headers=headers).json()
    token = bearer(booked["actionToken"])
    others = [
        client.book("users", JOHN, second, headers=headers),
        client.book("users", JOHN, first, headers=headers, referrer="elsewhere"),
        client.book("services", FIRST_SERVICE, first, headers=headers),
        fleet[1].post("/api/appointment/cancel", {}, headers=headers | token),
    ]
    for response in others:
        assert (response.status_code, response.json()["name"]) == (422, "Unprocessable")
        assert response.json()["className"] == "unprocessable"
        assert response.headers["X-Error-Source"] == "proxy"
    cancel_key = new_key()
    cancel = "/api/appointment/cancel"
    assert client.post(cancel, {}, headers=cancel_key | bearer("a.b.c")).status_code == 401
    assert client.post(cancel, {}, headers=cancel_key | token).status_code == 422


@pytest.mark.parametrize("bad", ["", "a b", "x" * 256, "ñ".encode(), "a\tb"])
def test_a_malformed_key_is_a_400(fleet: list[Client], sandbox: Sandbox, bad: Any) -> None:
    response = fleet[0].book("users", JOHN, hours(fleet[0])[0], headers={"Idempotency-Key": bad})
    assert (response.status_code, response.json()["name"]) == (400, "BadRequest")
    assert count_bookings(sandbox) == 0


@TIMING
def test_a_concurrent_duplicate_waits_for_the_first_and_gets_its_response(
    fleet: list[Client], sandbox: Sandbox
) -> None:
    start, headers = hours(fleet[0])[0], new_key()
    sandbox.fault("delay", seconds=1, method="POST")
    with ThreadPoolExecutor(12) as pool:
        responses = list(
            pool.map(lambda n: fleet[n % 2].book("users", JOHN, start, headers=headers), range(12))
        )
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert sum("Idempotency-Replayed" not in response.headers for response in responses) == 1
    assert count_bookings(sandbox) == 1


@TIMING
def test_waiting_duplicates_get_a_response_that_is_not_stored(
    fleet: list[Client], sandbox: Sandbox
) -> None:
    start, headers = hours(fleet[0])[0], new_key()
    sandbox.fault("status", status=429, body={"name": "TooManyRequests"}, seconds=1, method="POST")
    with ThreadPoolExecutor(6) as pool:
        responses = list(
            pool.map(lambda n: fleet[n % 2].book("users", JOHN, start, headers=headers), range(6))
        )
    assert [response.status_code for response in responses] == [429] * 6
    assert sum("Idempotency-Replayed" not in response.headers for response in responses) == 1
    assert [entry["method"] for entry in sandbox.request_log()].count("POST") == 1


STORED_STATUSES = [200, 201, 400, 404, 409, 422]
UNSTORED_STATUSES = [401, 403, 429, 503]
IN_DOUBT = [500, 502, 504, 599]


@pytest.mark.parametrize("status", STORED_STATUSES)
def test_a_decision_of_videsk_is_stored(
    fleet: list[Client], sandbox: Sandbox, redis: Redis, status: int
) -> None:
    headers = new_key()
    sandbox.fault("status", status=status, body={"says": "once"}, method="POST", times=1)
    first = fleet[0].book("users", JOHN, f"{YEAR}-05-06T12:00:00Z", headers=headers)
    again = fleet[1].book("users", JOHN, f"{YEAR}-05-06T12:00:00Z", headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("X-Error-Source", "Link", "Content-Type"):
        assert again.headers.get(name) == first.headers.get(name)
    (record,) = redis.scan_iter("*once:key:*")
    assert 86000 < redis.ttl(record) <= 86400


@pytest.mark.parametrize("status", UNSTORED_STATUSES)
def test_without_a_decision_the_key_can_be_used_again(
    fleet: list[Client], sandbox: Sandbox, status: int
) -> None:
    start, headers = hours(fleet[0])[0], new_key()
    sandbox.fault(
        "status", status=status, body={}, method="POST", times=1, headers={"Retry-After": "0"}
    )
    assert fleet[0].book("users", JOHN, start, headers=headers).status_code == status
    again = fleet[1].book("users", JOHN, start, headers=headers)
    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_appointment_token_is_stored(
    fleet: list[Client], sandbox: Sandbox, status: int
) -> None:
    headers = new_key() | bearer("a.b.c")
    sandbox.fault("status", status=status, body={"first": True}, method="POST", times=1)
    first = fleet[0].post("/api/appointment/cancel", {}, headers=headers)
    again = fleet[1].call("POST", "/api/appointment/cancel", headers=headers)
    assert (again.status_code, again.content) == (status, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_after_an_error_of_the_proxy_the_key_can_be_used_again(fleet: list[Client]) -> None:
    start, headers = hours(fleet[0])[0], new_key()
    assert fleet[0].book("users", JOHN, start, headers=headers, form=[]).status_code == 400
    assert fleet[0].book("users", JOHN, start, headers=headers).status_code == 201


def assert_in_doubt(response: requests.Response) -> None:
    body = response.json()
    assert (response.status_code, body["name"]) == (504, "GatewayTimeout")
    assert body["data"] == OUTCOME_UNKNOWN


@pytest.mark.parametrize("fault", [*IN_DOUBT, "reset", "close", "hang", "html", "cut"])
def test_a_key_in_doubt_never_books_again(
    fleet: list[Client], sandbox: Sandbox, fault: int | str
) -> None:
    start, headers = hours(fleet[0])[0], new_key()
    failure: dict[str, Any] = (
        {"fault": "status", "status": fault, "body": {}}
        if isinstance(fault, int)
        else {"fault": fault, "seconds": 4}
    )
    sandbox.fault(**failure, method="POST", times=1, after=True)
    first = fleet[0].book("users", JOHN, start, headers=headers)
    assert first.status_code >= 500
    for client in fleet * 2:
        assert_in_doubt(client.book("users", JOHN, start, headers=headers))
    assert count_bookings(sandbox) == 1
    count_posts = [entry for entry in sandbox.request_log() if entry["method"] == "POST"]
    assert len(count_posts) == 1
    new_decision = fleet[1].book("users", JOHN, start, headers=new_key())
    assert new_decision.status_code == 409, "the first attempt booked it"


@TIMING
def test_a_worker_that_dies_during_a_booking_leaves_its_key_in_doubt(
    sandbox: Sandbox, redis_url: str
) -> None:
    settings = {"REDIS_URL": redis_url, "WEB_CONCURRENCY": "1"}
    with proxy_server(sandbox, **settings) as victim, proxy_server(sandbox, **settings) as other:
        start, headers = hours(Client(victim.url))[0], new_key()
        sandbox.fault("delay", seconds=20, method="POST", times=1, after=True)
        sent = threading.Thread(
            target=book_without_response, args=(Client(victim.url), start, headers)
        )
        sent.start()
        while (
            count_bookings(sandbox)
            + len([e for e in sandbox.request_log() if e["method"] == "POST"])
            == 0
        ):
            time.sleep(0.05)
        os.killpg(victim.process.pid, signal.SIGKILL)
        sent.join()
        started = time.monotonic()
        assert_in_doubt(Client(other.url).book("users", JOHN, start, headers=headers))
        assert time.monotonic() - started < 8


def book_without_response(client: Client, start: str, headers: dict[str, str]) -> None:
    with pytest.raises(requests.ConnectionError):
        client.book("users", JOHN, start, headers=headers)


def test_a_double_click_books_once_without_a_key(fleet: list[Client], sandbox: Sandbox) -> None:
    start = hours(fleet[0])[0]
    with ThreadPoolExecutor(4) as pool:
        responses = list(
            pool.map(
                lambda n: fleet[n % 2].book("users", JOHN, start, headers={"X": "1"}), range(4)
            )
        )
    assert len({response.content for response in responses}) == 1
    assert {response.status_code for response in responses} == {201}
    assert count_bookings(sandbox) == 1


def test_a_double_click_has_the_same_body_and_address(
    sandbox: Sandbox, redis_process: ServerProcess, redis: Redis
) -> None:
    with proxy_server(sandbox, REDIS_URL=redis_process.redis_url, TRUSTED_PROXIES="1") as server:
        client = Client(server.url)
        start = hours(client)[0]
        statuses = [
            client.book(
                "users", JOHN, start, headers={"X-Forwarded-For": address}, **more
            ).status_code
            for address, more in (
                ("10.0.0.1", {}),
                ("10.0.0.2", {}),
                ("10.0.0.1", {"referrer": "x"}),
            )
        ]
    assert statuses == [201, 409, 409]


@pytest.mark.parametrize("how", ["cancel", "reschedule"])
def test_booking_the_same_hour_after_a_cancellation_or_move_is_a_new_booking(
    fleet: list[Client], sandbox: Sandbox, how: str
) -> None:
    start, other, *_ = hours(fleet[0])
    no_key = {"X": "1"}
    booked = fleet[0].book("users", JOHN, start, headers=no_key).json()
    body = {"date": other} if how == "reschedule" else {}
    ended = fleet[1].post(f"/api/appointment/{how}", body, headers=bearer(booked["actionToken"]))
    assert ended.status_code == 200
    again = fleet[1].book("users", JOHN, start, headers=no_key)
    assert again.status_code == 201
    assert again.json()["actionToken"] != booked["actionToken"]
    assert count_bookings(sandbox) == (3 if how == "reschedule" else 2)


def test_a_second_cancellation_without_a_key_is_sent_to_videsk(fleet: list[Client]) -> None:
    token = bearer(fleet[0].book("users", JOHN, hours(fleet[0])[0]).json()["actionToken"])
    responses = [fleet[0].post("/api/appointment/cancel", {}, headers=token) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 401]


def test_a_repeated_cancellation_with_a_key_gets_the_first_response(fleet: list[Client]) -> None:
    booked = fleet[0].book("users", JOHN, hours(fleet[0])[0]).json()
    headers = bearer(booked["actionToken"]) | new_key()
    responses = [client.post("/api/appointment/cancel", {}, headers=headers) for client in fleet]
    assert [response.status_code for response in responses] == [200, 200]
    assert responses[0].content == responses[1].content


def test_form_values_are_stored_only_in_the_response(
    fleet: list[Client], sandbox: Sandbox, redis: Redis
) -> None:
    form = [*FORM, {"_id": "60dbe3416af0be33b8b372b3", "value": "+56 9 5555 1234"}]
    fleet[0].book("users", JOHN, hours(fleet[0])[0], form=form)
    held = b"".join(redis.dump(name) or b"" for name in redis.scan_iter())
    assert b"5555 1234" not in held
    assert "Ana P" not in held.decode(errors="replace")


def test_without_redis_bookings_are_idempotent_within_the_process(sandbox: Sandbox) -> None:
    with proxy_server(sandbox) as server:
        client = Client(server.url)
        start, headers = hours(client)[0], new_key()
        with ThreadPoolExecutor(4) as pool:
            responses = list(
                pool.map(lambda _: client.book("users", JOHN, start, headers=headers), range(4))
            )
        assert {response.status_code for response in responses} == {201}
        assert len({response.content for response in responses}) == 1
        other = client.book("users", JOHN, start, headers=headers, referrer="x")
        assert other.status_code == 422
    assert count_bookings(sandbox) == 1


def test_a_booking_while_redis_dies_is_made_once_and_replayed_by_its_worker(
    sandbox: Sandbox,
) -> None:
    with redis_server() as redis, proxy_server(
        sandbox, REDIS_URL=redis.redis_url, WEB_CONCURRENCY="1"
    ) as server:  # fmt: skip
        client = Client(server.url)
        start, headers = hours(client)[0], new_key()
        sandbox.fault("delay", seconds=2, method="POST", times=1)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(client.book, "users", JOHN, start, headers)
            while not any(entry["method"] == "POST" for entry in sandbox.request_log()):
                time.sleep(0.05)
            os.killpg(redis.process.pid, signal.SIGKILL)
            assert first.result().status_code == 201
        again = client.book("users", JOHN, start, headers=headers)
        assert (again.status_code, again.content) == (201, first.result().content)
    assert count_bookings(sandbox) == 1


class InterruptibleRedis:
    """A Redis behind a Forwarder, which can stall or break connections, or lead to an empty server."""

    def __init__(self, redis: Redis) -> None:
        port = redis.connection_pool.connection_kwargs["port"]
        self.forwarder = Forwarder(port)
        self.redis = redis
        self.url = local_redis_url(self.forwarder.port)


@pytest.fixture
def interruptible_redis(redis: Redis) -> Iterator[InterruptibleRedis]:
    server = InterruptibleRedis(redis)
    with closing(server.forwarder):
        yield server


@pytest.fixture
def workers(sandbox: Sandbox, interruptible_redis: InterruptibleRedis) -> Iterator[list[Client]]:
    """Start two instances with one worker each, so that a test can choose the worker."""
    settings = {"REDIS_URL": interruptible_redis.url, "WEB_CONCURRENCY": "1", "VIDESK_TIMEOUT": "8"}
    with run_fleet(sandbox, None, settings, instances=2) as fleet:
        yield fleet.clients


def redis_is(client: Client, state: str) -> bool:
    return bool(client.get("/readyz").json()["redis"] == state)


def stall_redis(server: InterruptibleRedis, workers: list[Client]) -> None:
    server.forwarder.stalled = True
    wait_until(lambda: all(redis_is(client, "away") for client in workers))


def restore_redis(server: InterruptibleRedis, workers: list[Client]) -> None:
    server.forwarder.stalled = False
    wait_until(lambda: all(redis_is(client, "ok") for client in workers))


def count_posts(sandbox: Sandbox) -> int:
    return sum(entry["method"] == "POST" for entry in sandbox.request_log())


@contextmanager
def delayed_booking(
    client: Client, sandbox: Sandbox, start: str, headers: dict[str, str], seconds: float
) -> Iterator[Future[requests.Response]]:
    """Run the block while Videsk has received a booking, to which it responds after `seconds`."""
    sandbox.fault("delay", seconds=seconds, method="POST", times=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.book, "users", JOHN, start, headers)
        wait_until(lambda: count_posts(sandbox) == 1)
        yield first


def assert_replayed_by_all(
    workers: list[Client], start: str, headers: dict[str, str], first: requests.Response
) -> None:
    for client in workers:
        again = client.book("users", JOHN, start, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"


def test_a_booking_that_starts_without_redis_and_ends_with_it_is_replayed_by_all(
    workers: list[Client], interruptible_redis: InterruptibleRedis, sandbox: Sandbox
) -> None:
    start, headers = hours(workers[0])[0], new_key()
    stall_redis(interruptible_redis, workers)
    with delayed_booking(workers[0], sandbox, start, headers, 3) as first:
        restore_redis(interruptible_redis, workers)
        second = workers[1].book("users", JOHN, start, headers=headers)
        assert (second.status_code, second.content) == (201, first.result().content)
        assert_replayed_by_all(workers, start, headers, first.result())
    assert (count_posts(sandbox), count_bookings(sandbox)) == (1, 1)


def test_a_booking_that_ends_without_redis_is_replayed_by_all_when_it_is_back(
    workers: list[Client], interruptible_redis: InterruptibleRedis, sandbox: Sandbox
) -> None:
    start, headers = hours(workers[0])[0], new_key()
    with delayed_booking(workers[0], sandbox, start, headers, 3) as first:
        stall_redis(interruptible_redis, workers)
        again = workers[0].book("users", JOHN, start, headers=headers)
        assert (again.status_code, again.content) == (201, first.result().content)
    restore_redis(interruptible_redis, workers)
    assert_replayed_by_all(workers, start, headers, first.result())
    assert (count_posts(sandbox), count_bookings(sandbox)) == (1, 1)


def test_after_a_rejection_without_redis_the_key_can_be_used_again_when_it_is_back(
    workers: list[Client], interruptible_redis: InterruptibleRedis, sandbox: Sandbox
) -> None:
    start, headers = hours(workers[0])[0], new_key()
    sandbox.fault(
        "status",
        status=429,
        body={},
        method="POST",
        times=1,
        seconds=2,
        headers={"Retry-After": "0"},
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(workers[0].book, "users", JOHN, start, headers)
        wait_until(lambda: count_posts(sandbox) == 1)
        stall_redis(interruptible_redis, workers)
        assert first.result().status_code == 429
    restore_redis(interruptible_redis, workers)
    assert workers[1].book("users", JOHN, start, headers=headers).status_code == 201


def test_an_emptied_redis_during_a_booking_loses_no_key(
    workers: list[Client], interruptible_redis: InterruptibleRedis, sandbox: Sandbox
) -> None:
    start, headers = hours(workers[0])[0], new_key()
    with redis_server() as empty:
        with delayed_booking(workers[0], sandbox, start, headers, 3) as first:
            interruptible_redis.forwarder.target = empty.port
            interruptible_redis.forwarder.break_connections()
            wait_until(lambda: Redis(port=empty.port).keys("*once:key:*"), seconds=5)
            # The other worker may not use Redis again yet. Its booking waits until it does.
            second = workers[1].book("users", JOHN, start, headers=headers)
            assert (second.status_code, second.content) == (201, first.result().content)
        assert_replayed_by_all(workers, start, headers, first.result())
    assert (count_posts(sandbox), count_bookings(sandbox)) == (1, 1)


def test_a_lost_response_of_redis_does_not_use_up_the_key(
    workers: list[Client], interruptible_redis: InterruptibleRedis, sandbox: Sandbox, redis: Redis
) -> None:
    """Redis stores the record, but the connection breaks before its response."""
    start, headers = hours(workers[0])[0], new_key()
    interruptible_redis.forwarder.break_after = b"once:key:"
    first = workers[0].book("users", JOHN, start, headers=headers)
    assert interruptible_redis.forwarder.break_after is None, "the connection was broken"
    assert first.status_code == 201
    wait_until(lambda: all(redis_is(client, "ok") for client in workers))
    assert_replayed_by_all(workers, start, headers, first)
    assert (count_posts(sandbox), count_bookings(sandbox)) == (1, 1)


@pytest.mark.parametrize("garbage", [b"", b"{", b"9 of another version", b'{"v": 2}', b"1 x y"])
def test_an_unreadable_record_is_in_doubt(
    fleet: list[Client], sandbox: Sandbox, redis: Redis, garbage: bytes
) -> None:
    start, headers = hours(fleet[0])[0], new_key()
    assert fleet[0].book("users", JOHN, start, headers=headers).status_code == 201
    (record,) = redis.scan_iter("*once:key:*")
    redis.set(record, garbage, keepttl=True)
    for client in fleet:
        assert_in_doubt(client.book("users", JOHN, start, headers=headers))
    assert count_posts(sandbox) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
def test_without_a_key_the_same_body_after_a_rejection_is_a_new_attempt(
    fleet: list[Client], sandbox: Sandbox, status: int
) -> None:
    start, no_key = hours(fleet[0])[0], {"X": "1"}
    sandbox.fault(
        "status", status=status, body={}, method="POST", times=1, headers={"Retry-After": "0"}
    )
    assert fleet[0].book("users", JOHN, start, headers=no_key).status_code == status
    again = fleet[1].book("users", JOHN, start, headers=no_key)
    assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (201, None)


def test_a_double_click_gets_the_error_of_the_first(fleet: list[Client], sandbox: Sandbox) -> None:
    start = hours(fleet[0])[0]
    sandbox.fault("status", status=409, body={"of": "the first"}, method="POST", seconds=1)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(fleet[n % 2].book, "users", JOHN, start, {"X": "1"}) for n in range(4)]
        responses = [call.result() for call in calls]
    assert [response.status_code for response in responses] == [409] * 4
    assert count_posts(sandbox) == 1


def test_the_double_click_window_is_ten_seconds_from_the_first_response(
    fleet: list[Client], sandbox: Sandbox, redis: Redis
) -> None:
    start, no_key = hours(fleet[0])[0], {"X": "1"}
    sandbox.fault("delay", seconds=0.7, method="POST", times=1)
    assert fleet[0].book("users", JOHN, start, headers=no_key).status_code == 201
    (record,) = redis.scan_iter("*once:click:*")
    assert 9000 < redis.pttl(record) <= 10_000


def test_a_rejected_booking_uses_little_memory_in_redis(
    fleet: list[Client], sandbox: Sandbox, redis: Redis
) -> None:
    """Each client may send ten a minute, and each record is kept for a day."""
    start = hours(fleet[0])[0]
    fleet[0].book("users", JOHN, start)
    assert fleet[0].book("users", JOHN, start).status_code == 409
    sizes = [redis.memory_usage(name) or 0 for name in redis.scan_iter("*once:key:*")]
    assert len(sizes) == 2
    assert 0 < min(sizes) < 400

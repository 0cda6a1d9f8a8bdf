"""With a captcha, a booking needs a token that the captcha provider confirms."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import requests
from redis import Redis

from tests.client import FIRST_SERVICE, JOHN, MARK, Client, bearer
from tests.days import YEAR
from tests.e2e.captcha_provider import CaptchaProvider, captcha_provider
from tests.e2e.fleet import concurrently, only_worker, started_workers, wait_until
from tests.processes import Sandbox, ServerProcess, free_port, proxy_server
from tests.timing import TIMING

SECRET, TOKEN = "s3cr3t-of-the-captcha", "t0ken-of-a-visitor"
START, LATER = f"{YEAR}-05-06T14:00:00.000Z", f"{YEAR}-05-06T15:00:00.000Z"
KINDS = {"users": JOHN, "services": FIRST_SERVICE}
CAPTCHA_REJECTED = {
    "name": "Unprocessable",
    "message": "Your submit looks suspicious, not pass the captcha validation.",
    "code": 422,
    "className": "unprocessable",
    "data": {"extraData": "invalid-input-response"},
    "errors": {},
}


@pytest.fixture(scope="module")
def shared_provider() -> Iterator[CaptchaProvider]:
    with captcha_provider() as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: CaptchaProvider) -> CaptchaProvider:
    """Return the provider, which confirms every token by default."""
    shared_provider.respond_with({"success": True, "error-codes": []})
    shared_provider.requests_received.clear()
    shared_provider.single_use = False
    return shared_provider


@pytest.fixture(scope="module")
def captcha_proxy(
    sandbox_process: Sandbox, redis_process: ServerProcess, shared_provider: CaptchaProvider
) -> Iterator[ServerProcess]:
    with proxy_server(
        sandbox_process,
        REDIS_URL=redis_process.redis_url,
        LOG_LEVEL="debug",
        CAPTCHA_PROVIDER="turnstile",
        CAPTCHA_SECRET=SECRET,
        CAPTCHA_VERIFY_URL=f"{shared_provider.url}/siteverify",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def captcha_proxy_without_redis(
    sandbox_process: Sandbox, shared_provider: CaptchaProvider
) -> Iterator[ServerProcess]:
    with proxy_server(
        sandbox_process,
        CAPTCHA_PROVIDER="turnstile",
        CAPTCHA_SECRET=SECRET,
        CAPTCHA_VERIFY_URL=f"{shared_provider.url}/siteverify",
    ) as server:
        yield server


@pytest.fixture
def client(
    captcha_proxy: ServerProcess, provider: CaptchaProvider, redis: Redis, sandbox: Sandbox
) -> Client:
    return Client(captcha_proxy.url)


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def assert_unavailable(response: requests.Response, sandbox: Sandbox) -> None:
    assert (response.status_code, response.json()["name"]) == (503, "Unavailable")
    assert response.headers["X-Error-Source"] == "proxy"
    assert sandbox.request_log() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_confirmed_token_books_and_is_not_sent_to_videsk(
    client: Client, provider: CaptchaProvider, sandbox: Sandbox, kind: str
) -> None:
    assert client.book(kind, KINDS[kind], START, token=TOKEN).status_code == 201
    assert provider.requests_received == [("/siteverify", {"secret": SECRET, "response": TOKEN})]
    bodies = [json.loads(str(e["body"])) for e in sandbox.request_log() if e["method"] == "POST"]
    assert [sorted(body) for body in bodies] == [
        sorted(["startAt", "timezone", "form", "referrer"] + ["service"] * (kind == "users"))
    ]
    assert TOKEN not in str(sandbox.request_log())


@pytest.mark.parametrize("code", ["invalid-input-response", "timeout-or-duplicate"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_rejected_token_gets_the_422_of_videsk(
    client: Client, provider: CaptchaProvider, sandbox: Sandbox, kind: str, code: str
) -> None:
    provider.reject(code, "another-code")
    response = client.book(kind, KINDS[kind], START, token=TOKEN)
    assert (response.status_code, response.headers["X-Error-Source"]) == (422, "proxy")
    assert response.json() == CAPTCHA_REJECTED | {"data": {"extraData": code}}
    assert sandbox.request_log() == []


@pytest.mark.parametrize(
    ("none", "message"),
    [
        ({}, 'Please provide a valid "token", is mandatory.'),
        ({"token": ""}, '"token" must be a string that is not empty'),
        ({"token": None}, '"token" must not be null'),
        ({"token": 5}, '"token" must be a string that is not empty'),
    ],
)
def test_without_a_token_no_request_is_sent(
    client: Client, provider: CaptchaProvider, sandbox: Sandbox, none: dict[str, Any], message: str
) -> None:
    response = client.book("users", JOHN, START, **none)
    assert (response.status_code, response.json()["name"]) == (400, "BadRequest")
    assert response.json()["message"] == message
    assert "token" in response.json()["errors"]
    assert sandbox.request_log() == []
    assert provider.requests_received == []


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ({"success": True}, 500),
        (b"<p>Maintenance", 200),
        (b"", 200),
        (b"[" * 100_000, 200),
        ([True], 200),
        ({"success": "true"}, 200),
        ({"error-codes": []}, 200),
        ({"success": False, "error-codes": ["invalid-input-secret"]}, 200),
        ({"success": False, "error-codes": ["missing-input-secret"]}, 400),
    ],
    ids=["500", "HTML", "empty", "deep", "list", "text", "no-verdict", "wrong-secret", "no-secret"],
)
def test_an_unusable_verdict_is_a_503_and_books_nothing(
    client: Client, provider: CaptchaProvider, sandbox: Sandbox, verdict: object, status: int
) -> None:
    provider.respond_with(verdict, status)
    headers = new_key()
    assert_unavailable(client.book("users", JOHN, START, headers, token=TOKEN), sandbox)
    provider.respond_with({"success": True})
    again = client.book("users", JOHN, START, headers, token=TOKEN)
    assert again.status_code == 201, "the idempotency key can be used again"


@pytest.mark.parametrize("codes", ["a-text", 5, [], [{}], [[]], {"a": 1}, [None]])
def test_malformed_error_codes_do_not_cause_a_500(
    client: Client, provider: CaptchaProvider, sandbox: Sandbox, codes: object
) -> None:
    provider.respond_with({"success": False, "error-codes": codes})
    headers = new_key()
    response = client.book("users", JOHN, START, headers, token=TOKEN)
    assert (response.status_code, response.json()) == (422, CAPTCHA_REJECTED)
    assert sandbox.request_log() == []
    provider.respond_with({"success": True})
    assert client.book("users", JOHN, START, headers, token=TOKEN).status_code == 201


def test_a_redirect_of_the_provider_is_not_followed(
    client: Client, provider: CaptchaProvider, sandbox: Sandbox
) -> None:
    provider.respond_with(b"<p>Moved", 307, Location=f"{provider.url}/elsewhere")
    response = client.book("users", JOHN, START, token=TOKEN)
    assert [path for path, _ in provider.requests_received] == ["/siteverify"]
    assert_unavailable(response, sandbox)


@TIMING
def test_a_hanging_captcha_provider_times_out_and_does_not_delay_others(
    client: Client, provider: CaptchaProvider, sandbox: Sandbox
) -> None:
    provider.hangs = True
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        booking = pool.submit(client.book, "users", JOHN, START, new_key(), token=TOKEN)
        assert client.get("/api/services").status_code == 200
        assert time.monotonic() - started < 3
        sandbox.clear_request_log()
        assert_unavailable(booking.result(), sandbox)
    assert 4 < time.monotonic() - started < 10


@pytest.mark.parametrize("name", ["turnstile", "hcaptcha", "recaptcha"])
def test_a_provider_that_is_down_is_a_503(sandbox: Sandbox, name: str) -> None:
    with proxy_server(
        sandbox,
        CAPTCHA_PROVIDER=name,
        CAPTCHA_SECRET=SECRET,
        CAPTCHA_VERIFY_URL=f"http://127.0.0.1:{free_port()}",
    ) as server:
        assert_unavailable(Client(server.url).book("users", JOHN, START, token=TOKEN), sandbox)


def test_after_a_rejected_captcha_the_key_can_be_used_with_another_token(
    client: Client, provider: CaptchaProvider
) -> None:
    headers = new_key()
    provider.reject("invalid-input-response")
    assert client.book("users", JOHN, START, headers, token="a-bad-one").status_code == 422
    assert client.book("users", JOHN, START, headers).status_code == 400
    provider.respond_with({"success": True})
    booked = client.book("users", JOHN, START, headers, token=TOKEN)
    assert booked.status_code == 201
    assert "Idempotency-Replayed" not in booked.headers


def test_a_replay_does_not_verify_the_captcha_again(
    client: Client, provider: CaptchaProvider
) -> None:
    headers = new_key()
    first = client.book("users", JOHN, START, headers, token=TOKEN)
    provider.reject("timeout-or-duplicate")
    for _ in range(4):
        again = client.book("users", JOHN, START, headers, token=TOKEN)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert len(provider.requests_received) == 1


NOT_BOOKED = [400, 401, 404, 409, 422, 429, 503]
"""Statuses of Videsk that mean that nothing was booked."""


@pytest.fixture(params=["captcha_proxy", "captcha_proxy_without_redis"])
def single_use_proxy(
    request: pytest.FixtureRequest, provider: CaptchaProvider, redis: Redis, sandbox: Sandbox
) -> ServerProcess:
    """Return a proxy whose captcha provider confirms each token only once."""
    server: ServerProcess = request.getfixturevalue(request.param)
    provider.single_use = True
    return server


@pytest.mark.parametrize("status", NOT_BOOKED)
def test_a_booking_that_was_not_made_does_not_use_up_its_token(
    single_use_proxy: ServerProcess, provider: CaptchaProvider, sandbox: Sandbox, status: int
) -> None:
    client = Client(single_use_proxy.url)
    headers = {"Retry-After": "1"} if status == 429 else {}
    sandbox.fault("status", status=status, body={}, headers=headers, times=1)
    failed = client.book("users", JOHN, START, token=TOKEN)
    assert (failed.status_code, failed.headers["X-Error-Source"]) == (status, "videsk")
    assert client.book("users", JOHN, START, token=TOKEN).status_code == 201
    assert len(provider.requests_received) == 1


def test_a_booking_that_the_throttle_rejects_does_not_use_up_its_token(
    single_use_proxy: ServerProcess, provider: CaptchaProvider, sandbox: Sandbox
) -> None:
    client = Client(single_use_proxy.url)
    sandbox.fault("reset")
    for day in range(1, 15):
        client.hours("users", JOHN, f"{YEAR}-06-{day:02}")
    refused = client.book("users", JOHN, START, token=TOKEN)
    assert (refused.status_code, refused.headers["X-Error-Source"]) == (503, "proxy")
    sandbox.reset()
    wait_until(lambda: client.book("users", JOHN, START, token=TOKEN).status_code == 201)
    assert len(provider.requests_received) == 1


def test_another_worker_can_handle_the_retry(
    captcha_proxy: ServerProcess, provider: CaptchaProvider, sandbox: Sandbox, redis: Redis
) -> None:
    provider.single_use = True
    client = Client(captcha_proxy.url)
    statuses = []
    for worker in started_workers(captcha_proxy):
        sandbox.fault("status", status=503, body={}, times=1)
        with only_worker(captcha_proxy, worker):
            statuses.append(client.book("users", JOHN, START, token=TOKEN).status_code)
        (name,) = redis.keys("*captcha:*")
        assert 0 < redis.pttl(name) <= 60_000
        assert TOKEN.encode() not in name
        assert TOKEN.encode() not in (redis.dump(name) or b"")
    assert statuses == [503, 503]
    assert client.book("users", JOHN, START, token=TOKEN).status_code == 201
    assert redis.keys("*captcha:*") == []
    assert len(provider.requests_received) == 1


@pytest.mark.parametrize("status", [201, 500])
def test_a_booking_that_may_have_been_made_uses_up_its_token(
    single_use_proxy: ServerProcess, provider: CaptchaProvider, sandbox: Sandbox, status: int
) -> None:
    client = Client(single_use_proxy.url)
    if status == 500:
        sandbox.fault("status", status=500, body={}, times=1)
    assert client.book("users", JOHN, START, token=TOKEN).status_code == status
    again = client.book("users", JOHN, START, token=TOKEN)
    assert (again.status_code, again.json()["data"]) == (422, {"extraData": "timeout-or-duplicate"})


@pytest.mark.parametrize("other", ["hour", "path"])
def test_a_confirmation_is_valid_only_for_the_same_path_and_body(
    single_use_proxy: ServerProcess, provider: CaptchaProvider, sandbox: Sandbox, other: str
) -> None:
    client = Client(single_use_proxy.url)
    sandbox.fault("status", status=503, body={}, times=1)
    assert client.book("users", JOHN, START, token=TOKEN).status_code == 503
    user, hour = (JOHN, LATER) if other == "hour" else (MARK, START)
    assert client.book("users", user, hour, token=TOKEN).status_code == 422
    assert client.book("users", JOHN.upper(), START, token=TOKEN).status_code == 201


def test_a_double_click_is_verified_once(
    single_use_proxy: ServerProcess, provider: CaptchaProvider
) -> None:
    book = partial(
        Client(single_use_proxy.url).book, "users", JOHN, START, {"X-Request-ID": "x"}, token=TOKEN
    )
    assert {response.status_code for response in concurrently([book] * 4)} == {201}
    assert len(provider.requests_received) == 1


def test_moving_and_canceling_need_no_captcha(client: Client, provider: CaptchaProvider) -> None:
    booked = client.book("users", JOHN, START, token=TOKEN).json()
    provider.requests_received.clear()
    provider.reject("invalid-input-response")
    token = bearer(booked["actionToken"])
    moved = client.post("/api/appointment/reschedule", {"date": LATER}, headers=token)
    assert moved.status_code == 200
    token = bearer(moved.json()["actionToken"])
    assert client.post("/api/appointment/cancel", {}, headers=token).status_code == 200
    assert provider.requests_received == []


def test_neither_secret_nor_token_is_in_the_log(
    client: Client, provider: CaptchaProvider, captcha_proxy: ServerProcess
) -> None:
    before = len(captcha_proxy.output())
    for codes in ([], ["invalid-input-response"], ["invalid-input-secret"]):
        provider.respond_with({"success": not codes, "error-codes": codes})
        client.book("users", JOHN, START, token=TOKEN)
    provider.respond_with(TOKEN.encode() + SECRET.encode())
    client.book("users", JOHN, START, token=TOKEN)
    log = captcha_proxy.output()
    assert log[before:].count('"request"') == 4
    assert SECRET not in log
    assert TOKEN not in log


def test_without_the_setting_videsk_verifies_the_token(sandbox: Sandbox) -> None:
    with proxy_server(sandbox, VIDESK_API_KEY=sandbox.keys["public"]) as server:
        client = Client(server.url)
        assert client.book("users", JOHN, START, token="captcha-ok").status_code == 201
        sent = [json.loads(str(entry["body"])) for entry in sandbox.request_log()]
        assert [body["token"] for body in sent if "token" in body] == ["captcha-ok"]
        refused = client.book("users", JOHN, LATER, token=TOKEN)
        missing = client.book("users", JOHN, LATER)
        assert (refused.status_code, refused.json()) == (422, CAPTCHA_REJECTED)
        assert missing.status_code == 400
        assert {a.headers["X-Error-Source"] for a in (refused, missing)} == {"videsk"}

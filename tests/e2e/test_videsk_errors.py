"""Videsk's errors are passed on byte for byte. Unusable responses become a 502 or 504."""

import json
import time
from typing import Any

import pytest

from tests.client import JOHN, Client, bearer, working_day
from tests.days import YEAR
from tests.processes import Sandbox, free_port, proxy_server
from tests.timing import TIMING

READ = f"/api/users/{JOHN}/dates?date={YEAR}-05&timezone=America/Santiago"
HOUR = f"{YEAR}-05-06T12:00:00.000Z"
OUTCOME_UNKNOWN = "outcomeUnknown"


def assert_own_error(response: Any, status: int, name: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert response.status_code == status
    assert response.headers["X-Error-Source"] == "proxy"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
    assert (body["name"], body["code"]) == (name, status)
    assert set(body) - {"data"} == {"name", "message", "code", "className", "errors"}
    return body


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 429, 500, 503, 599])
@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ('{"name": "Teapot",\n "code": 404, "caf\\u00e9": 1.0}', "application/json; charset=utf-8"),
        ('"just a string"', "text/plain"),
        ("null", "application/problem+json"),
    ],
)
def test_an_error_is_passed_on_unchanged(
    cached_proxy: Client, sandbox: Sandbox, status: int, text: str, content_type: str
) -> None:
    headers = {
        "Retry-After": "2", "Ratelimit-Limit": "20", "Ratelimit-Remaining": "3",
        "Ratelimit-Reset": "1", "Ratelimit-Policy": "20;w=1", "Set-Cookie": "a=b", "X-Other": "1",
    }  # fmt: skip
    sandbox.fault("status", status=status, text=text, content_type=content_type, headers=headers)
    responses = [
        cached_proxy.get(READ),
        cached_proxy.book("users", JOHN, HOUR),
        cached_proxy.get("/api/services"),
    ]
    for response in responses:
        assert (response.status_code, response.content) == (status, text.encode())
        assert response.headers["Content-Type"] == content_type
        assert response.headers["X-Error-Source"] == "videsk"
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers
        for name in ("Retry-After", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset"):
            assert response.headers[name] == headers[name]
        assert response.headers["Ratelimit-Policy"] == "20;w=1"
        assert "Set-Cookie" not in response.headers
        assert "X-Other" not in response.headers


def test_an_error_is_never_cached(cached_proxy: Client, sandbox: Sandbox) -> None:
    sandbox.fault("status", status=400, body={"name": "BadRequest"}, times=1)
    assert cached_proxy.get(READ).status_code == 400
    assert cached_proxy.get(READ).status_code == 200


def test_an_error_is_never_a_304(cached_proxy: Client, sandbox: Sandbox) -> None:
    sandbox.fault("status", status=404, body={})
    assert cached_proxy.get(READ, headers={"If-None-Match": "*"}).status_code == 404


KEY_LEAKS = ["leak", "leak-twice", "leak-escaped"]
INVALID_RESPONSES = [
    "html",
    "empty",
    "no-content",
    "redirect",
    "nan",
    "not-utf8",
    "huge",
    "cut",
    *KEY_LEAKS,
]


@pytest.mark.parametrize("fault", [*INVALID_RESPONSES, "reset", "close"])
def test_invalid_json_is_a_502(cached_proxy: Client, sandbox: Sandbox, fault: str) -> None:
    sandbox.fault(fault)
    assert_own_error(cached_proxy.get(READ), 502, "BadGateway")
    assert_own_error(cached_proxy.get("/api/services"), 502, "BadGateway")
    if fault not in KEY_LEAKS:  # it echoes the request, and the key is different here
        assert_own_error(
            cached_proxy.get("/api/appointment", headers=bearer("a.b.c")), 502, "BadGateway"
        )
    paths = {str(entry["path"]) for entry in sandbox.request_log()}
    assert not any(path.startswith("/elsewhere") for path in paths), "redirects are not followed"


@pytest.mark.parametrize(
    "fault", ["html", "empty", "no-content", "redirect", "cut", "reset", "close"]
)
def test_a_write_without_a_response_is_an_unknown_outcome(
    cached_proxy: Client, sandbox: Sandbox, fault: str
) -> None:
    sandbox.fault(fault)
    body = assert_own_error(cached_proxy.book("users", JOHN, HOUR), 502, "BadGateway")
    assert body["data"] == OUTCOME_UNKNOWN


def test_a_write_that_was_not_sent_has_a_known_outcome(sandbox: Sandbox) -> None:
    with proxy_server(sandbox, VIDESK_BASE_URL=f"http://127.0.0.1:{free_port()}") as server:
        body = assert_own_error(Client(server.url).book("users", JOHN, HOUR), 502, "BadGateway")
        assert "data" not in body
        assert_own_error(Client(server.url).get(READ), 502, "BadGateway")


@TIMING
@pytest.mark.parametrize(
    ("fault", "seconds"), [("hang", 30), ("delay", 5), ("drip", 0.3), ("drip-head", 0.3)]
)
def test_a_slow_videsk_is_a_504_in_time(
    cached_proxy: Client, sandbox: Sandbox, fault: str, seconds: float
) -> None:
    sandbox.fault(fault, seconds=seconds)
    started = time.monotonic()
    assert "data" not in assert_own_error(cached_proxy.get(READ), 504, "GatewayTimeout")
    assert 1.4 < time.monotonic() - started < 2.5, "VIDESK_TIMEOUT is 1.5 s in these tests"
    body = assert_own_error(cached_proxy.book("users", JOHN, HOUR), 504, "GatewayTimeout")
    assert body["data"] == OUTCOME_UNKNOWN


def test_one_failing_page_fails_the_list_of_services(
    cached_proxy: Client, sandbox: Sandbox
) -> None:
    page = {"total": 30, "limit": 1, "skip": 0, "data": [{"id": "a"}]}
    sandbox.fault("status", status=200, body=page, path="/services", times=1)
    sandbox.fault("status", status=500, body={"name": "GeneralError"}, path="/services")
    assert cached_proxy.get("/api/services").status_code == 500


def test_endless_pages_are_a_502_after_100(cached_proxy: Client, sandbox: Sandbox) -> None:
    page = {"total": 10_000, "limit": 1, "skip": 0, "data": [{"id": "a"}]}
    sandbox.fault("status", status=200, body=page, path="/services")
    assert_own_error(cached_proxy.get("/api/services"), 502, "BadGateway")
    assert len(sandbox.request_log()) == 100


@pytest.mark.parametrize("body", [{}, "text", 7, None, {"data": 5}])
def test_services_that_are_not_a_list_are_a_502(
    cached_proxy: Client, sandbox: Sandbox, body: object
) -> None:
    sandbox.fault("status", status=200, body=body)
    assert_own_error(cached_proxy.get(READ), 502, "BadGateway")
    assert_own_error(cached_proxy.get("/api/services"), 502, "BadGateway")


@pytest.mark.parametrize("status", [200, 202, 299])
def test_any_2xx_of_videsk_is_a_success(
    cached_proxy: Client, sandbox: Sandbox, status: int
) -> None:
    response = {"new": [{"_id": "x", "deep": {"_id": "y"}}], "ñ": 1.5, "id": None, "big": 2**60}
    sandbox.fault("status", status=status, body=response)
    booked = cached_proxy.book("users", JOHN, HOUR)
    assert booked.status_code == 201
    expected = json.loads(json.dumps(response).replace('"_id"', '"id"'))
    assert json.loads(booked.content) == expected
    assert list(booked.json()) == list(response), "the order of fields is kept"
    looked_up = cached_proxy.get("/api/appointment", headers=bearer("a.b.c"))
    assert (looked_up.status_code, looked_up.json()) == (200, expected)


def test_a_read_succeeds_after_a_lost_connection(cached_proxy: Client, sandbox: Sandbox) -> None:
    sandbox.fault("reset", times=1)
    day = working_day()
    assert cached_proxy.dates("users", JOHN, day).status_code == 502
    assert cached_proxy.dates("users", JOHN, day).status_code == 200


@pytest.mark.parametrize("depth", [600, 100_000])
def test_json_that_is_nested_too_deeply_is_a_502(
    proxy: Client, sandbox: Sandbox, depth: int
) -> None:
    sandbox.fault("status", status=200, text="[" * depth + "]" * depth)
    assert_own_error(proxy.get(READ), 502, "BadGateway")
    assert_own_error(proxy.get("/api/services"), 502, "BadGateway")
    assert_own_error(proxy.get("/api/appointment", headers=bearer("a.b.c")), 502, "BadGateway")
    body = assert_own_error(proxy.book("users", JOHN, HOUR), 502, "BadGateway")
    assert body["data"] == OUTCOME_UNKNOWN


def test_interim_responses_are_ignored(proxy: Client, sandbox: Sandbox) -> None:
    sandbox.fault("interim")
    assert proxy.get("/api/services").json()[0]["id"]
    start = proxy.hours("users", JOHN, working_day()).json()[0]
    booked = proxy.book("users", JOHN, start)
    assert booked.status_code == 201
    token = bearer(booked.json()["actionToken"])
    assert proxy.post("/api/appointment/cancel", {}, headers=token).status_code == 200
    assert proxy.get("/api/appointment", headers=bearer("a.b.c")).status_code == 401

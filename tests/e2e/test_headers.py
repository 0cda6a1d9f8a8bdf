"""Headers that every response has."""

import pytest
import requests

from tests.client import JOHN, Client
from tests.days import YEAR
from tests.processes import Sandbox, proxy_server

SHOP = "https://shop.example"
RESPONSES = [
    ("GET", "/api/services", 200),
    ("GET", f"/api/users/{JOHN}/dates?date={YEAR}-05&timezone=UTC", 200),
    ("GET", f"/api/users/{JOHN}/dates?date=x&timezone=UTC", 400),
    ("GET", "/api/appointment", 401),
    ("GET", "/nowhere", 404),
    ("POST", "/api/services", 405),
    ("POST", f"/api/users/{JOHN}/appointments", 415),
    ("GET", "/healthz", 200),
]
CORS_REQUEST_HEADERS = [
    "authorization",
    "content-type",
    "idempotency-key",
    "x-request-id",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
]
CORS_EXPOSED_HEADERS = {
    "X-Request-ID", "X-Error-Source", "Cache-Status", "Retry-After", "Idempotency-Replayed",
    "ETag", "Link",
}  # fmt: skip


def split_list(text: str) -> set[str]:
    return {word.strip() for word in text.split(",")}


@pytest.mark.parametrize(("method", "path", "status"), RESPONSES)
@pytest.mark.parametrize(
    "origin", [SHOP, "http://[::1]:3000", "https://evil.example", "null", None]
)
def test_every_response_has_its_headers(
    proxy: Client, method: str, path: str, status: int, origin: str | None
) -> None:
    response = proxy.call(method, path, headers={"Origin": origin} if origin else {})
    assert response.status_code == status
    assert len(response.headers["X-Request-ID"]) == 32
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Origin" in response.headers["Vary"].split(", ")
    assert response.headers["Content-Type"] == "application/json"
    if status != 200 or path == "/healthz":
        assert response.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Credentials" not in response.headers
    if origin in (SHOP, "http://[::1]:3000"):
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert split_list(response.headers["Access-Control-Expose-Headers"]) == CORS_EXPOSED_HEADERS
    else:
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example.evil.example", "https://shopxexample", "http://shop.example",
        "https://shop.example:444", "https://evil.example/https://shop.example", "https://shop.example\t",
    ],
)  # fmt: skip
def test_a_similar_origin_is_not_allowed(proxy: Client, origin: str) -> None:
    response = proxy.get("/healthz", headers={"Origin": origin})
    allowed = response.headers.get("Access-Control-Allow-Origin")
    assert allowed is None or allowed == SHOP == origin.strip()


def test_a_304_and_an_error_of_videsk_have_cors_headers(proxy: Client, sandbox: Sandbox) -> None:
    etag = proxy.get("/api/services").headers["ETag"]
    headers = {"Origin": SHOP, "If-None-Match": etag}
    repeat = proxy.get("/api/services", headers=headers)
    sandbox.fault("status", status=409, body={})
    error = proxy.get(f"/api/users/{JOHN}/dates?date={YEAR}-07&timezone=UTC", headers=headers)
    for response, status in ((repeat, 304), (error, 409)):
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == SHOP
        assert split_list(response.headers["Access-Control-Expose-Headers"]) == CORS_EXPOSED_HEADERS
        assert "Origin" in response.headers["Vary"].split(", ")


def test_a_preflight_is_not_sent_to_videsk(proxy: Client, sandbox: Sandbox) -> None:
    response = preflight(proxy, SHOP)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == SHOP
    assert response.headers["Access-Control-Max-Age"] == "7200"
    assert {"GET", "HEAD", "POST"} <= split_list(response.headers["Access-Control-Allow-Methods"])
    allowed = {
        word.lower() for word in split_list(response.headers["Access-Control-Allow-Headers"])
    }
    assert allowed == set(CORS_REQUEST_HEADERS)
    assert sandbox.request_log() == []


def test_a_preflight_of_another_origin_allows_nothing(proxy: Client) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(proxy, "https://evil.example").headers


def preflight(proxy: Client, origin: str) -> requests.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join([*CORS_REQUEST_HEADERS, "x-other"]),
    }
    return proxy.call("OPTIONS", f"/api/users/{JOHN}/appointments", headers=headers)


@pytest.mark.parametrize(("origins", "allowed"), [("*", "*"), ("", None)])
def test_an_asterisk_allows_all_origins_and_no_setting_allows_none(
    sandbox: Sandbox, origins: str, allowed: str | None
) -> None:
    with proxy_server(sandbox, CORS_ORIGINS=origins) as server:
        response = Client(server.url).get("/healthz", headers={"Origin": "https://a.example"})
        assert response.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Origin" in response.headers["Vary"].split(", ")
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("request_id", ["a", "A-1_b.c", "x" * 128])
def test_a_valid_request_id_is_kept(proxy: Client, request_id: str) -> None:
    assert (
        proxy.get("/healthz", headers={"X-Request-ID": request_id}).headers["X-Request-ID"]
        == request_id
    )


@pytest.mark.parametrize("request_id", ["", "x" * 129, "a b", "a,b", "ñ".encode(), "a\tb"])
def test_an_invalid_request_id_is_replaced(proxy: Client, request_id: str | bytes) -> None:
    answered = proxy.get("/healthz", headers={"X-Request-ID": request_id}).headers["X-Request-ID"]
    assert len(answered) == 32
    assert answered != request_id

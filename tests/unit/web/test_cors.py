"""Which pages may read a response."""

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from web import cors

SHOP = "https://shop.example"


def client_of(*origins: str) -> FlaskClient:
    app = Flask("test")
    cors.register(app, origins)
    app.add_url_rule("/api", "view", lambda: Response("{}"), methods=["GET", "POST"])
    return app.test_client()


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (SHOP, True),
        ("https://shopxexample", False),
        (f"{SHOP}.attacker.example", False),
        (f"https://attacker.example/{SHOP}", False),
        ("http://shop.example", False),
        (f"{SHOP}:8443", False),
        ("null", False),
    ],
)
def test_an_origin_is_compared_exactly(origin: str, allowed: bool) -> None:
    headers = (
        client_of(SHOP, "http://localhost:3000").get("/api", headers={"Origin": origin}).headers
    )
    assert headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert "Access-Control-Allow-Credentials" not in headers
    if allowed:
        assert "Retry-After" in headers["Access-Control-Expose-Headers"]


def test_without_origins_no_page_may_read() -> None:
    headers = client_of().get("/api", headers={"Origin": SHOP}).headers
    assert "Access-Control-Allow-Origin" not in headers


def test_an_asterisk_allows_every_page() -> None:
    headers = client_of("*").get("/api", headers={"Origin": "https://any.example"}).headers
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_a_preflight_is_a_204_that_browsers_cache() -> None:
    preflight = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "idempotency-key, content-type",
    }
    response = client_of(SHOP).options("/api", headers=preflight)
    assert response.status_code == 204
    assert "Content-Type" not in response.headers
    assert response.headers["Access-Control-Allow-Origin"] == SHOP
    assert response.headers["Access-Control-Max-Age"] == "7200"
    assert "idempotency-key" in response.headers["Access-Control-Allow-Headers"].lower()

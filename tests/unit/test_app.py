"""The composition root: which parts an app has with which settings."""

from typing import Any

import pytest
from flask import Flask

from app import _prefix, create_app
from common.resilient_redis import ResilientRedis
from settings import Settings, load
from videsk.errors import VideskUnreachableError
from videsk.transport import Transport
from web.fast_path import FastPath

ROUTES = {
    "GET /api/services",
    "GET /api/forms/<segment>",
    *(
        f"GET /api/{kind}/<ident>/{read}"
        for kind in ("services", "users")
        for read in ("dates", "hours", "availability", "next")
    ),
    "POST /api/services/<ident>/appointments",
    "POST /api/users/<ident>/appointments",
    "GET /api/appointment",
    "POST /api/appointment/cancel",
    "POST /api/appointment/reschedule",
    "GET /api/openapi.json",
    "GET /api/docs",
    "GET /api/docs/<name>",
    "GET /widget/v1/<name>",
    "POST /hooks/videsk",
    "POST /hooks/purge",
    "GET /metrics",
    "GET /healthz",
    "GET /readyz",
}


def settings(**variables: str) -> Settings:
    return load(
        {"VIDESK_API_KEY": "the-key", "VIDESK_BASE_URL": "https://videsk.example"} | variables
    )


@pytest.fixture(params=[{}, {"REDIS_URL": "redis://127.0.0.1:1"}], ids=["without Redis", "with"])
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(ResilientRedis, "_run_health_checks", lambda self: None)
    return create_app(settings(**request.param))


@pytest.fixture
def videsk(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list of requests to Videsk, which is unreachable."""
    sent: list[Any] = []

    def exchange(self: Transport, request: Any, *_: Any) -> None:
        sent.append(request)
        raise VideskUnreachableError

    monkeypatch.setattr(Transport, "exchange", exchange)
    return sent


def test_routes(app: Flask) -> None:
    routes = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == ROUTES


def test_a_read_reaches_videsk_with_and_without_redis(app: Flask, videsk: list[Any]) -> None:
    response = app.test_client().get("/api/services", headers={"X-Request-ID": "mine"})
    assert response.status_code == 502
    assert [request.path for request in videsk] == ["/services"]
    assert response.headers["X-Request-ID"] == "mine"
    assert response.headers["Cache-Status"] == "videsk-proxy; fwd=miss"
    assert (response.json or {})["className"] == "bad-gateway"


def test_readiness_shows_whether_redis_is_available(app: Flask, videsk: list[Any]) -> None:
    client = app.test_client()
    client.get("/api/services")
    assert (client.get("/readyz").json or {})["redis"] in {"none", "away"}
    assert client.get("/healthz").status_code == 200


def test_the_fast_path_wraps_the_app(app: Flask) -> None:
    assert isinstance(app.wsgi_app, FastPath)


def test_paths_are_never_redirected(app: Flask) -> None:
    assert app.test_client().get("//api/services").status_code == 404
    assert app.test_client().get("/api/services/").status_code == 404


def test_settings_are_passed_on(videsk: list[Any]) -> None:
    app = create_app(
        settings(
            CORS_ORIGINS="https://shop.example",
            MAX_BODY_BYTES="1000",
            METRICS_TOKEN="a-token-of-the-tests",
            CLIENT_RATE_LIMIT="2/minute",
        )
    )
    client = app.test_client()
    response = client.get("/api/services", headers={"Origin": "https://shop.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert client.post("/api/appointment/cancel", data=b" " * 1001).status_code in {401, 413}
    assert client.get("/api/services").status_code == 429
    token = {"Authorization": "Bearer a-token-of-the-tests"}
    assert "videsk_proxy_circuit_open" in client.get("/metrics", headers=token).text


def test_accounts_that_share_a_redis_share_no_entries() -> None:
    own = _prefix(settings())
    assert own == _prefix(settings(HOURS_TTL="7"))
    assert own != _prefix(settings(VIDESK_API_KEY="another-key"))
    assert own != _prefix(settings(VIDESK_BASE_URL="https://other.example"))
    assert "the-key" not in own
    named = _prefix(settings(VIDESK_ACCOUNT="shop"))
    rotated = _prefix(settings(VIDESK_ACCOUNT="shop", VIDESK_API_KEY="another-key"))
    assert named == rotated != own

"""Headers of all responses, and of cacheable ones."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, Response, g, request

from cache.read_through import CachedResult
from tests.unit.web.setup import small_app
from web import compression, responses
from web.responses import (
    FRESH_UNTIL,
    NO_CACHE,
    cached_response,
    link_to_free_hours,
    request_id,
    route_of,
    uncached_response,
)

NOW = time.time()


@pytest.fixture
def app() -> Flask:
    app = small_app()
    compression.register(app)
    return app


def served(
    app: Flask, until: datetime | None = None, headers: dict[str, str] | None = None, **changes: Any
) -> tuple[Response, dict[str, Any]]:
    """Return the response to a cacheable read, and the WSGI environment of the request."""
    result: Any = {
        "body": b"[1]",
        "requested_at": NOW,
        "fresh_until": NOW + 60,
        "cache_status": "hit; ttl=60",
    }
    environ: dict[str, Any] = {}

    def view() -> Response:
        response = cached_response(lambda: CachedResult(**result | changes), NO_CACHE, until)
        environ.update(request.environ)
        return response

    app.add_url_rule("/api/users/<ident>/hours", "view", lambda ident: view())
    response: Any = app.test_client().get("/api/users/a/hours", headers=headers)
    return response, environ


@pytest.mark.parametrize("tags", ["*", "the-etag", '"other", the-etag'])
def test_if_match_with_the_etag_or_any_is_a_200(app: Flask, tags: str) -> None:
    etag = served(app)[0].headers["ETag"]
    response, _ = served(small_app(), headers={"If-Match": tags.replace("the-etag", etag)})
    assert (response.status_code, response.data) == (200, b"[1]")


@pytest.mark.parametrize("weak", ["", "W/"])
def test_if_match_with_another_etag_is_a_412_without_the_body(app: Flask, weak: str) -> None:
    etag = served(app)[0].headers["ETag"] if weak else '"other"'
    response, environ = served(small_app(), headers={"If-Match": f"{weak}{etag}"})
    assert response.status_code == 412
    assert response.data != b"[1]"
    assert not environ, "the fast path does not store it"


def test_a_cacheable_read_has_an_etag_and_a_cache_status(app: Flask) -> None:
    response, environ = served(app)
    assert response.data == b"[1]"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Cache-Status"] == "videsk-proxy; hit; ttl=60"
    assert len(response.get_etag()[0] or "") == 32
    assert "Date" not in response.headers
    assert environ[FRESH_UNTIL] == NOW + 60
    assert environ[responses.ROUTE] == "/api/users/{id}/hours"


def test_an_unchanged_body_is_a_304(app: Flask) -> None:
    etag = served(app)[0].headers["ETag"]
    response = app.test_client().get("/api/users/a/hours", headers={"If-None-Match": etag})
    assert (response.status_code, response.data) == (304, b"")
    other = app.test_client().get("/api/users/a/hours", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_an_uncacheable_response_is_no_store_without_an_etag(app: Flask) -> None:
    response, environ = served(app, storable=False)
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers
    assert FRESH_UNTIL not in environ


def test_a_response_is_fresh_at_most_until_its_day_ends(app: Flask) -> None:
    end = datetime.fromtimestamp(NOW + 5, UTC)
    assert served(app, end)[1][FRESH_UNTIL] == end.timestamp()


def test_a_failed_read_counts_as_a_miss(app: Flask) -> None:
    def fail() -> CachedResult:
        raise LookupError

    app.add_url_rule("/", "view", lambda: cached_response(fail, NO_CACHE))
    app.register_error_handler(LookupError, lambda _: Response("", 502))
    response = app.test_client().get("/")
    assert response.headers["Cache-Status"] == "videsk-proxy; fwd=miss"
    assert response.headers["Cache-Control"] == "no-store"


def test_every_response_has_the_security_headers(app: Flask) -> None:
    response = app.test_client().get("/nothing")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "Origin" in response.vary
    assert "Cache-Status" not in response.headers


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("page-1.request_7", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("", False),
        ("a b", False),
        ("a\n", False),
        ("é", False),
    ],
)
def test_a_valid_request_id_of_the_client_is_kept(value: str, is_kept: bool) -> None:
    chosen = request_id({"HTTP_X_REQUEST_ID": value})
    assert (chosen == value) is is_kept
    assert is_kept or (len(chosen) == 32 and chosen != request_id({}))


def test_a_request_has_one_id(app: Flask) -> None:
    response = app.test_client().get("/", headers={"X-Request-ID": "mine"})
    assert response.headers["X-Request-ID"] == "mine"


def test_route_rules_are_formatted_as_in_openapi() -> None:
    assert route_of("/api/users/<ident>/hours") == "/api/users/{id}/hours"
    assert route_of("/api/forms/<segment>") == "/api/forms/{segment}"


def test_a_conflict_can_link_to_the_free_hours_of_that_day(app: Flask) -> None:
    booking = {"startAt": "2026-12-01T12:00:00.000Z", "timezone": "America/Santiago"}
    with app.test_request_context():
        link_to_free_hours("users", "a", booking)
        link = g.alternate
    query = "date=2026-12-01T12%3A00%3A00.000Z&timezone=America%2FSantiago"
    assert link == f'</api/users/a/hours?{query}>; rel="alternate"'


def test_an_uncached_response_is_json() -> None:
    response = uncached_response(b"{}", 201)
    assert (response.status_code, response.content_type) == (201, "application/json")

"""Which content coding a response gets (https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3)."""

import gzip

import brotli
import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from web import compression
from web.compression import MIN_BYTES, compressed

LONG = b"0123456789" * 200
SHORT = b"x" * (MIN_BYTES - 1)


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("test")
    compression.register(app)
    bodies = {"long": LONG, "short": SHORT}
    app.add_url_rule(
        "/<name>", "body", lambda name: compressed(Response(bodies[name]), bodies[name], name)
    )
    return app.test_client()


def get(client: FlaskClient, accepted: str | None, path: str = "/long") -> TestResponse:
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    return client.get(path, headers=headers)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("*", "br"),
        ("gzip;q=0.5, identity", None),
        ("br;q=0, gzip;q=0", None),
        ("deflate", None),
        ("", None),
        (None, None),
    ],
)
def test_the_clients_preference_decides(
    client: FlaskClient, accepted: str | None, coding: str | None
) -> None:
    for _ in range(2):  # the second comes from the cache of compressed bodies
        response = get(client, accepted)
        assert response.headers.get("Content-Encoding") == coding
        assert "Accept-Encoding" in response.vary
        decode = {"br": brotli.decompress, "gzip": gzip.decompress}.get(coding or "", bytes)
        assert decode(response.data) == LONG


def test_a_short_body_is_sent_as_it_is(client: FlaskClient) -> None:
    response = get(client, "br", "/short")
    assert response.data == SHORT
    assert not response.headers.get("Content-Encoding")
    assert "Accept-Encoding" not in response.vary


def test_each_body_is_compressed_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = get(client, "gzip").data
    monkeypatch.setattr("flask_compress.flask_compress._compress_data", None)
    assert get(client, "gzip").data == first

"""The files of the booking widget, for pages of any origin."""

import base64
import gzip
import hashlib
import re

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from blueprints import widget
from tests.processes import ROOT
from tests.unit.blueprints.setup import client_with
from web.compression import CODINGS

DIST = ROOT / "frontend/widget/dist"
ENTRY = "/widget/v1/videsk-booking.js"


@pytest.fixture
def client() -> FlaskClient:
    return client_with(widget.make_blueprint())


def test_the_entry_may_be_loaded_by_any_page_and_is_revalidated(client: FlaskClient) -> None:
    response = client.get(ENTRY, headers={"Origin": "https://any.example"})
    assert response.content_type == "text/javascript; charset=utf-8"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "public, no-cache"
    assert response.data == (DIST / "videsk-booking.js").read_bytes()
    again = client.get(ENTRY, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_file_with_a_hash_in_its_name_never_changes(client: FlaskClient) -> None:
    names = [path.name for path in DIST.iterdir() if re.search(r"-[A-Z0-9]{8}\.js", path.name)]
    assert len(names) >= 9
    for name in names:
        response = client.get(f"/widget/v1/{name}")
        assert response.data == (DIST / name).read_bytes()
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


DECOMPRESS = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.mark.parametrize("coding", CODINGS)
def test_files_are_compressed_if_the_browser_accepts_it(client: FlaskClient, coding: str) -> None:
    largest = max(DIST.glob("*.js"), key=lambda path: path.stat().st_size)
    url = f"/widget/v1/{largest.name}"
    response = client.get(url, headers={"Accept-Encoding": coding})
    assert response.content_encoding == coding
    assert "Accept-Encoding" in response.vary
    assert len(response.data) < len(client.get(url).data) / 2
    assert DECOMPRESS[coding](response.data) == largest.read_bytes()


def test_a_page_can_pin_a_version_by_its_hash(client: FlaskClient) -> None:
    pins = client.get("/widget/v1/integrity.json").get_json()
    pinned = pins["script"]
    assert (DIST / "videsk-booking.js").read_text().startswith(f'import"./{pinned}";')
    assert {path.name for path in DIST.glob("*.js")} == set(pins["integrity"])
    for name, integrity in pins["integrity"].items():
        response = client.get(f"/widget/v1/{name}")
        digest = hashlib.sha384(response.data).digest()
        assert integrity == f"sha384-{base64.b64encode(digest).decode()}"
    assert "immutable" in client.get(f"/widget/v1/{pinned}").headers["Cache-Control"]


@pytest.mark.parametrize("name", ["", "other.js", "..%2f..%2fbuild.mjs", "videsk-booking"])
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    response = client.get(f"/widget/v1/{name}")
    assert response.status_code == 404


@pytest.mark.parametrize("enabled", [True, False])
def test_a_setting_turns_the_widget_off(enabled: bool) -> None:
    app = Flask("test")
    widget.register(app, enabled=enabled)
    assert ("widget.file" in app.view_functions) is enabled

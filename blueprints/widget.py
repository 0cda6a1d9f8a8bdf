"""The booking widget, built by frontend/widget/build.mjs, for pages of any origin."""

import gzip
import hashlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path

import brotli
from flask import Blueprint, Flask, Response, request
from flask_cors import cross_origin
from werkzeug.exceptions import NotFound

from common import strict_json
from openapi import spec
from web.compression import accepted_coding

_DIST = Path(__file__).parent.parent / "frontend" / "widget" / "dist"
_ENTRY = "videsk-booking.js"
_INTEGRITY = "integrity.json"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".map": "application/json",
    ".json": "application/json",
}
_COMPRESS: dict[str, Callable[[bytes, int], bytes]] = {
    "br": lambda content, quality: brotli.compress(content, quality=quality),
    "gzip": lambda content, _: gzip.compress(content, mtime=0),
}
_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATED = "public, no-cache"
"""A stored entry would name a script that is gone after an update."""

_FILE = spec.Operation(
    "getWidgetFile",
    "operations",
    spec.PROXY_ERRORS
    | {
        "200": spec.Response(
            "The file.",
            {},
            headers=("WidgetCacheControl", "ETag", "Content-Encoding"),
            media=("text/javascript", "application/json"),
        ),
        "304": "NotModifiedWidget",
        "404": "NotFound",
    },
    ("widgetFile", "If-None-Match"),
)


def register(app: Flask, *, enabled: bool) -> None:
    """Add the route `/widget/v1/{name}`, if it is enabled."""
    if enabled:
        app.register_blueprint(make_blueprint())


def make_blueprint() -> Blueprint:
    """Return the route `/widget/v1/{name}`."""
    blueprint = Blueprint("widget", __name__, url_prefix="/widget/v1")

    @blueprint.get("/<name>")
    @spec.describe(_FILE)
    @cross_origin(origins="*", send_wildcard=True, automatic_options=False)
    def file(name: str) -> Response:
        """Get a file of the booking widget.

        `videsk-booking.js` loads the element. For pages that pin a version, `integrity.json` names
        the `script` that it loads, and has the `integrity` of each. Any page may load these files.
        """
        if name not in _files():
            raise NotFound
        coding = accepted_coding()
        content, etag = _encoded(name, coding)
        response = Response(content, content_type=_TYPES[Path(name).suffix])
        response.vary.add("Accept-Encoding")
        if coding:
            response.content_encoding = coding
        changes = name in (_ENTRY, f"{_ENTRY}.map", _INTEGRITY)
        response.headers["Cache-Control"] = _REVALIDATED if changes else _IMMUTABLE
        response.set_etag(etag)
        response.make_conditional(request)
        return response

    return blueprint


@cache
def _files() -> dict[str, bytes]:
    """Return each file by its name."""
    files = {path.name: path.read_bytes() for path in _DIST.iterdir()}
    scripts = sorted(name for name in files if name.endswith(".js"))
    # The entry only imports the script that defines the element.
    script = next(name for name in scripts if name.encode() in files[_ENTRY])
    hashes = {name: _integrity(files[name]) for name in scripts}
    files[_INTEGRITY] = strict_json.dumps({"script": script, "integrity": hashes})
    return files


@cache
def _encoded(name: str, coding: str | None) -> tuple[bytes, str]:
    """Return a file, compressed as well as the coding can, and its ETag."""
    content = _files()[name]
    digest = hashlib.sha256(content).hexdigest()[:32]
    quality = 11 if name.endswith(".js") else 5  # source maps are large, and rarely loaded
    if not coding:
        return content, digest
    return _COMPRESS[coding](content, quality), f"{digest}:{coding}"


def _integrity(script: bytes) -> str:
    """Return the value of the attribute `integrity` (https://www.w3.org/TR/SRI/)."""
    return f"sha384-{b64encode(hashlib.sha384(script).digest()).decode()}"

"""The OpenAPI document, and Swagger UI."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from common import strict_json
from openapi import spec
from web import responses
from web.compression import compressed

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>videsk-proxy</title>
<link rel="stylesheet" href="{swagger-ui.css}">
<link rel="icon" href="{favicon-32x32.png}">
<div id="page"></div>
<script src="{swagger-ui-bundle.js}"></script>
<script src="{start.js}"></script>
</html>
"""

_START = b"""SwaggerUIBundle({url: "openapi.json", dom_id: "#page", deepLinking: true});
"""

_TYPES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "start.js": "text/javascript; charset=utf-8",
}

_IMMUTABLE = "public, max-age=31536000, immutable"
"""Each file's URL contains a digest of its content, so it never changes.

See https://www.rfc-editor.org/rfc/rfc8246.
"""

_PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI's style sheet draws its arrows with `data:` URLs."""

_DOCUMENT = spec.Operation(
    "getOpenapi",
    "operations",
    spec.API_ERRORS | {"200": spec.success("This document.", {"type": "object"})},
)
_DOCS = spec.Operation(
    "getDocs",
    "operations",
    spec.API_ERRORS | {"200": spec.Response("The page.", {"type": "string"}, media=("text/html",))},
)
_ASSET = spec.Operation(
    "getDocsAsset",
    "operations",
    spec.API_ERRORS
    | {
        "200": spec.Response(
            "The file.",
            {},
            headers=("Immutable", "Content-Encoding"),
            media=("text/css", "text/javascript", "image/png"),
        ),
        "404": "NotFound",
    },
    ("assetName",),
)


def make_blueprint(build: Callable[[], dict[str, Any]]) -> Blueprint:
    """Return the routes `/api/openapi.json` and `/api/docs`. `build` returns the document."""
    blueprint = Blueprint("docs", __name__, url_prefix="/api")
    document = cache(lambda: strict_json.dumps(build()))

    @blueprint.get("/openapi.json")
    @spec.describe(_DOCUMENT)
    def openapi() -> Response:
        """Get the OpenAPI document.

        It is generated from the schemas that validate requests.
        """
        return responses.uncached_response(document())

    @blueprint.get("/docs")
    @spec.describe(_DOCS)
    def docs() -> Response:
        """Show Swagger UI.

        The page sends requests to this proxy, and loads nothing from elsewhere.
        """
        page = Response(_page(), content_type="text/html; charset=utf-8")
        page.headers["Content-Security-Policy"] = _PAGE_CSP
        return page

    @blueprint.get("/docs/<name>")
    @spec.describe(_ASSET)
    def asset(name: str) -> Response:
        """Get a file of Swagger UI.

        The page refers to each file with a digest of its content, so browsers may keep it forever.
        """
        if name not in _TYPES:
            raise NotFound
        content, digest = _file(name)
        file = Response(content, content_type=_TYPES[name])
        file.headers["Cache-Control"] = _IMMUTABLE
        return compressed(file, content, digest)

    return blueprint


@cache
def _file(name: str) -> tuple[bytes, str]:
    """Return a file of the page and a digest of its content."""
    packaged = resources.files("flask_swagger_ui").joinpath("dist", name)
    content = _START if name == "start.js" else packaged.read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:32]


@cache
def _page() -> str:
    page = _PAGE
    for name in _TYPES:
        page = page.replace(f"{{{name}}}", f"docs/{name}?v={_file(name)[1]}")
    return page

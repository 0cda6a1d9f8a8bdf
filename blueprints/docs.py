"""What is offered here, told in OpenAPI, and a page to try it."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from common import strict_json
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
"""The page links to each file with a digest of its content (RFC 8246): another release has other
URLs."""

_OF_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Its own files, and the proxy itself; Swagger UI's style sheet draws its arrows by `data:`."""


def make_blueprint(build: Callable[[], dict[str, Any]]) -> Blueprint:
    """The routes `/api/openapi.json` and `/api/docs`. `build`: makes the document, once."""
    blueprint = Blueprint("docs", __name__, url_prefix="/api")
    document = cache(lambda: strict_json.dumps(build()))

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        """Tell all of this to machines."""
        return responses.uncached_response(document())

    @blueprint.get("/docs")
    def docs() -> Response:
        """Show all of this, to be tried."""
        page = Response(_page(), content_type="text/html; charset=utf-8")
        page.headers["Content-Security-Policy"] = _OF_PAGE
        return page

    @blueprint.get("/docs/<name>")
    def asset(name: str) -> Response:
        """Hand out a file of the page."""
        if name not in _TYPES:
            raise NotFound
        content, digest = _file(name)
        file = Response(content, content_type=_TYPES[name])
        file.headers["Cache-Control"] = _IMMUTABLE
        return compressed(file, content, digest)

    return blueprint


@cache
def _file(name: str) -> tuple[bytes, str]:
    """Read a file of the page once, and return it with a digest of its content."""
    packaged = resources.files("flask_swagger_ui").joinpath("dist", name)
    content = _START if name == "start.js" else packaged.read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:32]


@cache
def _page() -> str:
    page = _PAGE
    for name in _TYPES:
        page = page.replace(f"{{{name}}}", f"docs/{name}?v={_file(name)[1]}")
    return page

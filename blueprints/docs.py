"""What is offered here, told in OpenAPI, and a page to try it."""

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

import strict_json
from web import answers

_PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>videsk-proxy</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon-32x32.png">
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""

_START = b"""SwaggerUIBundle({url: "openapi.json", dom_id: "#page", deepLinking: true});
"""

_PACKAGED = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

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
        return answers.fresh(document())

    @blueprint.get("/docs")
    def docs() -> Response:
        """Show all of this, to be tried."""
        page = Response(_PAGE, content_type="text/html; charset=utf-8")
        page.headers["Content-Security-Policy"] = _OF_PAGE
        return page

    @blueprint.get("/docs/<name>")
    def asset(name: str) -> Response:
        """Hand out a file of the page."""
        if name == "start.js":
            return Response(_START, content_type="text/javascript; charset=utf-8")
        if name not in _PACKAGED:
            raise NotFound
        file = resources.files("flask_swagger_ui").joinpath("dist", name)
        return Response(file.read_bytes(), content_type=_PACKAGED[name])

    return blueprint

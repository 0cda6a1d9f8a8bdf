"""The booking page on the sandbox's origin, so that it calls the proxy cross-origin."""

import mimetypes
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, redirect, request, send_from_directory
from werkzeug.wrappers import Response

_DEMO = Path(__file__).parent.parent / "frontend" / "demo"
_PROXY = "http://localhost:8000"
"""The URL of the proxy in index.html."""

# https://www.rfc-editor.org/rfc/rfc9239. The system's table may have an older type, or none.
mimetypes.add_type("text/javascript", ".js")


def is_demo_path(path: str) -> bool:
    """Whether the path belongs to the page, not to Videsk."""
    return path in ("/", "/demo") or path.startswith("/demo/")


def make_demo_routes(proxy_port: int) -> Blueprint:
    """Return the routes of the page, which calls the proxy on this port of the same host."""
    routes = Blueprint("demo", __name__)

    @routes.get("/")
    @routes.get("/demo")
    def redirect_to_page() -> Response:
        """Redirect to the page."""
        return redirect("/demo/")

    @routes.get("/demo/")
    def show_page() -> Response:
        """Show the page with the URL of the proxy."""
        host = urlsplit(request.host_url).hostname
        text = (_DEMO / "index.html").read_text().replace(_PROXY, f"http://{host}:{proxy_port}")
        headers = {"Cache-Control": "no-cache"}
        return Response(text, content_type="text/html; charset=utf-8", headers=headers)

    @routes.get("/demo/<path:name>")
    def show_file(name: str) -> Response:
        """Show a file of the page. Flask sends `no-cache`, so edits are visible immediately."""
        return send_from_directory(_DEMO, name)

    return routes

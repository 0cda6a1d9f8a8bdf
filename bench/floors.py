"""The least that this gunicorn can do: an empty WSGI application, served as the proxy is."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def app(_environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Answer 200, without a word."""
    start_response("200 OK", [("Content-Length", "0")])
    return []


vars(app)["config"] = {}  # gunicorn.conf.py tells the proxy's app something here

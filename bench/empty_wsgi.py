"""A WSGI application that returns no body and imports nothing, as a baseline for servers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def app(_environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Respond with 200 and no body."""
    start_response("200 OK", [("Content-Length", "0")])
    return []


vars(app)["config"] = {}  # gunicorn.conf.py sets a value in the config of the app

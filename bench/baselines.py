"""The least that this gunicorn can do: an empty WSGI application, and a route of bare Flask."""

from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MONTH = [f"2026-12-{day:02d}T03:00:00.000Z" for day in range(1, 24)]
"""As long as a real month's answer."""

flask = Flask(__name__)


def app(_environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Answer 200, without a word."""
    start_response("200 OK", [("Content-Length", "0")])
    return []


vars(app)["config"] = {}  # gunicorn.conf.py sets a value of the proxy's app here


@flask.get("/api/<kind>/<record_id>/<what>")
def times(kind: str, record_id: str, what: str) -> Response:  # noqa: ARG001 - the proxy's own route
    """What the proxy answers to a read, without anything of what it does for it."""
    return jsonify(MONTH)

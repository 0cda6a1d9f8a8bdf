"""The least that Flask can do under this gunicorn: one route."""

from flask import Flask, Response, jsonify

MONTH = [f"2026-12-{day:02d}T03:00:00.000Z" for day in range(1, 24)]
"""As long as a real month's answer."""

flask = Flask(__name__)


@flask.get("/api/<kind>/<record_id>/<what>")
def times(kind: str, record_id: str, what: str) -> Response:  # noqa: ARG001 - the proxy's own route
    """What the proxy answers to a read, without anything of what it does for it."""
    return jsonify(MONTH)

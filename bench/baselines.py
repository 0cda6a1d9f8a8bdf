"""A minimal Flask app with one route, as a baseline under the same gunicorn."""

from flask import Flask, Response, jsonify

MONTH = [f"2026-12-{day:02d}T03:00:00.000Z" for day in range(1, 24)]
"""As long as the response for a real month."""

flask = Flask(__name__)


@flask.get("/api/<kind>/<record_id>/<what>")
def times(kind: str, record_id: str, what: str) -> Response:  # noqa: ARG001 - the proxy's route
    """Return what the proxy returns for a read, without doing any of its work."""
    return jsonify(MONTH)

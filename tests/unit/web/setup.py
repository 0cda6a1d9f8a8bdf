"""A minimal Flask app with the request context, response headers and access log of the proxy."""

from flask import Flask

from web import access_log, client_limits, responses


def small_app() -> Flask:
    """Return an app without views that handles request ids, response headers and the access log."""
    app = Flask("test")
    app.config[client_limits.TRUSTED_PROXIES] = 0
    app.config["MAX_CONTENT_LENGTH"] = 1000
    responses.register(app)
    access_log.register(app)
    return app

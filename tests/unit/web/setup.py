"""A Flask app with what every request of the proxy passes through."""

from flask import Flask

from web import access_log, client_limits, responses


def small_app() -> Flask:
    """An app without views: request ids, response headers and the log line are registered."""
    app = Flask("test")
    app.config[client_limits.TRUSTED_PROXIES] = 0
    app.config["MAX_CONTENT_LENGTH"] = 1000
    responses.register(app)
    access_log.register(app)
    return app

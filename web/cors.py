"""CORS with Flask-CORS: exact origins, never credentials."""

import re

from flask import Flask, Response, request
from flask_cors import CORS

from common.origins import ANY

_REQUEST_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "X-Request-ID",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
]
"""Headers that pages may send. Tracing adds `baggage` and `sentry-trace`, which are ignored."""

_RESPONSE_HEADERS = [
    "X-Request-ID",
    "X-Error-Source",
    "Cache-Status",
    "Retry-After",
    "Idempotency-Replayed",
    "ETag",
    "Link",
]
_PREFLIGHT_SECONDS = 7200


def register(app: Flask, origins: tuple[str, ...]) -> None:
    """Add the CORS headers to every response, errors and 304s included.

    Origins are passed as escaped patterns: Flask-CORS reads some origins as patterns, so that
    `https://shop.example` would allow `https://shopxexample`.
    """
    CORS(
        app,
        origins=ANY
        if ANY in origins
        else [re.compile(re.escape(origin) + r"\Z") for origin in origins],
        methods=["GET", "HEAD", "POST", "OPTIONS"],
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=_PREFLIGHT_SECONDS,
        send_wildcard=True,
        always_send=False,
        supports_credentials=False,
    )

    @app.after_request
    def empty_preflight(response: Response) -> Response:
        """Make Flask's empty 200 to OPTIONS a 204."""
        if request.method == "OPTIONS" and response.status_code == 200:
            response.status_code = 204
            del response.headers["Content-Type"]
        return response

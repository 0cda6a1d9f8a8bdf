"""Which pages may call, by Flask-CORS: exact origins, never credentials."""

import re

from flask import Flask, Response, request
from flask_cors import CORS

from common.origins import ANY

_SENT = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "X-Request-ID",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
]
"""What a page may send. Its tracing sets `baggage` and `sentry-trace`, which go no further."""

_READ = [
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
    """Add the CORS headers to every answer, errors and 304 included.

    Each origin becomes a pattern of ours: Flask-CORS reads some origins as patterns of its own,
    and `https://shop.example` would then admit `https://shopxexample`.
    """
    CORS(
        app,
        origins=ANY
        if ANY in origins
        else [re.compile(re.escape(origin) + r"\Z") for origin in origins],
        methods=["GET", "HEAD", "POST", "OPTIONS"],
        allow_headers=_SENT,
        expose_headers=_READ,
        max_age=_PREFLIGHT_SECONDS,
        send_wildcard=True,
        always_send=False,
        supports_credentials=False,
    )

    @app.after_request
    def say_no_more_than_headers(response: Response) -> Response:
        """Flask answers OPTIONS by a 200 without a body."""
        if request.method == "OPTIONS" and response.status_code == 200:
            response.status_code = 204
            del response.headers["Content-Type"]
        return response

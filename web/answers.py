"""How every answer looks: request id, caching, content type, security headers."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

from flask import Flask, Response, g, request

if TYPE_CHECKING:
    from cache.reader import Reading

JSON = "application/json"
NO_STORE = "no-store"
ALWAYS_ASK = "no-cache"
"""A browser may keep the answer and must ask each time (RFC 9111, 5.2.2.4): a repeat is a 304."""

NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"
"""An answer is data: should a browser ever take one for a page, it may load and run nothing."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def remembered(read: "Callable[[], Reading]", cache_control: str) -> Response:
    """The answer to a cacheable read: 304 if the client has this very body already."""
    g.cache_status = "fwd=miss"  # what it is if `read` raises
    reading = read()
    response = fresh(reading.body)
    response.headers["Cache-Control"] = cache_control
    g.cache_status = reading.cache_status
    response.set_etag(hashlib.sha256(reading.body).hexdigest()[:32])
    response.make_conditional(request)
    del response.headers["Date"]  # Werkzeug's; the server sets its own
    return response


def fresh(body: bytes, status: int = 200) -> Response:
    """An answer that nobody keeps."""
    return Response(body, status, content_type=JSON)


def offer_hours(kind: str, ident: str, booking: Mapping[str, Any]) -> None:
    """Should this booking meet a conflict, its answer links to the hours that are free."""
    query = urlencode({"date": booking["startAt"], "timezone": booking["timezone"]})
    g.alternate = f'</api/{kind}/{ident}/hours?{query}>; rel="alternate"'


def register(app: Flask) -> None:
    """Give every answer of the app what every answer has."""

    @app.before_request
    def take_request_id() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Content-Security-Policy", NOTHING_ALLOWED)
        response.headers.setdefault("Cache-Control", NO_STORE)
        if "cache_status" in g:
            response.headers["Cache-Status"] = f"videsk-proxy; {g.cache_status}"
        response.vary.add("Origin")
        if request.method == "OPTIONS" and response.status_code == 200:
            response.status_code = 204
            del response.headers["Content-Type"]
        return response

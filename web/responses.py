"""How every answer looks: request id, caching, content type, security headers."""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from random import getrandbits  # an id is no secret
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, Response, g, request

from web.compression import compressed

if TYPE_CHECKING:
    from cache.read_through import CachedResult

JSON = "application/json"
NO_STORE = "no-store"
NO_CACHE = "no-cache"
"""A browser may keep the answer and must ask each time (RFC 9111, 5.2.2.4): a repeat is a 304."""

API_CSP = "default-src 'none'; frame-ancestors 'none'"
"""An answer is data: should a browser ever take one for a page, it may load and run nothing."""

_BRACES = str.maketrans("<>", "{}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


FRESH_UNTIL = "videsk_proxy.fresh_until"
"""In a request's environ: until when its answer may be given again as it is, for web/fast_path.py.
In seconds since the epoch; absent where that may not be."""

ROUTE = "videsk_proxy.route"
"""In the same place: the route."""


def cached_response(
    read: "Callable[[], CachedResult]", cache_control: str, until: datetime | None = None
) -> Response:
    """The answer to a cacheable read: 304 if the client has this very body already. A reading that
    is not storable is `no-store`, without an ETag.

    `until`: when the question itself gets another answer, such as at the end of the day asked for.
    """
    g.cache_status = "fwd=miss"  # what it is if `read` raises
    reading = read()
    g.cache_status = reading.cache_status
    response = uncached_response(reading.body)
    if not reading.storable:
        return response
    end = until.timestamp() if until else math.inf
    request.environ[FRESH_UNTIL] = min(reading.fresh_until, end)
    request.environ[ROUTE] = route()
    response.headers["Cache-Control"] = cache_control
    content = hashlib.sha256(reading.body).hexdigest()[:32]
    response.set_etag(content)
    response.make_conditional(request)
    response = compressed(response, reading.body, content)
    del response.headers["Date"]  # Werkzeug's; the server sets its own
    return response


def request_id(environ: Mapping[str, Any]) -> str:
    """The client's, or a new one."""
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"


def cache_status(how: str) -> str:
    """The header of that name (RFC 9211)."""
    return f"videsk-proxy; {how}"


def route() -> str:
    """The rule that the request's path follows, such as `/api/users/{id}/hours`."""
    return route_of(request.url_rule.rule) if request.url_rule else "unknown"


def route_of(rule: str) -> str:
    """The same, of one of Flask's rules."""
    return rule.replace("<ident>", "{id}").translate(_BRACES)


def uncached_response(body: bytes, status: int = 200) -> Response:
    """An answer that nobody keeps."""
    return Response(body, status, content_type=JSON)


def link_to_free_hours(kind: str, ident: str, booking: Mapping[str, Any]) -> None:
    """Should this booking meet a conflict, its answer links to the hours that are free."""
    query = urlencode({"date": booking["startAt"], "timezone": booking["timezone"]})
    g.alternate = f'</api/{kind}/{ident}/hours?{query}>; rel="alternate"'


def register(app: Flask) -> None:
    """Give every answer of the app what every answer has."""

    @app.before_request
    def take_request_id() -> None:
        g.request_id = request_id(request.environ)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Content-Security-Policy", API_CSP)
        response.headers.setdefault("Cache-Control", NO_STORE)
        if "cache_status" in g:
            response.headers["Cache-Status"] = cache_status(g.cache_status)
        response.vary.add("Origin")
        return response

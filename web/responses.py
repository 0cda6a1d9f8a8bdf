"""Headers of every response: request id, Cache-Control, ETag, Cache-Status, security headers."""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from random import getrandbits  # an id is no secret
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, g, request

from web.compression import compressed

if TYPE_CHECKING:
    from cache.read_through import CachedResult

JSON = "application/json"
NO_STORE = "no-store"
NO_CACHE = "no-cache"
"""Browsers store the response but validate it each time, mostly by a 304.

See https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.4.
"""

API_CSP = "default-src 'none'; frame-ancestors 'none'"
"""Responses are data: if a browser renders one as a page, it may load and run nothing."""

_BRACES = str.maketrans("<>", "{}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

FRESH_UNTIL = "videsk_proxy.fresh_until"
"""WSGI variable for web/fast_path.py: until when the response can be replayed, in seconds since the
epoch. Absent if it cannot.
"""

ROUTE = "videsk_proxy.route"
"""WSGI variable: the route of the request."""

UNKNOWN_ROUTE = "unknown"
"""The route of a request for an unknown path."""


def cached_response(
    read: "Callable[[], CachedResult]", cache_control: str, until: datetime | None = None
) -> Response:
    """Return the response to a cacheable read; a 304 if the client has stored the same body.

    A result that is not storable is `no-store`, without an ETag. Raises a 412 for an If-Match with
    another ETag (https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1).

    Args:
        until: when the same request gets another response although nothing was changed, such as at
            the end of the requested day.
    """
    g.cache_status = "fwd=miss"  # if `read` raises
    result = read()
    g.cache_status = result.cache_status
    response = uncached_response(result.body)
    if not result.storable:
        return response
    end = until.timestamp() if until else math.inf
    request.environ[FRESH_UNTIL] = min(result.fresh_until, end)
    request.environ[ROUTE] = route()
    response.headers["Cache-Control"] = cache_control
    digest = hashlib.sha256(result.body).hexdigest()[:32]
    if request.if_match and not request.if_match.contains(digest):
        abort(412)
    response.set_etag(digest)
    response.make_conditional(request.environ | {"HTTP_IF_MATCH": ""})  # it was just compared
    response = compressed(response, result.body, digest)
    del response.headers["Date"]  # Werkzeug's; the server sets its own
    return response


def request_id(environ: Mapping[str, Any]) -> str:
    """Return the client's X-Request-ID if it is valid, else a new one."""
    sent: str = environ.get("HTTP_X_REQUEST_ID", "")
    return sent if _REQUEST_ID.fullmatch(sent) else f"{getrandbits(128):032x}"


def per_response_headers(request_id: str, cache_result: str | None) -> dict[str, str]:
    """Return the headers that are new for each response, also for one from the fast path.

    `cache_result`: how a cacheable read was served, such as `hit; ttl=5`.
    """
    headers = {"X-Request-ID": request_id}
    if cache_result:
        headers["Cache-Status"] = cache_status(cache_result)
    return headers


def cache_status(result: str) -> str:
    """Return the value of Cache-Status (https://www.rfc-editor.org/rfc/rfc9211)."""
    return f"videsk-proxy; {result}"


def route() -> str:
    """Return the route of the current request, such as `/api/users/{id}/hours`."""
    return route_of(request.url_rule.rule) if request.url_rule else UNKNOWN_ROUTE


def route_of(rule: str) -> str:
    """Return the route of one of Flask's URL rules."""
    return rule.replace("<ident>", "{id}").translate(_BRACES)


def require_exact_path() -> None:
    """Raise a 404 for `//api/services` and `/api%2Fservices`, which Werkzeug matches with
    `/api/services`.
    """
    path = request.environ.get("RAW_URI", "").partition("?")[0]
    if path.startswith("//") or "%2f" in path.lower():
        abort(404)


def uncached_response(body: bytes, status: int = 200) -> Response:
    """Return a JSON response that no cache stores (`no-store`)."""
    return Response(body, status, content_type=JSON)


def link_to_free_hours(kind: str, ident: str, booking: Mapping[str, Any]) -> None:
    """Link to the free hours of that day in the response, if this booking is a conflict."""
    query = urlencode({"date": booking["startAt"], "timezone": booking["timezone"]})
    g.alternate = f'</api/{kind}/{ident}/hours?{query}>; rel="alternate"'


def register(app: Flask) -> None:
    """Add the headers of every response."""

    @app.before_request
    def set_request_id() -> None:
        g.request_id = request_id(request.environ)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(per_response_headers(g.request_id, g.get("cache_status")))
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Content-Security-Policy", API_CSP)
        response.headers.setdefault("Cache-Control", NO_STORE)
        response.vary.add("Origin")
        return response

"""The fast path: serves cached responses before there is a WSGI request, without invoking Flask.

web/http_request.py calls `FastPath.respond` for plain requests. A response of the app is cached
with its headers under everything in the request that it depends on, so that no decision of the app
is repeated here. Metrics, log line and trace span are made for each response, as in the app.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import gevent

from cache.near_cache import NearCache
from web import access_log, responses
from web.access_log import ServedRequest
from web.client_limits import DeferredCounter
from web.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from web.tracing import Tracing

KEY_HEADERS = ("Origin", "Accept-Encoding", "If-None-Match", "If-Match")
"""Request headers that select the response, with the method and the URI. They are compared as sent.
A response whose `Vary` names another one is not cached
(https://www.rfc-editor.org/rfc/rfc9111#section-4.1).
"""

REPLAYED_HEADERS = frozenset(
    """
    Access-Control-Allow-Origin Access-Control-Expose-Headers Cache-Control Content-Encoding
    Content-Length Content-Security-Policy Content-Type ETag Referrer-Policy Vary
    X-Content-Type-Options
    """.lower().split()
)
"""Response headers that depend on nothing but the key. A response with a header that is neither one
of these nor one of `responses.per_response_headers` is not cached.
"""

MAX_KEY_CHARACTERS = 1024
"""About five times those of a browser. Longer keys are not cached: otherwise a few requests with
36 kB of headers each would evict the responses of all others.
"""

_METHODS = {"GET", "HEAD"}


@dataclass(frozen=True)
class CachedResponse:
    """A response of the app. `head`: status line and headers without those of each response."""

    head: bytes
    body: bytes
    method: str
    route: str
    status: int
    fresh_until: float


class FastPath:
    """WSGI middleware that caches responses, and serves them through `respond`."""

    def __init__(
        self,
        app: "WSGIApplication",
        near_cache: NearCache[CachedResponse],
        limit: DeferredCounter,
        metrics: Metrics,
        tracing: "Tracing | None" = None,
    ) -> None:
        self.app = app
        self._near_cache = near_cache
        self._limit = limit
        self._metrics = metrics
        self._tracing = tracing
        self._hits: list[ServedRequest] = []
        variables = (f"HTTP_{name.upper().replace('-', '_')}" for name in KEY_HEADERS)
        self._key_variables = ("REQUEST_METHOD", "RAW_URI", *variables)

    def respond(self, environ: Mapping[str, str]) -> bytes | None:
        """Return a whole cached response for a kept-alive connection; None: call the app.

        `environ`: the WSGI variables of the request line, all headers, and the client's address.
        """
        if environ["REQUEST_METHOD"] not in _METHODS or not environ["RAW_URI"].startswith("/api/"):
            return None
        started = time.perf_counter()
        cached = self._near_cache.get(self._key(environ))
        if not cached or not self._limit.admits(environ):
            return None
        context = access_log.request_context(environ, responses.request_id(environ))
        result = f"hit; ttl={int(cached.fresh_until - time.time()) + 1}"
        headers = responses.per_response_headers(context.request_id, result)
        lines = "\r\n".join([f"{name}: {value}" for name, value in headers.items()])
        own_head = f"Date: {_http_date(int(time.time()))}\r\n{lines}\r\n\r\n"
        hit = ServedRequest(
            cached.route,
            cached.method,
            cached.status,
            time.perf_counter() - started,
            headers["Cache-Status"],
            context,
        )
        if not self._hits:
            gevent.get_hub().loop.run_callback(self._record)
        self._hits.append(hit)
        if self._tracing:
            span = self._tracing.start_request(cached.method, cached.route, context, hit.seconds)
            span.end(cached.status, headers["Cache-Status"])
        return b"%b%b%b" % (cached.head, own_head.encode(), cached.body)

    def _record(self) -> None:
        """Log and count the hits of one turn of the event loop, after their responses.

        One write, and one increment of a counter, take about as long for several hits as for one.
        It runs in the event loop, so it must not wait for anything.
        """
        hits, self._hits = self._hits, []
        access_log.log_requests(hits)
        durations: dict[tuple[str, int], list[float]] = {}
        for hit in hits:
            durations.setdefault((hit.route, hit.status), []).append(hit.seconds)
        for (route, status), seconds in durations.items():
            self._metrics.count_responses(route, status, "hit", seconds)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        version = self._near_cache.version
        started: list[Any] = []

        def capture(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            started[:] = status, headers
            return start_response(status, headers, *more)

        chunks = self.app(environ, capture)
        fresh_until = environ.get(responses.FRESH_UNTIL, 0.0)
        if fresh_until <= time.time() or "RAW_URI" not in environ:
            return chunks
        body = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        status, headers = started
        key = self._key(environ)
        key_characters = sum(len(part) for part in key if part)
        if key_characters <= MAX_KEY_CHARACTERS and _is_replayable(headers):
            cached = CachedResponse(
                _head(status, headers),
                body,
                environ["REQUEST_METHOD"],
                environ[responses.ROUTE],
                int(status[:3]),
                fresh_until,
            )
            size = key_characters + len(cached.head) + len(body)
            self._near_cache.put(key, cached, fresh_until, version, size)
        return [body]

    def _key(self, environ: Mapping[str, Any]) -> tuple[str | None, ...]:
        return tuple(map(environ.get, self._key_variables))


def _is_replayable(headers: list[tuple[str, str]]) -> bool:
    """Whether requests with the same key can share a response with these headers."""
    varies = [value for name, value in headers if name.lower() == "vary"]
    names = {name.strip().lower() for value in varies for name in value.split(",")} - {""}
    others = {name.lower() for name, _ in headers} - REPLAYED_HEADERS
    return names <= {name.lower() for name in KEY_HEADERS} and others <= _per_response_names()


@lru_cache(maxsize=2)
def _http_date(now: int) -> str:
    return formatdate(now, usegmt=True)


def _head(status: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Server: gunicorn", "Connection: keep-alive"]
    made_anew = _per_response_names()
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in made_anew]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def _per_response_names() -> set[str]:
    return {name.lower() for name in responses.per_response_headers("", "hit")}

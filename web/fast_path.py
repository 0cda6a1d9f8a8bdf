"""The fast path: serves cached responses before there is a WSGI request, without invoking Flask.

`FastPath.answer`, which web/gunicorn_worker.py calls, decides. A response of the app is stored,
headers included, under everything of a request that it depends on, so no decision of the app is
repeated here. Request id, date, Cache-Status, the metrics and the log line are made for each
response.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from cache.near_cache import NearCache
from common.request_context import RequestContext
from web import access_log, responses, trace_context
from web.client_limits import DeferredCounter
from web.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_DEPENDS_ON = (
    "REQUEST_METHOD",
    "RAW_URI",
    "HTTP_ORIGIN",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MATCH",
)
_KEY_HEADERS = {
    name.removeprefix("HTTP_").replace("_", "-").lower()
    for name in _DEPENDS_ON
    if name.startswith("HTTP_")
}
"""A response whose Vary names another header is not stored (RFC 9111, section 4.1)."""

MAX_KEY_CHARACTERS = 1024
"""Of the above, all together: about five times a page's. The answer to a longer one is not kept, so
that nobody pushes out the others' by a few requests with 36 kB of headers each.
"""

_READS = {"GET", "HEAD"}
_OF_EACH_ANSWER = {"x-request-id", "cache-status"}


@dataclass(frozen=True)
class CachedResponse:
    """An answer of the app: its bytes but for what is each answer's own."""

    head: bytes
    body: bytes
    method: str
    route: str
    status: int
    fresh_until: float


class FastPath:
    """A WSGI application before another, whose answers to remembered reads it keeps."""

    def __init__(
        self,
        app: "WSGIApplication",
        near_cache: NearCache[CachedResponse],
        limit: DeferredCounter,
        metrics: Metrics,
    ) -> None:
        self.app = app
        self._near_cache = near_cache
        self._limit = limit
        self._metrics = metrics
        self._date = (0, "")

    def answer(self, environ: Mapping[str, str]) -> bytes | None:
        """The whole answer, for a connection that is kept alive; None: ask the application.

        `environ`: as WSGI has it, at least what an answer depends on and the client's address.
        """
        if environ["REQUEST_METHOD"] not in _READS or not environ["RAW_URI"].startswith("/api/"):
            return None
        started = time.perf_counter()
        ready = self._near_cache.get(_key(environ))
        if not ready or not self._limit.admits(environ):
            return None
        request_context = RequestContext(
            responses.request_id(environ), trace_context.traceparent(environ)
        )
        how = f"hit; ttl={int(ready.fresh_until - time.time()) + 1}"
        cache_status = responses.cache_status(how)
        own = (
            f"Date: {self._now()}\r\nX-Request-ID: {request_context.request_id}\r\n"
            f"Cache-Status: {cache_status}\r\n\r\n"
        )
        seconds = time.perf_counter() - started
        self._metrics.answered(ready.route, ready.status, seconds, how)
        access_log.log_request(
            ready.route, ready.method, ready.status, seconds, cache_status, request_context
        )
        return b"%b%b%b" % (ready.head, own.encode(), ready.body)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        version = self._near_cache.version
        told: list[Any] = []

        def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            told[:] = status, headers
            return start_response(status, headers, *more)

        answered = self.app(environ, note)
        fresh_until = environ.get(responses.FRESH_UNTIL, 0.0)
        if fresh_until <= time.time() or "RAW_URI" not in environ:
            return answered
        body = b"".join(answered)
        if hasattr(answered, "close"):
            answered.close()
        status, headers = told
        ready = CachedResponse(
            _head(status, headers),
            body,
            environ["REQUEST_METHOD"],
            environ[responses.ROUTE],
            int(status[:3]),
            fresh_until,
        )
        key = _key(environ)
        key_characters = sum(len(part) for part in key if part)
        if key_characters <= MAX_KEY_CHARACTERS and _varied_by(headers) <= _KEY_HEADERS:
            size = key_characters + len(ready.head) + len(body)
            self._near_cache.put(key, ready, fresh_until, version, size)
        return [body]

    def _now(self) -> str:
        """For the header Date; made once a second."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = now, formatdate(now, usegmt=True)
        return self._date[1]


def _varied_by(headers: list[tuple[str, str]]) -> set[str]:
    """The request headers that Vary names, in lower case."""
    varies = [value for name, value in headers if name.lower() == "vary"]
    return {name.strip().lower() for value in varies for name in value.split(",") if name.strip()}


def _key(environ: Mapping[str, Any]) -> tuple[str | None, ...]:
    return tuple(map(environ.get, _DEPENDS_ON))


def _head(status: str, headers: list[tuple[str, str]]) -> bytes:
    """The status line and the headers, but for those that are each answer's own."""
    lines = [f"HTTP/1.1 {status}", "Server: gunicorn", "Connection: keep-alive"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in _OF_EACH_ANSWER]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")

"""JSON log lines on standard output: one per request, and all others.

They contain no personal data, at any level: the route instead of the path, no query, no body, of
the headers only request id and traceparent, and of an exception only type and stack.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import lru_cache
from select import PIPE_BUF
from typing import Any, NamedTuple

from flask import Flask, Response, g, has_request_context, request
from pythonjsonlogger.json import JsonFormatter

from common.request_context import REQUEST_CONTEXT, RequestContext
from web import responses, trace_context

log = logging.getLogger("videsk_proxy.requests")


class Formatter(JsonFormatter):
    """Formats a record as JSON: time (UTC), level, message, request id, extra fields."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """Return stack and type: an exception's message may quote personal data."""
        kind, _, trace = ei
        frames = "".join(traceback.format_tb(trace))
        return f"{frames}{kind.__name__ if kind else ''}"


class RequestId(logging.Filter):
    """Adds the request id to the records of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if has_request_context() and "request_id" in g:
            record.request_id = g.request_id
        return True


def config(level: str) -> dict[str, Any]:
    """Return the dictConfig for gunicorn.

    Other libraries log from WARNING on, and gunicorn from INFO on: below that, some log URLs.
    OpenTelemetry's exporter logs the collector's URL for each attempt, and its parser invalid
    headers, which may be secret: web/tracing.py logs failures instead.
    """
    own = {"handlers": ["stdout"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": RequestId}},
        "formatters": {
            "json": {
                "()": Formatter,
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            }
        },
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["request_id"],
            }
        },
        "root": {"level": "WARNING", "handlers": ["stdout"]},
        "loggers": {
            "videsk_proxy": own | {"level": level.upper()},
            "gunicorn.error": own | {"level": "INFO" if level == "debug" else level.upper()},
            "opentelemetry.exporter": {"level": "CRITICAL"},
            "opentelemetry.util": {"level": "CRITICAL"},
        },
    }


def register(app: Flask) -> None:
    """Log one line for every request when its response is ready."""

    def log_fault(exc_info: Any) -> None:
        """Replace Flask's own line, which contains the path."""
        log.error("fault", exc_info=exc_info)

    app.log_exception = log_fault  # type: ignore[method-assign]

    @app.before_request
    def set_request_context() -> None:
        g.started = time.perf_counter()
        g.request_context = request_context(request.environ, g.request_id)
        REQUEST_CONTEXT.set(g.request_context)

    @app.after_request
    def log_response(response: Response) -> Response:
        how = responses.cache_status(g.cache_status) if "cache_status" in g else None
        seconds = time.perf_counter() - g.started
        status, context = response.status_code, g.request_context
        log_requests(
            [ServedRequest(responses.route(), request.method, status, seconds, how, context)]
        )
        return response


def request_context(environ: Mapping[str, Any], request_id: str) -> RequestContext:
    """Return the context of a WSGI request: what its log line and its calls to Videsk need."""
    return RequestContext(
        request_id, trace_context.traceparent(environ), trace_context.tracestate(environ)
    )


class ServedRequest(NamedTuple):
    """What a log line is made of. `cache_status`: the value of the response's header."""

    route: str
    method: str
    status: int
    seconds: float
    cache_status: str | None
    context: RequestContext


def log_requests(requests: Sequence[ServedRequest]) -> None:
    """Log requests in the format of `Formatter`, in as few writes as a shared pipe allows.

    Without LogRecords: one costs as much as a whole response of the fast path.
    """
    if not log.isEnabledFor(logging.INFO):
        return
    piece = ""
    for line in map(_line, requests):
        if len(piece) + len(line) > PIPE_BUF:
            _write(piece)
            piece = ""
        piece += line
    _write(piece)


def _line(request: ServedRequest) -> str:
    now, context = time.time(), request.context
    line = {
        "time": f"{_format_second(int(now))}.{int(now % 1 * 1000):03d}Z",
        "level": "INFO",
        "logger": log.name,
        "message": "request",
        "request_id": context.request_id,
        "route": request.route,
        "method": request.method,
        "status": request.status,
        "duration_ms": round(request.seconds * 1000, 2),
        "cache": request.cache_status,
        "upstream_ms": round(context.seconds * 1000, 2),
        "upstream_attempts": context.attempts,
    }
    if context.traceparent:
        # Fields of later versions are forwarded but not logged.
        line["traceparent"] = context.traceparent[: trace_context.TRACEPARENT_LENGTH]
    return f"{json.dumps(line)}\n"


def _write(piece: str) -> None:
    """Write whole lines of at most PIPE_BUF bytes, which a pipe does not mix with those of other
    workers (https://man7.org/linux/man-pages/man7/pipe.7.html).
    """
    sys.stdout.write(piece)
    sys.stdout.flush()


@lru_cache(maxsize=2)
def _format_second(now: int) -> str:
    return time.strftime(Formatter.default_time_format, time.gmtime(now))

"""gunicorn's configuration, which it reads by default. Each number has its reason."""

# ruff: noqa: E402 - order matters: gevent has to patch before ssl is imported, and prometheus-client
# reads its folder when it is imported
from gevent import monkey

monkey.patch_all()

import gc
import logging
import os
import resource
import shutil
import signal
import sys
from contextlib import suppress
from tempfile import mkdtemp
from typing import Any

import settings as environment

settings = environment.from_environment()

# The folder of all workers' metrics: new at each start, kept when SIGHUP reloads this file.
_PREFIX = "videsk-proxy-metrics-"
FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
if _PREFIX not in FOLDER:
    FOLDER = os.environ["PROMETHEUS_MULTIPROC_DIR"] = mkdtemp(prefix=_PREFIX)

from gunicorn import glogging
from prometheus_client.multiprocess import mark_process_dead

from web import access_log, http_request


def raise_open_files(wanted: int) -> int:
    """Raise the soft limit of open files to `wanted`, or to a lower hard limit, and return it.

    The soft limit of systemd and most shells is 1,024.
    """
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (sys.maxsize if limit == resource.RLIM_INFINITY else limit for limit in limits)
    if soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), limits[1]))
    return min(wanted, hard)


open_files = raise_open_files(4096)

bind = f"0.0.0.0:{settings.port}"
workers = settings.workers

# gevent, because a client that waits for a slow Videsk costs a greenlet, not a thread. Measured by
# bench/workers.py with 2 workers, p99 of cached hits as a multiple of the healthy one: while 100
# clients wait for a hanging Videsk 0.8 with gevent, 38 with 32 threads; while 400 wait 1.1 with
# gevent, 26 with 128 threads. Hits a second: 1.1 times those with threads.
worker_class = "web.gunicorn_worker.Worker"

# Half of a worker's open files at most: it also needs some for Videsk (20 requests a second, of up
# to 10 s each) and Redis. A worker without a free one could not connect to anything.
worker_connections = min(1000, open_files // 2)

# The router of a Heroku-like host closes idle connections after 90 s, and has to be the first to.
keepalive = 95

# web/http_request.py enforces the same limits while it reads a head; gunicorn, when it is complete.
limit_request_line = http_request.REQUEST_LINE_BYTES
limit_request_fields = http_request.FIELDS
limit_request_field_size = http_request.FIELD_BYTES + len("\r\n")

# A request ends within 25 s of its start, which may be up to a second after SIGTERM; the host kills
# 30 s after it.
graceful_timeout = 27

# A worker whose event loop is blocked for longer is replaced. This is not a request timeout.
timeout = 30

# The app evaluates X-Forwarded-For (TRUSTED_PROXIES); no header may rewrite a path.
forwarded_allow_ips = ""
forwarder_headers = ""

logconfig_dict = access_log.config(settings.log_level)
control_socket_disable = True


class Logger(glogging.Logger):
    """Writes no access log, as a request line contains personal data.

    With `accesslog = None` gunicorn still formats each line if `logconfig_dict` is set.
    """

    def access(self, *_: Any) -> None:
        """Log nothing: web/access_log.py logs requests."""


logger_class = Logger


def post_fork(server: Any, worker: Any) -> None:
    """Handle a SIGTERM that arrives while the worker starts.

    Until then the worker has the master's handlers, which queue signals for a loop that only runs
    in the master; so a stop just after a start would take as long as the graceful timeout.
    """
    worker.is_replacement = worker.age > server.planned_age
    signal.signal(signal.SIGTERM, worker.handle_exit)
    while not server.SIG_QUEUE.empty():
        if server.SIG_QUEUE.get_nowait() == signal.SIGTERM:
            worker.alive = False


def post_worker_init(worker: Any) -> None:
    """Give the app the worker's state for /readyz, and count a worker that replaces a crashed one.

    Behind a reverse proxy, all connections come from the proxy's address.
    """
    worker.wsgi.config["STOPPING"] = lambda: not worker.alive
    if worker.is_replacement:
        worker.wsgi.extensions["videsk_proxy_metrics"].worker_restarts.inc()
    worker.connections.limit_by_address = settings.trusted_proxies == 0
    # Modules live as long as the process. Without them a full garbage collection, during which
    # nothing is served, takes about 5 ms instead of 50.
    gc.freeze()


def worker_exit(_server: Any, worker: Any) -> None:
    """Export the last spans, and end the process with the exit status that it would have.

    Redis's health checks run in a native thread. While CPython 3.11 to 3.13 finalizes the
    interpreter, that thread ends the process with SIGSEGV. gunicorn's master also calls this hook,
    for a worker that has ended.
    """
    if worker.pid != os.getpid():
        return
    tracing = getattr(worker.wsgi, "extensions", {}).get("videsk_proxy_tracing")
    if tracing:
        tracing.shutdown()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(_exit_status(sys.exception()))


def _exit_status(error: BaseException | None) -> int:
    """Return the exit status of the interpreter (https://docs.python.org/3/library/sys.html#sys.exit)."""
    code = error.code if isinstance(error, SystemExit) else error
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


def child_exit(_server: Any, worker: Any) -> None:
    """Keep the counters of a worker that has ended, and drop its gauges."""
    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Delete the metrics folder."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def on_reload(server: Any) -> None:
    """Do not count workers that SIGHUP starts as replacements of crashed ones."""
    server.planned_age = server.worker_age + server.cfg.workers


def on_starting(server: Any) -> None:
    """Log a setting that does not apply."""
    server.planned_age = server.cfg.workers
    if settings.web_concurrency > settings.workers:
        server.log.info(
            "WEB_CONCURRENCY is %d, but without REDIS_URL only one worker runs",
            settings.web_concurrency,
        )

"""How gunicorn serves the proxy; gunicorn reads this file by itself. Each number has its reason."""

# ruff: noqa: E402 - the order matters: gevent has to replace what is under ssl before ssl is
# imported, and prometheus-client has to find its folder
from gevent import monkey

monkey.patch_all()

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

# Where the workers' figures meet: new at each start, and kept when SIGHUP has this read again.
_PREFIX = "videsk-proxy-metrics-"
FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
if _PREFIX not in FOLDER:
    FOLDER = os.environ["PROMETHEUS_MULTIPROC_DIR"] = mkdtemp(prefix=_PREFIX)

from gunicorn import glogging
from prometheus_client.multiprocess import mark_process_dead

from web import access_log, http_request


def raise_open_files(wanted: int) -> int:
    """Raise the soft limit of open files to `wanted` or, where that is lower, to the hard limit.
    Returns the limit. systemd's and most shells' soft limit is 1,024.
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
# to 10 s each) and Redis. A worker without a free one could neither accept nor ask.
worker_connections = min(1000, open_files // 2)

# The router of a Heroku-like host keeps a connection for 90 s; whoever closes first must be it.
keepalive = 95

# web/http_request.py enforces the same limits while it reads a head; gunicorn, once it is complete.
limit_request_line = http_request.REQUEST_LINE_BYTES
limit_request_fields = http_request.FIELDS
limit_request_field_size = http_request.FIELD_BYTES + len("\r\n")

# A request ends within 25 s of its start, which may be up to a second after SIGTERM; the host kills
# 30 s after it.
graceful_timeout = 27

# A worker whose event loop stands still this long is replaced. This is no request timeout.
timeout = 30

# Whom to believe is TRUSTED_PROXIES' business, in the app; no header is to rewrite a path.
forwarded_allow_ips = ""
forwarder_headers = ""

logconfig_dict = access_log.config(settings.log_level)
control_socket_disable = True


class Logger(glogging.Logger):
    """Writes no access log: a request line holds what customers ask for. Its own way to be without
    one, `accesslog = None`, still puts each line together where `logconfig_dict` is set.
    """

    def access(self, *_: Any) -> None:
        """Nothing: web/access_log.py writes a line of ours."""


logger_class = Logger


def post_fork(server: Any, worker: Any) -> None:
    """A worker that is told to stop while it starts remembers it. Until it has handlers of its own
    it has the master's, which write a signal down for a loop that runs in the master alone; so a
    stop just after a start would last as long as the graceful timeout.
    """
    worker.is_replacement = worker.age > server.planned_age
    signal.signal(signal.SIGTERM, worker.handle_exit)
    while not server.SIG_QUEUE.empty():
        if server.SIG_QUEUE.get_nowait() == signal.SIGTERM:
            worker.alive = False


def post_worker_init(worker: Any) -> None:
    """Let `/readyz` tell when this worker is about to stop, and count it if it replaces another.
    Behind a reverse proxy, all connections come from one address: its.
    """
    worker.wsgi.config["STOPPING"] = lambda: not worker.alive
    if worker.is_replacement:
        worker.wsgi.extensions["videsk_proxy_metrics"].worker_restarted()
    worker.connections.shared_by_address = settings.trusted_proxies == 0


def worker_exit(_server: Any, worker: Any) -> None:
    """End the worker's process here, with the exit status that it is about to have.

    The Redis watch runs in a native thread. While CPython 3.11 to 3.13 finalizes the interpreter,
    that thread ends the process with SIGSEGV. gunicorn's master also calls this hook, for a worker
    that is gone already.
    """
    if worker.pid != os.getpid():
        return
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(_exit_status(sys.exception()))


def _exit_status(error: BaseException | None) -> int:
    """The status that the interpreter would end with (https://docs.python.org/3/library/sys.html#sys.exit)."""
    code = error.code if isinstance(error, SystemExit) else error
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


def child_exit(_server: Any, worker: Any) -> None:
    """A worker that is gone keeps its counters, and no gauges."""
    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def on_reload(server: Any) -> None:
    """Workers that SIGHUP starts replace none that has ended by itself."""
    server.planned_age = server.worker_age + server.cfg.workers


def on_starting(server: Any) -> None:
    """Say once what differs from what was asked for."""
    server.planned_age = server.cfg.workers
    if settings.web_concurrency > settings.workers:
        server.log.info(
            "WEB_CONCURRENCY is %d, and without REDIS_URL only one worker can keep the cache: 1",
            settings.web_concurrency,
        )

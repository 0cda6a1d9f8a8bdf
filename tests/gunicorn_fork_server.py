"""Fork gunicorn on request. Reads lines of JSON: arguments, environment and log, or a process id.

Responds with a line: the new process id, or that process's exit status or null. As in
gunicorn.conf.py, gevent patches first. prometheus-client is not imported: it reads its folder on import.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import json
import os
import sys
import tempfile
from importlib import import_module

from gevent.os import fork_gevent
from gunicorn.app.wsgiapp import run

LIBRARIES = (
    "apispec", "brotli", "flask_caching.backends", "flask_cors", "flask_limiter", "marshmallow",
    "redis", "requests",
)  # fmt: skip
for library in LIBRARIES:
    import_module(library)


def become(args: list[str], environ: dict[str, str], log: str) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environ)
    tempfile.tempdir = None
    sys.argv = args


for line in sys.stdin:
    request = json.loads(line)
    if "pid" in request:
        pid, status = os.waitpid(request["pid"], os.WNOHANG)
        response = os.waitstatus_to_exitcode(status) if pid else None
    else:
        response = fork_gevent()
        if response == 0:
            become(**request)
            sys.exit(run())
    sys.stdout.write(json.dumps(response) + "\n")
    sys.stdout.flush()

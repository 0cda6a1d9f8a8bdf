"""The proxy's app for gunicorn's gthread worker, for the comparison in workers.py.

`common/resilient_redis.py` uses a queue of gevent, which loses wake-ups between threads. This
module replaces it with the standard library's queue. Background refreshes and lease renewals are
greenlets and do not run, but the measurement does not need them.
"""

import _queue as queue

from common import resilient_redis

vars(resilient_redis)["SimpleQueue"] = queue.SimpleQueue

from app import app  # noqa: E402, F401

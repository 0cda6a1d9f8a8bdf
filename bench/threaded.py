"""The proxy's app for a worker of threads, to measure what workers.py compares.

`common/resilient_redis.py` queues for its connections in a queue of gevent's. Between threads that
loses wake-ups. Here that one queue is the threads' own, and nothing else is different.
(Refreshes behind the scenes and renewed leads are greenlets too, and do not run; nothing that is
measured needs them.)
"""

import _queue as queue

from common import resilient_redis

vars(resilient_redis)["SimpleQueue"] = queue.SimpleQueue

from app import app  # noqa: E402, F401

"""The proxy's app for a worker of threads, to measure what workers.py compares.

`redis_link.py` counts its connections with a semaphore of gevent's. Between threads that loses
wake-ups: under gthread, requests to the app as it is stop for ever in `RedisLink.call`, the first
within a second of load. Here that one semaphore is the threads' own, and nothing else is different.
(Refreshes behind the scenes and renewed leads are greenlets too, and do not run; nothing that is
measured needs them.)
"""

import threading

import redis_link

vars(redis_link)["BoundedSemaphore"] = threading.BoundedSemaphore

from app import app  # noqa: E402, F401

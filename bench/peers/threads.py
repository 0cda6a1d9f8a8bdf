"""gunicorn's settings for the tutorial and for bare Flask: two processes with four threads each."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
workers = 2
threads = 4
worker_class = "gthread"

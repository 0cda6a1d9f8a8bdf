"""How gunicorn serves the tutorial, and bare Flask beside it: processes of a few threads."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
workers = 2
threads = 4
worker_class = "gthread"

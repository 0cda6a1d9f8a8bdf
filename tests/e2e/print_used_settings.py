"""Build the proxy as gunicorn does, and print the settings that are read:
`python -m tests.e2e.print_used_settings`.
"""

import os
import runpy
import sys
from typing import Any

import settings

read: set[str] = set()


class RecordingSettings(settings.Settings):
    """Settings that record the names of the fields that are read."""

    def __getattribute__(self, name: str) -> Any:
        read.add(name)
        return super().__getattribute__(name)


recording = RecordingSettings(**vars(settings.load(os.environ)))
settings.from_environment = lambda: recording  # type: ignore[assignment]
runpy.run_path("gunicorn.conf.py")
__import__("app")
sys.stdout.write(" ".join(sorted(name.upper() for name in read)))
sys.stdout.flush()
os._exit(0)  # the thread that reconnects to Redis never ends

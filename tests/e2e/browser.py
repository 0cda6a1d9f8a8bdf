"""A real browser: headless Chromium on a page of a loopback origin, and what that page received."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.http_server import Handler, http_server
from tests.processes import clean_environ

PAGE = Path(__file__).with_name("page.html")
PAGE_SECONDS = 60
CHROMIUM_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
    "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-sync",
    # A page that a test answers itself has no address, and could load nothing of a loopback one.
    "--disable-features=LocalNetworkAccessChecks", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
"""No window, and no connection to another machine."""


def chromium_command() -> str:
    """The browser's command. Skips the test where there is none, and fails it under CI=true."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    reason = "no chromium, chromium-browser or google-chrome here (`make test` brings one): nothing was tried by a real browser"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class PageServer:
    """A server of one page."""

    origin: str = ""
    results: "Queue[dict[str, Any]]" = field(default_factory=Queue)

    def visit(self, **facts: Any) -> dict[str, Any]:
        """What the page has made of these facts, by the name of each of its calls."""
        with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            process = subprocess.Popen(
                [chromium_command(), *CHROMIUM_FLAGS, f"--user-data-dir={profile}", f"{self.origin}/#{quote(json.dumps(facts))}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=clean_environ() | {"HOME": profile},
                start_new_session=True,
            )  # fmt: skip
            try:
                return self.results.get(timeout=PAGE_SECONDS)
            except Empty:
                raise AssertionError(
                    f"no word of the page; the browser: {process.poll()}"
                ) from None
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def page_server() -> Iterator[PageServer]:
    """A page of an origin of its own, on a free loopback port."""
    one = PageServer()

    class Serve(Handler):
        def respond(self) -> None:
            if self.command == "POST":
                one.results.put(json.loads(self.body()))
                self.reply(204)
            else:
                self.reply(200, PAGE.read_bytes() if self.path == "/" else b"")

    with http_server(Serve) as one.origin:
        yield one

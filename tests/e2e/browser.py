"""Load a page in a real browser (headless Chromium), and return the results of its calls."""

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
    # A page that a test serves by routing has no IP address, so it could load nothing from loopback.
    "--disable-features=LocalNetworkAccessChecks", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
"""Headless, without connections to other machines."""


def chromium_command() -> str:
    """Return the browser's command. Without a browser, skip the test, or fail it if CI=true."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    reason = "there is no chromium, chromium-browser or google-chrome (`make test` installs one): nothing was tested in a browser"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class PageServer:
    """A server with one page (page.html), which posts its results back."""

    origin: str = ""
    results: "Queue[dict[str, Any]]" = field(default_factory=Queue)

    def visit(self, **parameters: Any) -> dict[str, Any]:
        """Load the page with these parameters, and return the result of each of its calls by name."""
        with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            process = subprocess.Popen(
                [chromium_command(), *CHROMIUM_FLAGS, f"--user-data-dir={profile}", f"{self.origin}/#{quote(json.dumps(parameters))}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=clean_environ() | {"HOME": profile},
                start_new_session=True,
            )  # fmt: skip
            try:
                return self.results.get(timeout=PAGE_SECONDS)
            except Empty:
                raise AssertionError(
                    f"the page posted no results; exit status of the browser: {process.poll()}"
                ) from None
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def page_server() -> Iterator[PageServer]:
    """Serve the page on a free loopback port, which makes it an origin of its own."""
    server = PageServer()

    class Serve(Handler):
        def respond(self) -> None:
            if self.command == "POST":
                server.results.put(json.loads(self.body()))
                self.reply(204)
            else:
                self.reply(200, PAGE.read_bytes() if self.path == "/" else b"")

    with http_server(Serve) as server.origin:
        yield server

"""Run Lighthouse (tests/e2e/lighthouse/) on the booking page, for a test and for a benchmark."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from tests.e2e.browser import CHROMIUM_FLAGS
from tests.processes import (
    ROOT,
    clean_environ,
    free_port,
    proxy_server,
    running_server,
    sandbox_server,
)

LIGHTHOUSE = ROOT / "tests/e2e/lighthouse"
COMMAND = LIGHTHOUSE / "node_modules/.bin/lighthouse"
AUDIT_SECONDS = 150

Report = dict[str, Any]
"""See https://github.com/GoogleChrome/lighthouse/blob/main/docs/understanding-results.md."""


@contextmanager
def demo_page() -> Iterator[str]:
    """Run the sandbox and a proxy as `make run` does, and yield the URL of the booking page."""
    port = free_port()
    with (
        sandbox_server("--proxy-port", str(port)) as sandbox,
        proxy_server(sandbox, PORT=str(port), CORS_ORIGINS=sandbox.url),
    ):
        yield f"{sandbox.url}/demo/"


def audit(url: str, chromium: str, *categories: str) -> Report:
    """Return Lighthouse's report on the page, with its default settings: a phone on slow 4G.

    The browser is new, and does not connect to other machines. Lighthouse would start one in a
    process group of its own, which would survive a timeout.
    """
    port = free_port()
    with TemporaryDirectory(ignore_cleanup_errors=True) as home:
        flags = [f"--user-data-dir={home}/profile", f"--remote-debugging-port={port}"]
        with running_server([chromium, *CHROMIUM_FLAGS, *flags], port, {"HOME": home}):
            done = subprocess.run(
                [
                    COMMAND, url, f"--port={port}", f"--only-categories={','.join(categories)}",
                    "--output=json", "--quiet", "--no-enable-error-reporting",
                ],
                env=clean_environ() | {"HOME": home}, capture_output=True, text=True,
                timeout=AUDIT_SECONDS, check=False,
            )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report: Report = json.loads(done.stdout)
    return report


def scores(report: Report) -> dict[str, int]:
    """Return the score of each category, from 0 to 100. It is 0 if one of its audits failed to run."""
    categories = report["categories"].items()
    return {name: round((category["score"] or 0) * 100) for name, category in categories}


def failed_audits(report: Report) -> list[str]:
    """Return each audit that lowers a score: its ID, its title, and what it names, such as an element."""
    references = [
        reference
        for category in report["categories"].values()
        for reference in category["auditRefs"]
        if reference["weight"]  # audits that do not apply have none
    ]
    audits = [report["audits"][reference["id"]] for reference in references]
    return [_describe(each) for each in audits if each["score"] is None or each["score"] < 1]


def _describe(audit_result: dict[str, Any]) -> str:
    lines = [f"{audit_result['id']}: {audit_result['title']}"]
    if "errorMessage" in audit_result:
        lines.append(audit_result["errorMessage"])
    for item in audit_result.get("details", {}).get("items", []):
        lines.append(item["node"]["snippet"] if "node" in item else json.dumps(item))
    return "\n    ".join(lines)

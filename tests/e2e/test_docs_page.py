"""The API documentation (Swagger UI) in a real browser, without connections to other machines."""

import gzip
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.client import JOHN, Client, booking_body, working_day
from tests.e2e.fleet import workers_of
from tests.processes import ServerProcess, proxy_server, sandbox_server
from tests.unit.openapi.spec_document import operations

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with sandbox_server() as sandbox, proxy_server(sandbox) as proxy:
        yield proxy


def test_the_docs_page_loads_nothing_from_elsewhere_and_can_send_requests(
    chromium: Browser, server: ServerProcess
) -> None:
    page = chromium.new_page()
    messages: list[str] = []
    urls: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: urls.append(request.url))

    page.goto(f"{server.url}/api/docs")
    expect(page.locator(".opblock")).to_have_count(len(list(operations())))
    page.locator("#operations-services-listServices .opblock-summary").click()
    shown = page.locator("#operations-services-listServices")
    shown.get_by_role("button", name="Try it out").click()
    shown.get_by_role("button", name="Execute").click()
    live = shown.locator(".live-responses-table")
    expect(live.locator(".response-col_status").last).to_have_text("200")
    expect(live).to_contain_text("Asesoría hipotecaria")

    page.close()

    assert messages == []
    assert {url for url in urls if not url.startswith((f"{server.url}/", "data:"))} == set()


def test_two_bookings_can_be_tried_one_after_the_other(
    chromium: Browser, server: ServerProcess
) -> None:
    """The Idempotency-Key field is empty. With a default value, the second booking would be a 422."""
    page = chromium.new_page()
    page.goto(f"{server.url}/api/docs")
    operation = page.locator("#operations-users-bookByUser")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    key = operation.get_by_placeholder("Idempotency-Key")
    expect(key).to_have_value("")
    first, second, *_ = Client(server.url).hours("users", JOHN, working_day()).json()
    operation.get_by_role("textbox").nth(0).fill(JOHN)
    for start in (first, second):
        operation.locator("textarea.body-param__text").fill(json.dumps(booking_body(start, "ana@example.com")))  # fmt: skip
        operation.get_by_role("button", name="Execute").click()
        live = operation.locator(".live-responses-table")
        expect(live.locator(".response-col_status").last).to_have_text("201")
        expect(live).to_contain_text(start)
    page.close()


def test_the_files_are_cached_by_browsers_and_compressed(server: ServerProcess) -> None:
    page = requests.get(f"{server.url}/api/docs", timeout=10)
    assert page.headers["Cache-Control"] == "no-store"
    links = re.findall(r'(?:href|src)="(docs/[^"]+)"', page.text)
    assert len(links) == 4
    sizes = {}
    for link in links:
        name, digest = re.fullmatch(r"docs/([^?]+)[?]v=([0-9a-f]{32})", link).groups()  # type: ignore[union-attr]
        plain, br, gz = (
            requests.get(f"{server.url}/api/{link}", headers={"Accept-Encoding": way}, timeout=10, stream=True)
            for way in ("identity", "br", "gzip")
        )  # fmt: skip
        for response in (plain, br, gz):
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert (response.headers["X-Content-Type-Options"], response.status_code) == (
                "nosniff",
                200,
            )
        body = plain.raw.read()
        assert hashlib.sha256(body).hexdigest().startswith(digest)
        if name in {"swagger-ui.css", "swagger-ui-bundle.js"}:
            assert "Accept-Encoding" in plain.headers["Vary"]
            assert (br.headers["Content-Encoding"], gz.headers["Content-Encoding"]) == (
                "br",
                "gzip",
            )
            small, zipped = br.raw.read(), gz.raw.read()
            assert brotli.decompress(small) == gzip.decompress(zipped) == body
            assert max(len(small), len(zipped)) < 0.4 * len(body)
            sizes[name] = len(body)
    assert sizes["swagger-ui-bundle.js"] > 1_000_000


def test_the_files_are_compressed_only_once(server: ServerProcess) -> None:
    """A second response takes much less CPU time than compressing 1.5 MB."""
    url, header = f"{server.url}/api/docs/swagger-ui-bundle.js", {"Accept-Encoding": "gzip"}
    requests.get(url, headers=header, timeout=10)
    before = cpu_seconds(server)
    for _ in range(30):
        assert requests.get(url, headers=header, timeout=10).status_code == 200
    once = cpu_seconds(server) - before
    body = requests.get(url, timeout=10).content
    started = time.process_time()
    gzip.compress(body, 6)
    assert once < 15 * (time.process_time() - started)


def cpu_seconds(server: ServerProcess) -> float:
    """Return the CPU time of all its processes."""
    ticks = 0
    for pid in [server.process.pid, *workers_of(server)]:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_only_files_of_the_package_are_served(server: ServerProcess) -> None:
    for name, status in (
        ("swagger-ui.css", 200), ("start.js", 200), ("swagger-ui.js", 404), ("..%2f__init__.py", 404),
        ("%2e%2e/__init__.py", 404), ("index.css", 404), ("", 404),
    ):  # fmt: skip
        response = requests.get(f"{server.url}/api/docs/{name}", timeout=10, allow_redirects=False)
        assert response.status_code == status, name
    page = requests.get(f"{server.url}/api/docs", timeout=10)
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text

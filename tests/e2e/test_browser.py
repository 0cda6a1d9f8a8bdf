"""CORS in a real browser, on a page of another origin."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.client import FIRST_SERVICE, FORM, JOHN, ZONE
from tests.days import YEAR
from tests.e2e.browser import PageServer, chromium_command, page_server
from tests.processes import Sandbox, ServerProcess, proxy_server, sandbox_server

DAY, START = f"{YEAR}-05-06", f"{YEAR}-05-06T14:00:00.000Z"
CALLS = {
    "services", "hours", "hours again", "booked", "booked again", "conflict", "free hours",
    "refused here", "not found", "without a preflight", "info", "cancelled", "another header",
    "another method", "with credentials", "too many",
}  # fmt: skip


@dataclass
class Visit:
    """A visit of the page: the results of its calls, and the requests that Videsk and the proxy received."""

    origin: str
    calls: dict[str, Any]
    sent: list[dict[str, Any]]
    log: list[dict[str, Any]]

    def statuses(self, *names: str) -> list[int | None]:
        return [self.calls[name].get("status") for name in names]


@pytest.fixture(scope="module")
def page() -> Iterator[PageServer]:
    chromium_command()
    with page_server() as server:
        yield server


def visit(page: PageServer, origins: str) -> Visit:
    """Load the page with a proxy that allows these origins."""
    with sandbox_server() as sandbox, proxy_server(sandbox, CORS_ORIGINS=origins) as server:
        sandbox.fault("status", path="/dates", status=429, body={}, headers={"Retry-After": "7"})
        calls = page.visit(
            proxy=server.url, service=FIRST_SERVICE, agent=JOHN, day=DAY, start=START, zone=ZONE, form=FORM
        )  # fmt: skip
        assert calls.keys() == CALLS
        return Visit(page.origin, calls, request_log(sandbox), logged_requests(server))


def request_log(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [dict(entry) for entry in sandbox.request_log()]


def logged_requests(server: ServerProcess) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.output().splitlines()]
    return [line for line in lines if line["message"] == "request"]


@pytest.fixture(scope="module")
def allowed(page: PageServer) -> Visit:
    return visit(page, f"https://shop.example,{page.origin}")


@pytest.fixture(scope="module", params=["https://shop.example", ""])
def disallowed(page: PageServer, request: pytest.FixtureRequest) -> Visit:
    """The page's origin is not allowed."""
    return visit(page, request.param)


def test_an_allowed_page_can_book_and_cancel(allowed: Visit) -> None:
    assert allowed.statuses("services", "hours", "booked", "cancelled") == [200, 200, 201, 200]
    assert allowed.calls["services"]["body"][0]["title"] == "Asesoría hipotecaria"
    assert START in allowed.calls["hours"]["body"]
    assert allowed.calls["cancelled"]["body"]["service"] == "Asesoría hipotecaria"
    posts = [
        entry["path"].rpartition("/")[2] for entry in allowed.sent if entry["method"] == "POST"
    ]
    assert posts == [JOHN, JOHN, "cancel"], "booked, rejected as taken, canceled"


def test_request_headers_arrive_and_the_origin_is_the_referrer(allowed: Visit) -> None:
    first = next(entry for entry in allowed.sent if entry["method"] == "POST")
    assert first["headers"]["x-request-id"] == "page-one"
    assert json.loads(first["body"])["referrer"] == f"{allowed.origin}/"


def test_a_page_can_read_all_exposed_headers_and_no_others(allowed: Visit) -> None:
    calls = {name: call.get("headers", {}) for name, call in allowed.calls.items()}
    assert calls["services"]["Cache-Status"] == "videsk-proxy; fwd=miss; stored"
    assert calls["services"]["ETag"]
    assert calls["booked"]["X-Request-ID"] == "page-one"
    assert calls["booked again"]["Idempotency-Replayed"] == "true"
    assert calls["conflict"]["X-Error-Source"] == "videsk"
    assert calls["conflict"]["Link"].endswith('rel="alternate"')
    assert calls["refused here"]["X-Error-Source"] == "proxy"
    assert calls["too many"]["Retry-After"] == "7"
    for name, headers in calls.items():
        assert ("X-Request-ID" in headers) == ("status" in allowed.calls[name])
        assert not {"Server", "X-Content-Type-Options"} & headers.keys()


def test_the_browser_revalidates_with_a_304(allowed: Visit) -> None:
    statuses = [line["status"] for line in allowed.log if str(line["route"]).endswith("/hours")]
    assert statuses[:2] == [200, 304]
    assert allowed.statuses("hours again") == [200]
    assert allowed.calls["hours again"]["body"] == allowed.calls["hours"]["body"]
    assert allowed.calls["hours again"]["headers"]["Cache-Status"].startswith("videsk-proxy; hit")


def test_a_page_can_follow_the_link_of_a_conflict(allowed: Visit) -> None:
    assert allowed.statuses("conflict", "free hours") == [409, 200]
    assert allowed.calls["free hours"]["headers"]["Cache-Status"].startswith(
        "videsk-proxy; fwd=miss"
    )
    assert START not in allowed.calls["free hours"]["body"]
    assert len(allowed.calls["free hours"]["body"]) == len(allowed.calls["hours"]["body"]) - 1


def test_a_page_can_read_error_responses(allowed: Visit) -> None:
    names = ("refused here", "not found", "without a preflight", "info", "too many")
    assert allowed.statuses(*names) == [400, 404, 415, 401, 429]
    for name in names[:-1]:
        assert allowed.calls[name]["body"]["className"], name


@pytest.mark.parametrize("name", ["another header", "another method", "with credentials"])
def test_the_browser_blocks_forbidden_requests(allowed: Visit, name: str) -> None:
    assert allowed.calls[name] == {"refused": "TypeError"}


def test_a_page_of_another_origin_reads_nothing(disallowed: Visit) -> None:
    assert [
        name for name, call in disallowed.calls.items() if call != {"refused": "TypeError"}
    ] == []


def test_a_page_of_another_origin_changes_nothing(disallowed: Visit) -> None:
    """Requests that need a preflight are not sent. Others are rejected before Videsk."""
    assert {entry["method"] for entry in disallowed.sent} <= {"GET"}
    statuses = {line["status"] for line in disallowed.log if line["method"] == "POST"}
    assert statuses == {415}


def test_an_asterisk_allows_any_page_but_no_credentials(page: PageServer) -> None:
    any_origin = visit(page, "*")
    assert any_origin.statuses("services", "booked", "cancelled", "refused here") == [200, 201, 200, 400]  # fmt: skip
    assert any_origin.calls["with credentials"] == {"refused": "TypeError"}

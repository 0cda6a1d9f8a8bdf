"""CORS as a real browser understands it, on a page of another origin."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.client import FIRST_SERVICE, FORM, JOHN, ZONE
from tests.days import YEAR
from tests.e2e.browser import Shop, browser, shop
from tests.processes import Running, Sandbox, proxy_server, sandbox_server

DAY, START = f"{YEAR}-05-06", f"{YEAR}-05-06T14:00:00.000Z"
CALLS = {
    "services", "hours", "hours again", "booked", "booked again", "conflict", "free hours",
    "refused here", "not found", "without a preflight", "info", "cancelled", "another header",
    "another method", "with credentials", "too many",
}  # fmt: skip


@dataclass
class Visit:
    """A visit of the page: what it received, and what the servers received."""

    origin: str
    calls: dict[str, Any]
    sent: list[dict[str, Any]]
    log: list[dict[str, Any]]

    def statuses(self, *names: str) -> list[int | None]:
        return [self.calls[name].get("status") for name in names]


@pytest.fixture(scope="module")
def page() -> Iterator[Shop]:
    browser()
    with shop() as one:
        yield one


def visit(page: Shop, origins: str) -> Visit:
    """The page's visit to a proxy that lets these origins call."""
    with sandbox_server() as sandbox, proxy_server(sandbox, CORS_ORIGINS=origins) as server:
        sandbox.fault("status", path="/dates", status=429, body={}, headers={"Retry-After": "7"})
        calls = page.visit(
            proxy=server.url, service=FIRST_SERVICE, agent=JOHN, day=DAY, start=START, zone=ZONE, form=FORM
        )  # fmt: skip
        assert calls.keys() == CALLS
        return Visit(page.origin, calls, journal(sandbox), requests_of(server))


def journal(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [dict(entry) for entry in sandbox.request_log()]


def requests_of(server: Running) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.output().splitlines()]
    return [line for line in lines if line["message"] == "request"]


@pytest.fixture(scope="module")
def ours(page: Shop) -> Visit:
    return visit(page, f"https://shop.example,{page.origin}")


@pytest.fixture(scope="module", params=["https://shop.example", ""])
def stranger(page: Shop, request: pytest.FixtureRequest) -> Visit:
    """The page is of none of the origins."""
    return visit(page, request.param)


def test_an_allowed_page_can_do_all_that_a_customer_does(ours: Visit) -> None:
    assert ours.statuses("services", "hours", "booked", "cancelled") == [200, 200, 201, 200]
    assert ours.calls["services"]["body"][0]["title"] == "Asesoría hipotecaria"
    assert START in ours.calls["hours"]["body"]
    assert ours.calls["cancelled"]["body"]["service"] == "Asesoría hipotecaria"
    posts = [entry["path"].rpartition("/")[2] for entry in ours.sent if entry["method"] == "POST"]
    assert posts == [JOHN, JOHN, "cancel"], "booked, refused as taken, cancelled"


def test_its_own_headers_arrive_and_its_origin_is_the_referrer(ours: Visit) -> None:
    first = next(entry for entry in ours.sent if entry["method"] == "POST")
    assert first["headers"]["x-request-id"] == "page-one"
    assert json.loads(first["body"])["referrer"] == f"{ours.origin}/"


def test_it_can_read_every_header_that_is_meant_for_it_and_no_other(ours: Visit) -> None:
    calls = {name: call.get("headers", {}) for name, call in ours.calls.items()}
    assert calls["services"]["Cache-Status"] == "videsk-proxy; fwd=miss; stored"
    assert calls["services"]["ETag"]
    assert calls["booked"]["X-Request-ID"] == "page-one"
    assert calls["booked again"]["Idempotency-Replayed"] == "true"
    assert calls["conflict"]["X-Error-Source"] == "videsk"
    assert calls["conflict"]["Link"].endswith('rel="alternate"')
    assert calls["refused here"]["X-Error-Source"] == "proxy"
    assert calls["too many"]["Retry-After"] == "7"
    for name, headers in calls.items():
        assert ("X-Request-ID" in headers) == ("status" in ours.calls[name])
        assert not {"Server", "X-Content-Type-Options"} & headers.keys()


def test_a_repeat_costs_a_304_that_the_page_does_not_notice(ours: Visit) -> None:
    statuses = [line["status"] for line in ours.log if str(line["route"]).endswith("/hours")]
    assert statuses[:2] == [200, 304]
    assert ours.statuses("hours again") == [200]
    assert ours.calls["hours again"]["body"] == ours.calls["hours"]["body"]
    assert ours.calls["hours again"]["headers"]["Cache-Status"].startswith("videsk-proxy; hit")


def test_it_follows_a_conflict_to_the_hours_that_are_free(ours: Visit) -> None:
    assert ours.statuses("conflict", "free hours") == [409, 200]
    assert ours.calls["free hours"]["headers"]["Cache-Status"].startswith("videsk-proxy; fwd=miss")
    assert START not in ours.calls["free hours"]["body"]
    assert len(ours.calls["free hours"]["body"]) == len(ours.calls["hours"]["body"]) - 1


def test_it_can_read_errors_as_well_as_answers(ours: Visit) -> None:
    names = ("refused here", "not found", "without a preflight", "info", "too many")
    assert ours.statuses(*names) == [400, 404, 415, 401, 429]
    for name in names[:-1]:
        assert ours.calls[name]["body"]["className"], name


@pytest.mark.parametrize("name", ["another header", "another method", "with credentials"])
def test_what_no_page_may_do_the_browser_refuses(ours: Visit, name: str) -> None:
    assert ours.calls[name] == {"refused": "TypeError"}


def test_a_page_of_another_origin_reads_nothing(stranger: Visit) -> None:
    assert [name for name, call in stranger.calls.items() if call != {"refused": "TypeError"}] == []


def test_a_page_of_another_origin_changes_nothing(stranger: Visit) -> None:
    """What needs a preflight does not come here; what needs none is refused before Videsk."""
    assert {entry["method"] for entry in stranger.sent} <= {"GET"}
    statuses = {line["status"] for line in stranger.log if line["method"] == "POST"}
    assert statuses == {415}


def test_with_an_asterisk_any_page_may_but_none_with_credentials(page: Shop) -> None:
    any_origin = visit(page, "*")
    assert any_origin.statuses("services", "booked", "cancelled", "refused here") == [200, 201, 200, 400]  # fmt: skip
    assert any_origin.calls["with credentials"] == {"refused": "TypeError"}

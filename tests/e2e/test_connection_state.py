"""Connections to Videsk share no state between requests: no cookies, no responses (docs/guarantees.md#g10, docs/guarantees.md#g12)."""

from datetime import UTC, datetime
from functools import partial

import pytest

from tests.client import JOHN, Client, bearer
from tests.e2e.fleet import concurrently
from tests.processes import Sandbox

COOKIES = [
    "plain=1; Path=/",
    "lasting=1; Path=/; Max-Age=3600",
    "own=1; Path=/; Domain=127.0.0.1",
    "here=1",
]


@pytest.mark.parametrize("status", [200, 401])
def test_cookies_of_videsk_are_not_sent_back(proxy: Client, sandbox: Sandbox, status: int) -> None:
    for cookie in COOKIES:
        sandbox.fault("status", status=status, body=[], headers={"Set-Cookie": cookie}, times=1)
    next_year = datetime.now(UTC).year + 1
    months = [f"{next_year}-{month:02}" for month in range(1, 9)]
    concurrently([partial(proxy.dates, "users", JOHN, month) for month in months[:4]])
    assert [entry["status"] for entry in sandbox.request_log()] == [status] * 4
    for month in months[4:]:
        assert proxy.dates("users", JOHN, month).status_code == 200
    assert proxy.get("/api/appointment", headers=bearer("a.b.c")).status_code == 401
    sent = [entry["headers"] for entry in sandbox.request_log()]
    assert len(sent) == 9
    assert not any("cookie" in headers for headers in sent if isinstance(headers, dict))

"""Fuzz all routes: no input causes a 500, errors have one format, and nothing malformed reaches Videsk.

`make test` tries a few hundred cases, `make fuzz` a hundred thousand.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.client import AUTOMATIC_SERVICE, FIRST_SERVICE, FORM, JOHN, ZONE
from tests.days import YEAR
from tests.processes import Sandbox, ServerProcess, proxy_server

CASES = int(os.environ.get("FUZZ_CASES", "400"))

IDS = st.sampled_from([JOHN, FIRST_SERVICE, AUTOMATIC_SERVICE, JOHN.upper()]) | st.text(max_size=30)
DATES = (
    st.sampled_from([f"{YEAR}-05", f"{YEAR}-05-06", f"{YEAR}-05-06T12:00:00Z", "2020-01-01"])
    | st.text()
)
ZONES = st.sampled_from([ZONE, "Asia/Calcutta", "localtime", "UTC"]) | st.text()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)
GOOD = {
    "startAt": f"{YEAR}-05-06T12:00:00Z",
    "timezone": ZONE,
    "form": FORM,
    "service": FIRST_SERVICE,
    "referrer": "fuzz",
    "cancelReason": "because",
    "date": f"{YEAR}-05-06T12:00:00Z",
    "token": "x",
}
BODIES = (
    st.dictionaries(st.sampled_from(sorted(GOOD)), st.none()).map(lambda d: {k: GOOD[k] for k in d})
    | st.fixed_dictionaries(
        {}, optional={name: st.just(good) | JSON for name, good in GOOD.items()}
    )
    | JSON
).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200)
TOKENS = st.sampled_from(["Bearer a.b.c", "Bearer x", "Basic eA==", "bearer"]) | st.text()
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": TOKENS,
        "Content-Type": st.sampled_from(["application/json", "text/plain"]) | st.text(),
        "Idempotency-Key": st.text(max_size=40),
        "X-Request-ID": st.text(max_size=40),
        "Origin": st.sampled_from(["https://shop.example", "null"]) | st.text(),
        "Referer": st.text(),
        "If-None-Match": st.text(),
        "X-Webhook-Secret": st.sampled_from(["the-hook", "the-hoek"]),
        "X-Forwarded-For": st.text(),
    },
)
ROUTES = st.one_of(
    st.tuples(st.just("/api/"), st.sampled_from(["services", "users"]), st.just("/"), IDS,
              st.sampled_from(["/dates", "/hours", "/appointments"])).map(list),
    st.sampled_from(["/api/services", "/api/appointment", "/api/appointment/cancel",
                     "/api/appointment/reschedule", "/healthz", "/readyz", "/hooks/videsk"]).map(lambda p: [p]),
    st.text().map(lambda text: ["/", text]),
)  # fmt: skip
METHODS = st.sampled_from(["GET", "GET", "GET", "POST", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"])


@pytest.fixture(scope="module")
def target(sandbox_process: Sandbox) -> Iterator[ServerProcess]:
    sandbox_process.reset()
    more = {
        "CORS_ORIGINS": "https://shop.example",
        "WEBHOOK_SECRET": "the-hook",
        "TRUSTED_PROXIES": "1",
    }
    with proxy_server(sandbox_process, **more) as server:
        yield server


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    METHODS,
    ROUTES,
    st.fixed_dictionaries({}, optional={"date": DATES, "timezone": ZONES}),
    HEADERS,
    BODIES,
)
def test_no_input_causes_a_500(
    target: ServerProcess, sandbox_process: Sandbox, method: str, route: list[str], query: dict[str, str],
    headers: dict[str, str], body: bytes,
) -> None:  # fmt: skip
    url = target.url + "".join(quote(part, safe="/") for part in route)
    sendable = {
        name: text.encode("utf-8", "surrogatepass")
        for name, text in headers.items()
        if not re.search(r"[\r\n]|^\s", text)
    }
    response = requests.request(
        method, url, params={name: text.encode("utf-8", "surrogatepass") for name, text in query.items()},
        headers=sendable, data=body if method in {"POST", "PUT"} else None, timeout=30, allow_redirects=False,
    )  # fmt: skip
    assert response.status_code < 500, response.text
    assert not 300 <= response.status_code < 400 or response.status_code == 304
    assert sandbox_process.keys["backend"] not in f"{response.headers}{response.text}"
    assert "X-Request-ID" in response.headers
    assert response.headers["Cache-Control"]
    if response.status_code >= 400 and method != "HEAD":
        shape: Any = response.json()
        assert {"name", "message", "code", "className", "errors"} <= set(shape)
        assert response.headers["X-Error-Source"] in {"proxy", "videsk"}


def test_nothing_malformed_reached_videsk(target: ServerProcess, sandbox_process: Sandbox) -> None:
    """Check the sandbox's request log after the previous test."""
    instant = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    allowed = (
        r"(services|users)/[0-9a-f]{24}/(dates|hours)|services|schedule/(service|user)/[0-9a-f]{24}"
    )
    path = rf"/public/video-contact-center/({allowed}|schedule/(info|cancel|reschedule))"
    request_log = sandbox_process.request_log()
    assert request_log
    for entry in request_log:
        assert re.fullmatch(path, str(entry["path"])), entry
        query = parse_qs(str(entry["query"]))
        assert set(query) <= {"date", "timezone", "$skip"}
        if "date" in query:
            assert re.fullmatch(instant, query["date"][0]), entry
        if entry["method"] == "POST":
            sent = json.loads(str(entry["body"]))
            assert isinstance(sent, dict)
            assert set(sent) <= set(GOOD)
            for field in ("startAt", "date"):
                assert re.fullmatch(instant, sent.get(field, f"{YEAR}-05-06T12:00:00.000Z"))

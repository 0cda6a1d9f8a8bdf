"""The fast path replays a response only to requests with the same key."""

import re
import time
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from types import MappingProxyType
from typing import Any

import gevent
import pytest
from flask import Flask, request

from cache import near_cache
from cache.near_cache import NearCache
from cache.read_through import CachedResult
from tests.timing import TIMING
from web import fast_path, responses
from web.fast_path import CachedResponse, FastPath

REQUEST = {
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/api/services",
    "HTTP_ORIGIN": "https://shop.example",
    "HTTP_ACCEPT_ENCODING": "br",
    "HTTP_IF_NONE_MATCH": '"a"',
}


class FakeLimit:
    """A client limit that admits `admitted` calls, and metrics that record routes."""

    def __init__(self, admitted: int = 1000) -> None:
        self.left = admitted
        self.answered_routes: list[str] = []
        self.calls = 0

    def admits(self, _: Mapping[str, str]) -> bool:
        self.left -= 1
        return self.left >= 0

    def count_responses(self, route: str, *args: Any) -> None:
        self.calls += 1
        self.answered_routes += [route] * len(args[-1])


class CachingApp:
    """A fast path in front of an app that numbers its responses."""

    def __init__(
        self,
        status: str = "200 OK",
        fresh_seconds: float = 60,
        vary: str = "Origin",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.times = 0
        self._headers = {"ETag": '"a"', "Vary": vary, **headers}
        self.counts = FakeLimit()
        self._status = status
        self._fresh_seconds = fresh_seconds
        responses_: NearCache[CachedResponse] = NearCache(lambda: b"version")
        responses_.get("so that the version is read")
        counts: Any = self.counts
        self.fast_path = FastPath(self.app, responses_, counts, counts)

    def app(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.times += 1
        if self._fresh_seconds:
            environ[responses.FRESH_UNTIL] = time.time() + self._fresh_seconds
            environ[responses.ROUTE] = "/api/services"
        headers = self._headers | responses.per_response_headers(f"old-{self.times}", "fwd=miss")
        start_response(self._status, list(headers.items()))
        return [b"response ", b"%d" % self.times]

    def send(self, **changes: str) -> bytes:
        """Respond as the worker does: with the fast path, or else with the app."""
        environ = REQUEST | changes
        response = self.fast_path.respond(environ)
        return response or b"".join(self.fast_path(dict(environ), lambda *_: None))  # type: ignore[arg-type]


def test_the_app_is_called_once_for_the_same_request() -> None:
    path = CachingApp()
    assert path.send() == b"response 1"
    again = path.send(HTTP_X_REQUEST_ID="mine")
    head, body = again.split(b"\r\n\r\n")
    assert body == b"response 1"
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert 'ETag: "a"' in lines
    assert "X-Request-ID: mine" in lines
    assert "Cache-Status: videsk-proxy; hit; ttl=60" in lines
    assert not any("old" in line for line in lines)
    assert path.times == 1
    gevent.sleep(0)  # hits are counted in the next turn of the event loop
    assert path.counts.answered_routes == ["/api/services"]


def test_the_hits_of_one_turn_of_the_event_loop_are_counted_together() -> None:
    path = CachingApp()
    path.send()
    gevent.joinall([gevent.spawn(path.send) for _ in range(2)])
    assert path.counts.answered_routes == ["/api/services"] * 2
    path.send()
    assert path.counts.calls == 1, "the third one waits for the next turn"
    gevent.sleep(0)
    assert path.counts.calls == 2


@pytest.mark.parametrize(
    ("vary", "is_stored"),
    [
        ("Origin, accept-encoding", True),
        ("Origin, Accept-Language", False),
        ("Cookie", False),
        ("*", False),
    ],
)
def test_a_response_that_varies_on_a_header_outside_the_key_is_not_stored(
    vary: str, is_stored: bool
) -> None:
    path = CachingApp(vary=vary)
    for _ in range(3):
        path.send()
    assert path.times == (1 if is_stored else 3)


@pytest.mark.parametrize(
    ("name", "is_stored"),
    [("X-Content-Type-Options", True), ("Set-Cookie", False), ("X-Served-By", False)],
)
def test_a_response_with_a_header_that_may_differ_per_request_is_not_stored(
    name: str, is_stored: bool
) -> None:
    path = CachingApp(headers={name: "value"})
    for _ in range(3):
        path.send()
    assert path.times == (1 if is_stored else 3)


def test_the_fast_path_generates_new_per_response_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original, served = responses.per_response_headers, count(1)

    def with_number(request_id: str, cache_result: str | None) -> dict[str, str]:
        return original(request_id, cache_result) | {"X-Number": f"{next(served)}"}

    monkeypatch.setattr(responses, "per_response_headers", with_number)
    path = CachingApp()
    path.send()
    replays = [path.send() for _ in range(2)]
    assert path.times == 1
    numbers = [re.findall(rb"\r\nX-Number: (\d+)\r\n", replay) for replay in replays]
    assert [len(found) for found in numbers] == [1, 1]
    assert numbers[0] != numbers[1]


def test_a_new_header_of_the_key_selects_another_response(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (*fast_path.KEY_HEADERS, "Accept-Language")
    monkeypatch.setattr(fast_path, "KEY_HEADERS", names)
    path = CachingApp(vary="Origin, Accept-Language")
    for language in ("es", "en", "es", "en"):
        path.send(HTTP_ACCEPT_LANGUAGE=language)
    assert path.times == 2


@pytest.mark.parametrize("name", [*REQUEST, "HTTP_IF_MATCH"])
def test_each_part_of_the_key_selects_another_response(name: str) -> None:
    path = CachingApp()
    path.send()
    other = {"REQUEST_METHOD": "HEAD", "RAW_URI": "/api/services?a"}.get(name, "other")
    path.send(**{name: other})
    assert path.times == 2


@pytest.mark.parametrize(
    "changes",
    [{"REQUEST_METHOD": "POST"}, {"RAW_URI": "/healthz"}, {"RAW_URI": "http://a.example/api/services"}],
)  # fmt: skip
def test_the_fast_path_serves_only_reads_of_the_api(
    changes: dict[str, str],
) -> None:
    path = CachingApp()
    for _ in range(3):
        path.send(**changes)
    assert path.times == 3


def test_a_response_without_freshness_is_not_stored() -> None:
    path = CachingApp(fresh_seconds=0)
    for _ in range(3):
        path.send()
    assert path.times == 3


def test_a_304_is_replayed_as_a_304() -> None:
    path = CachingApp(status="304 NOT MODIFIED")
    path.send()
    assert path.send().startswith(b"HTTP/1.1 304 NOT MODIFIED\r\n")


@TIMING
def test_a_response_is_replayed_only_while_it_is_fresh() -> None:
    path = CachingApp(fresh_seconds=0.05)
    path.send()
    path.send()
    assert path.times == 1
    time.sleep(0.06)
    path.send()
    assert path.times == 2


@pytest.mark.parametrize("name", ["RAW_URI", "HTTP_ORIGIN", "HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"])
def test_a_response_with_a_key_above_the_limit_is_not_stored(name: str) -> None:
    path = CachingApp()
    long = REQUEST.get(name, "") + "/" * fast_path.MAX_KEY_CHARACTERS
    for _ in range(3):
        path.send(**{name: long})
    assert path.times == 3
    room = fast_path.MAX_KEY_CHARACTERS - sum(len(REQUEST[other]) for other in REQUEST)
    for _ in range(3):
        path.send(HTTP_IF_MATCH="x" * room)
    assert path.times == 4, "a key of exactly the limit is stored"
    path.send(HTTP_IF_MATCH="x" * (room + 1))
    path.send(HTTP_IF_MATCH="x" * (room + 1))
    assert path.times == 6


def test_memory_is_bounded_for_any_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_cache, "MAX_BYTES", 2_000_000)
    path = CachingApp()
    tracemalloc.start()
    try:
        for length in range(0, 1100, 100):
            for number in range(400):
                path.send(RAW_URI=f"/api/services?{number}", HTTP_ORIGIN=f"{number:0{length}}")
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert path.times == 4400
    # If keys did not count, it would exceed 4 MB. Threads of other tests may allocate memory too.
    assert 1_000_000 < used < 3_000_000


def test_requests_of_a_client_near_its_limit_go_to_the_app() -> None:
    path = CachingApp()
    path.send()
    path.counts.left = 1
    path.send()
    path.send()
    assert path.times == 2


def test_a_response_is_not_fresh_past_the_end_of_the_requested_day() -> None:
    result = CachedResult(b"[]", 100.0, 2_000_000_000.0, "hit; ttl=5")
    app = Flask("test")
    responses.register(app)
    for end, fresh_until in ((1_900_000_000, 1_900_000_000), (2_100_000_000, 2_000_000_000)):
        with app.test_request_context("/api/services"):
            responses.cached_response(lambda: result, "no-cache", datetime.fromtimestamp(end, UTC))
            assert request.environ[responses.FRESH_UNTIL] == fresh_until

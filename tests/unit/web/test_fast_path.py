"""The short way gives again what the application answered, to the same question only."""

import time
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, request

from cache import near_cache
from cache.near_cache import NearCache
from cache.read_through import CachedResult
from tests.timing import TIMING
from web import fast_path, responses
from web.fast_path import CachedResponse, FastPath

QUESTION = {
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/api/services",
    "HTTP_ORIGIN": "https://shop.example",
    "HTTP_ACCEPT_ENCODING": "br",
    "HTTP_IF_NONE_MATCH": '"a"',
}


class Counts:
    """A limit that admits so many, and figures that nobody reads."""

    def __init__(self, admitted: int = 1000) -> None:
        self.left = admitted
        self.answered_routes: list[str] = []

    def admits(self, _: Mapping[str, str]) -> bool:
        self.left -= 1
        return self.left >= 0

    def answered(self, route: str, *_: Any) -> None:
        self.answered_routes.append(route)


class Asked:
    """The way through an application that answers each question by its number."""

    def __init__(
        self, status: str = "200 OK", fresh_seconds: float = 60, vary: str = "Origin"
    ) -> None:
        self.times = 0
        self._vary = vary
        self.counts = Counts()
        self._status = status
        self._fresh_seconds = fresh_seconds
        near_cache_: NearCache[CachedResponse] = NearCache(lambda: b"token")
        near_cache_.get("so that the token is known")
        counts: Any = self.counts
        self.way = FastPath(self.app, near_cache_, counts, counts)

    def app(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.times += 1
        if self._fresh_seconds:
            environ[responses.FRESH_UNTIL] = time.time() + self._fresh_seconds
            environ[responses.ROUTE] = "/api/services"
        headers = [("ETag", '"a"'), ("X-Request-ID", "old"), ("Cache-Status", "old")]
        headers.append(("Vary", self._vary))
        start_response(self._status, headers)
        return [b"answer ", b"%d" % self.times]

    def ask(self, **changes: str) -> bytes:
        """As the worker does: the short way, else the long one."""
        environ = QUESTION | changes
        short = self.way.answer(environ)
        return short or b"".join(self.way(dict(environ), lambda *_: None))  # type: ignore[arg-type]


def test_the_same_question_is_not_asked_twice() -> None:
    asked = Asked()
    assert asked.ask() == b"answer 1"
    again = asked.ask(HTTP_X_REQUEST_ID="mine")
    head, body = again.split(b"\r\n\r\n")
    assert body == b"answer 1"
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert 'ETag: "a"' in lines
    assert "X-Request-ID: mine" in lines
    assert "Cache-Status: videsk-proxy; hit; ttl=60" in lines
    assert not any("old" in line for line in lines)
    assert asked.times == 1
    assert asked.counts.answered_routes == ["/api/services"]


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
    asked = Asked(vary=vary)
    for _ in range(3):
        asked.ask()
    assert asked.times == (1 if is_stored else 3)


@pytest.mark.parametrize("name", [*QUESTION, "HTTP_IF_MATCH"])
def test_whatever_the_answer_depends_on_makes_another_question(name: str) -> None:
    asked = Asked()
    asked.ask()
    other = {"REQUEST_METHOD": "HEAD", "RAW_URI": "/api/services?a"}.get(name, "other")
    asked.ask(**{name: other})
    assert asked.times == 2


@pytest.mark.parametrize(
    "changes",
    [{"REQUEST_METHOD": "POST"}, {"RAW_URI": "/healthz"}, {"RAW_URI": "http://a.example/api/services"}],
)  # fmt: skip
def test_what_is_no_read_of_the_api_always_goes_the_long_way(
    changes: dict[str, str],
) -> None:
    asked = Asked()
    for _ in range(3):
        asked.ask(**changes)
    assert asked.times == 3


def test_what_the_app_does_not_let_be_given_again_is_not() -> None:
    asked = Asked(fresh_seconds=0)
    for _ in range(3):
        asked.ask()
    assert asked.times == 3


def test_a_304_is_given_again_as_one() -> None:
    asked = Asked(status="304 NOT MODIFIED")
    asked.ask()
    assert asked.ask().startswith(b"HTTP/1.1 304 NOT MODIFIED\r\n")


@TIMING
def test_an_answer_is_given_again_no_longer_than_it_is_fresh() -> None:
    asked = Asked(fresh_seconds=0.05)
    asked.ask()
    asked.ask()
    assert asked.times == 1
    time.sleep(0.06)
    asked.ask()
    assert asked.times == 2


@pytest.mark.parametrize("name", ["RAW_URI", "HTTP_ORIGIN", "HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"])
def test_an_answer_to_a_question_of_over_a_kilobyte_is_not_kept(name: str) -> None:
    """No page asks one, and whoever does could push out what the others' pages ask."""
    asked = Asked()
    long = QUESTION.get(name, "") + "/" * fast_path.MAX_KEY_CHARACTERS
    for _ in range(3):
        asked.ask(**{name: long})
    assert asked.times == 3
    room = fast_path.MAX_KEY_CHARACTERS - sum(len(QUESTION[other]) for other in QUESTION)
    for _ in range(3):
        asked.ask(HTTP_IF_MATCH="x" * room)
    assert asked.times == 4, "one of just a kilobyte is kept"
    asked.ask(HTTP_IF_MATCH="x" * (room + 1))
    asked.ask(HTTP_IF_MATCH="x" * (room + 1))
    assert asked.times == 6


def test_one_client_fills_no_more_memory_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it varies in its questions, and however long they are."""
    monkeypatch.setattr(near_cache, "MAX_BYTES", 2_000_000)
    asked = Asked()
    tracemalloc.start()
    try:
        for length in range(0, 1100, 100):
            for number in range(400):
                asked.ask(RAW_URI=f"/api/services?{number}", HTTP_ORIGIN=f"{number:0{length}}")
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert asked.times == 4400
    # Without its keys in the sum it would be above 4 MB; other tests' threads allocate meanwhile.
    assert 1_000_000 < used < 3_000_000


def test_who_is_near_a_limit_goes_the_long_way_where_each_call_is_counted() -> None:
    asked = Asked()
    asked.ask()
    asked.counts.left = 1
    asked.ask()
    asked.ask()
    assert asked.times == 2


def test_an_answer_is_not_fresh_past_the_end_of_the_day_asked_for() -> None:
    reading = CachedResult(b"[]", 100.0, 2_000_000_000.0, "hit; ttl=5")
    app = Flask("test")
    responses.register(app)
    for end, fresh_until in ((1_900_000_000, 1_900_000_000), (2_100_000_000, 2_000_000_000)):
        with app.test_request_context("/api/services"):
            responses.cached_response(lambda: reading, "no-cache", datetime.fromtimestamp(end, UTC))
            assert request.environ[responses.FRESH_UNTIL] == fresh_until

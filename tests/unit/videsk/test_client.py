"""How the client turns Videsk's responses into JSON or errors, and what it reports."""

from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from common.request_context import REQUEST_CONTEXT, RequestContext
from tests.fakes import NoInstrumentation
from videsk.api_key_status import ApiKeyStatus
from videsk.client import VideskClient
from videsk.errors import (
    VideskFailedError,
    VideskInvalidResponseError,
    VideskNoSocketError,
    VideskRateLimitError,
    VideskResponseError,
    VideskUnreachableError,
)
from videsk.transport import MAX_RESPONSE_BYTES, Request, Response, Transport

KEY, SLOT = "the-secret-key", 1_795_000_000
READ = Request("GET", "/services/63bdbf49394aad976d4aa43b/hours", read_key="hours")
WRITE = Request("POST", "/schedule/service/a", body={})
BY_TOKEN = Request("POST", "/schedule/cancel", body={}, token="a.b.c")


class Throttle:
    """A throttle that admits every request, and records what is reported."""

    def __init__(self) -> None:
        self.reports: list[Any] = []
        self.error: Exception | None = None
        self.context: RequestContext | None = None

    def acquire(
        self, seconds: float, *, is_write: bool, read_key: str = "", moved: int | None = None
    ) -> int:
        if self.error:
            raise self.error
        self.reports.append(("acquire", is_write, "moved" if moved == SLOT else read_key))
        return SLOT

    def report_success(self) -> None:
        self.reports.append("success")

    def report_failure(self) -> None:
        self.reports.append("failure")

    def pause(self, seconds: float) -> None:
        self.reports.append(("pause", seconds))
        self.context = REQUEST_CONTEXT.get()


class RecordingInstrumentation(NoInstrumentation):
    """Records what is counted for requests to Videsk."""

    def __init__(self) -> None:
        self.upstreams: list[tuple[str, str]] = []

    def count_upstream(self, endpoint: str, status: str, seconds: float) -> None:
        self.upstreams.append((endpoint, status))


class ClientSetup(SimpleNamespace):
    """A client whose transport returns, or raises, `outcome`."""

    throttle: Throttle
    status: ApiKeyStatus
    counted: RecordingInstrumentation
    sent: list[Any]

    def send(self, request: Request = READ, seconds: float = 5) -> Any:
        try:
            return self.client.send(request, seconds)
        finally:
            gevent.sleep(0)  # a success is reported in the background


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> ClientSetup:
    throttle: Any = Throttle()
    status, counted = ApiKeyStatus(None, ""), RecordingInstrumentation()
    client = VideskClient("https://videsk.example", KEY, 10, throttle, status, counted)
    setup = ClientSetup(
        client=client, throttle=throttle, status=status, counted=counted, sent=[], outcome=None
    )
    setup.connect_seconds = None

    def exchange(
        self: Transport, request: Request, seconds: float, headers: Any, on_connect: Any
    ) -> Response:
        setup.sent.append((request, seconds, headers))
        if setup.connect_seconds is not None:
            on_connect(setup.connect_seconds)
        if isinstance(setup.outcome, Exception):
            raise setup.outcome
        response: Response = setup.outcome
        return response

    monkeypatch.setattr(Transport, "exchange", exchange)
    return setup


def response(status: int = 200, body: bytes = b"[1]", **headers: str) -> Response:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, {"Content-Type": "application/json"} | names, body)


def test_the_json_of_a_success_is_returned(setup: ClientSetup) -> None:
    setup.outcome = response(201, b'{"a": [1]}')
    assert setup.send() == {"a": [1]}
    assert setup.throttle.reports == [("acquire", False, "hours"), "success"]
    assert setup.counted.upstreams == [("/services/{id}/hours", "201")]


def test_the_timeout_is_limited_by_the_remaining_time(setup: ClientSetup) -> None:
    setup.outcome = response()
    setup.send(seconds=25)
    setup.send(seconds=3)
    (_, first, _), (_, second, _) = setup.sent
    assert first == 10
    assert 2.5 < second <= 3


def test_a_request_without_a_slot_is_not_sent(setup: ClientSetup) -> None:
    setup.throttle.error = VideskRateLimitError(3)
    with pytest.raises(VideskRateLimitError):
        setup.send()
    assert not setup.sent


@pytest.mark.parametrize(("elapsed", "moved"), [(None, 0), (0.02, 0), (0.03, 1)])
def test_the_slot_is_moved_if_it_takes_long_to_connect(
    setup: ClientSetup, elapsed: float | None, moved: int
) -> None:
    setup.outcome, setup.connect_seconds = response(), elapsed
    setup.send()
    acquired = [report for report in setup.throttle.reports if report[0] == "acquire"]
    assert acquired == [("acquire", False, "hours"), *[("acquire", False, "moved")] * moved]


def test_a_pause_is_reported_in_the_context_of_the_request(setup: ClientSetup) -> None:
    """Its log line then contains the request id."""
    context = RequestContext("an-id")
    token = REQUEST_CONTEXT.set(context)
    setup.outcome = response(429, b"{}", Retry_After="7")
    with pytest.raises(VideskResponseError):
        setup.send()
    REQUEST_CONTEXT.reset(token)
    assert setup.throttle.context is context


def test_a_request_that_is_dropped_after_connecting_is_not_a_failure(
    setup: ClientSetup,
) -> None:
    setup.outcome = VideskRateLimitError(1)
    with pytest.raises(VideskRateLimitError):
        setup.send()
    assert "failure" not in setup.throttle.reports


@pytest.mark.parametrize("status", [400, 404, 409, 429, 500, 503])
def test_an_error_of_videsk_is_raised_unchanged(setup: ClientSetup, status: int) -> None:
    setup.outcome = response(status, b'{"message": "No."}', Retry_After="7", Set_Cookie="x")
    with pytest.raises(VideskResponseError) as raised:
        setup.send(WRITE)
    error = raised.value
    assert (error.status, error.body, error.content_type) == (
        status, b'{"message": "No."}', "application/json",
    )  # fmt: skip
    assert error.headers == {"Retry-After": "7"}
    assert ("failure" in setup.throttle.reports) is (status >= 500)
    assert (("pause", 7.0) in setup.throttle.reports) is (status == 429)


@pytest.mark.parametrize(
    "outcome",
    [
        response(body=b"<html>"),
        response(body=b'{"a": NaN}'),
        response(body=b" " * (MAX_RESPONSE_BYTES + 1)),
        response(body=b'["%b"]' % KEY.encode()),
        response(body=b'["the\\u002dsecret\\u002dkey"]'),
        response(429, b"{}", Retry_After=KEY),
        response(503, b"<html>"),
        response(302, b"{}"),
        response(body=b"[" * 900 + b"]" * 900),
    ],
    ids=[
        "HTML",
        "NaN",
        "too long",
        "key",
        "escaped key",
        "key in a header",
        "503",
        "redirect",
        "deep",
    ],
)
def test_a_response_that_cannot_be_used_is_an_error(setup: ClientSetup, outcome: Response) -> None:
    setup.outcome = outcome
    with pytest.raises(VideskInvalidResponseError) as raised:
        setup.send()
    assert not raised.value.outcome_unknown
    with pytest.raises(VideskInvalidResponseError) as raised:
        setup.send(WRITE)
    assert raised.value.outcome_unknown is (outcome.status not in {429, 503}), (
        "they have no effect at Videsk"
    )


@pytest.mark.parametrize(
    ("error", "status", "counts"),
    [(VideskUnreachableError(), "unreachable", True), (VideskNoSocketError(1), "nosocket", False)],
)
def test_failures_count_in_the_circuit_unless_this_machine_caused_them(
    setup: ClientSetup, error: VideskFailedError, status: str, counts: bool
) -> None:
    setup.outcome = error
    with pytest.raises(type(error)):
        setup.send()
    assert ("failure" in setup.throttle.reports) is counts
    assert setup.counted.upstreams == [("/services/{id}/hours", status)]


@pytest.mark.parametrize(
    ("request_", "status", "body", "rejected"),
    [
        (READ, 401, b"{}", True),
        (READ, 403, b"{}", True),
        (READ, 403, b'{"message": "You do not have access to this"}', False),
        (READ, 404, b"{}", False),
        (BY_TOKEN, 401, b"{}", False),
    ],
)
def test_a_rejection_of_the_key_is_stored(
    setup: ClientSetup, request_: Request, status: int, body: bytes, rejected: bool
) -> None:
    setup.outcome = response(status, body)
    with pytest.raises(VideskResponseError):
        setup.send(request_)
    assert setup.status.is_rejected() is rejected
    setup.outcome = response()
    setup.send(BY_TOKEN)
    assert setup.status.is_rejected() is rejected, "the key was not sent"
    setup.send()
    assert not setup.status.is_rejected()


def test_the_current_request_is_counted_and_its_ids_are_forwarded(setup: ClientSetup) -> None:
    setup.outcome = response()
    context = RequestContext("an-id")
    token = REQUEST_CONTEXT.set(context)
    try:
        setup.send()
        setup.outcome = VideskUnreachableError()
        with pytest.raises(VideskUnreachableError):
            setup.send()
    finally:
        REQUEST_CONTEXT.reset(token)
    assert context.attempts == 2
    assert context.seconds > 0
    assert setup.sent[0][2] == {"X-Request-ID": "an-id"}

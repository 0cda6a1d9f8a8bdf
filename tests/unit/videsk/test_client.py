"""What the client makes of Videsk's responses: JSON or an error, and what it reports."""

from types import SimpleNamespace
from typing import Any

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
    """Lets every request leave, and records what is reported."""

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


class Counted(NoInstrumentation):
    """Keeps what is counted of requests to Videsk."""

    def __init__(self) -> None:
        self.upstreams: list[tuple[str, str]] = []

    def count_upstream(self, endpoint: str, status: str, seconds: float) -> None:
        self.upstreams.append((endpoint, status))


class Stage(SimpleNamespace):
    """A client whose transport returns, or raises, `outcome`."""

    throttle: Throttle
    status: ApiKeyStatus
    counted: Counted
    sent: list[Any]

    def send(self, request: Request = READ, seconds: float = 5) -> Any:
        return self.client.send(request, seconds)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    throttle: Any = Throttle()
    status, counted = ApiKeyStatus(None, ""), Counted()
    client = VideskClient("https://videsk.example", KEY, 10, throttle, status, counted)
    stage = Stage(
        client=client, throttle=throttle, status=status, counted=counted, sent=[], outcome=None
    )
    stage.connect_seconds = None

    def exchange(
        self: Transport, request: Request, seconds: float, headers: Any, on_connect: Any
    ) -> Response:
        stage.sent.append((request, seconds, headers))
        if stage.connect_seconds is not None:
            on_connect(stage.connect_seconds)
        if isinstance(stage.outcome, Exception):
            raise stage.outcome
        response: Response = stage.outcome
        return response

    monkeypatch.setattr(Transport, "exchange", exchange)
    return stage


def response(status: int = 200, body: bytes = b"[1]", **headers: str) -> Response:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, {"Content-Type": "application/json"} | names, body)


def test_the_json_of_a_success_is_returned(stage: Stage) -> None:
    stage.outcome = response(201, b'{"a": [1]}')
    assert stage.send() == {"a": [1]}
    assert stage.throttle.reports == [("acquire", False, "hours"), "success"]
    assert stage.counted.upstreams == [("/services/{id}/hours", "201")]


def test_a_request_has_what_is_left_of_its_time_and_at_most_the_timeout(stage: Stage) -> None:
    stage.outcome = response()
    stage.send(seconds=25)
    stage.send(seconds=3)
    (_, first, _), (_, second, _) = stage.sent
    assert first == 10
    assert 2.5 < second <= 3


def test_a_request_without_a_slot_is_not_sent(stage: Stage) -> None:
    stage.throttle.error = VideskRateLimitError(3)
    with pytest.raises(VideskRateLimitError):
        stage.send()
    assert not stage.sent


@pytest.mark.parametrize(("elapsed", "moved"), [(None, 0), (0.02, 0), (0.03, 1)])
def test_the_slot_is_moved_if_it_takes_long_to_connect(
    stage: Stage, elapsed: float | None, moved: int
) -> None:
    stage.outcome, stage.connect_seconds = response(), elapsed
    stage.send()
    acquired = [report for report in stage.throttle.reports if report[0] == "acquire"]
    assert acquired == [("acquire", False, "hours"), *[("acquire", False, "moved")] * moved]


def test_a_pause_is_reported_in_the_context_of_the_request(stage: Stage) -> None:
    """So that its log line has the id of the request."""
    context = RequestContext("an-id")
    token = REQUEST_CONTEXT.set(context)
    stage.outcome = response(429, b"{}", Retry_After="7")
    with pytest.raises(VideskResponseError):
        stage.send()
    REQUEST_CONTEXT.reset(token)
    assert stage.throttle.context is context


def test_a_request_that_is_not_sent_after_it_has_connected_is_no_failure(stage: Stage) -> None:
    stage.outcome = VideskRateLimitError(1)
    with pytest.raises(VideskRateLimitError):
        stage.send()
    assert "failure" not in stage.throttle.reports


@pytest.mark.parametrize("status", [400, 404, 409, 429, 500, 503])
def test_an_error_of_videsk_is_raised_unchanged(stage: Stage, status: int) -> None:
    stage.outcome = response(status, b'{"message": "No."}', Retry_After="7", Set_Cookie="x")
    with pytest.raises(VideskResponseError) as raised:
        stage.send(WRITE)
    error = raised.value
    assert (error.status, error.body, error.content_type) == (
        status, b'{"message": "No."}', "application/json",
    )  # fmt: skip
    assert error.headers == {"Retry-After": "7"}
    assert ("failure" in stage.throttle.reports) is (status >= 500)
    assert (("pause", 7.0) in stage.throttle.reports) is (status == 429)


@pytest.mark.parametrize(
    "outcome",
    [
        response(body=b"<html>"),
        response(body=b'{"a": NaN}'),
        response(body=b" " * (MAX_RESPONSE_BYTES + 1)),
        response(body=b'["%b"]' % KEY.encode()),
        response(body=b'["the\\u002dsecret\\u002dkey"]'),
        response(429, b"{}", Retry_After=KEY),
        response(302, b"{}"),
        response(body=b"[" * 900 + b"]" * 900),
    ],
    ids=["HTML", "NaN", "too long", "key", "escaped key", "key in a header", "redirect", "deep"],
)
def test_a_response_that_cannot_be_used_is_an_error(stage: Stage, outcome: Response) -> None:
    stage.outcome = outcome
    with pytest.raises(VideskInvalidResponseError) as raised:
        stage.send()
    assert not raised.value.outcome_unknown
    with pytest.raises(VideskInvalidResponseError) as raised:
        stage.send(WRITE)
    assert raised.value.outcome_unknown is not (outcome.status == 429), "a 4xx has done nothing"


@pytest.mark.parametrize(
    ("error", "status", "counts"),
    [(VideskUnreachableError(), "unreachable", True), (VideskNoSocketError(1), "nosocket", False)],
)
def test_a_failure_counts_in_the_circuit_unless_it_is_this_machine_s(
    stage: Stage, error: VideskFailedError, status: str, counts: bool
) -> None:
    stage.outcome = error
    with pytest.raises(type(error)):
        stage.send()
    assert ("failure" in stage.throttle.reports) is counts
    assert stage.counted.upstreams == [("/services/{id}/hours", status)]


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
    stage: Stage, request_: Request, status: int, body: bytes, rejected: bool
) -> None:
    stage.outcome = response(status, body)
    with pytest.raises(VideskResponseError):
        stage.send(request_)
    assert stage.status.is_rejected() is rejected
    stage.outcome = response()
    stage.send(BY_TOKEN)
    assert stage.status.is_rejected() is rejected, "the key was not sent"
    stage.send()
    assert not stage.status.is_rejected()


def test_the_current_request_is_charged_and_its_ids_are_passed_on(stage: Stage) -> None:
    stage.outcome = response()
    context = RequestContext("an-id")
    token = REQUEST_CONTEXT.set(context)
    try:
        stage.send()
        stage.outcome = VideskUnreachableError()
        with pytest.raises(VideskUnreachableError):
            stage.send()
    finally:
        REQUEST_CONTEXT.reset(token)
    assert context.attempts == 2
    assert context.seconds > 0
    assert stage.sent[0][2] == {"X-Request-ID": "an-id"}

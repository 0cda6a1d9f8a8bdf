"""What is sent to Videsk, and how failures are raised."""

import io
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from videsk.errors import (
    VideskBrokenError,
    VideskFailedError,
    VideskInvalidResponseError,
    VideskTimeoutError,
    VideskUnreachableError,
)
from videsk.transport import MAX_RESPONSE_BYTES, Request, Transport

URL = "https://videsk.example/base"
READ = Request("GET", "/services", params={"$skip": 10})
WRITE = Request("POST", "/schedule/cancel", body={"a": 1}, token="a.b.c")


class FakeAdapter:
    """Replaces HTTPAdapter.send. Records what is sent, and returns or raises `outcome`."""

    def __init__(self) -> None:
        self.sent: list[requests.PreparedRequest] = []
        self.adapters: list[HTTPAdapter] = []
        self.options: list[dict[str, Any]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.outcome: bytes | Exception = b"{}"

    def send(self, adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> Any:
        self.sent.append(request)
        self.adapters.append(adapter)
        self.options.append(options)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        response = requests.Response()
        response.status_code = self.status
        response.headers = CaseInsensitiveDict(self.headers)
        response.raw = urllib3.HTTPResponse(io.BytesIO(self.outcome), preload_content=False)
        response.url, response.request = request.url or "", request
        return response


@pytest.fixture
def fake_adapter(monkeypatch: pytest.MonkeyPatch) -> FakeAdapter:
    fake_adapter = FakeAdapter()

    def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> Any:
        return fake_adapter.send(adapter, request, **options)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    return fake_adapter


@pytest.fixture
def transport() -> Transport:
    return Transport(URL, "the-key")


def test_a_read_has_the_key_and_no_body(fake_adapter: FakeAdapter, transport: Transport) -> None:
    fake_adapter.headers = {
        "Content-Type": "application/json",
        "Retry-After": "1",
        "X-Folded": "a\r\n b",
    }
    fake_adapter.outcome = b"[1]"
    response = transport.exchange(READ, 5, {"X-Request-ID": "an-id"})
    assert (response.status, response.body) == (200, b"[1]")
    assert dict(response.headers) == {"Content-Type": "application/json", "Retry-After": "1"}
    (request,) = fake_adapter.sent
    assert request.method == "GET"
    assert request.url == f"{URL}/public/video-contact-center/services?%24skip=10"
    assert request.headers["Authorization"] == "Bearer the-key"
    assert request.headers["X-Request-ID"] == "an-id"
    assert request.body is None
    assert not fake_adapter.options[0]["proxies"], "environment variables are not used"
    assert fake_adapter.options[0]["timeout"] == 5


def test_a_write_has_the_token_and_a_new_connection(
    fake_adapter: FakeAdapter, transport: Transport
) -> None:
    for request in (READ, READ, WRITE, WRITE):
        transport.exchange(request, 5)
    assert fake_adapter.sent[2].headers["Authorization"] == "Bearer a.b.c"
    assert fake_adapter.sent[2].body == b'{"a": 1}'
    first, second, third, fourth = fake_adapter.adapters
    assert first is second
    assert len({id(each) for each in (first, third, fourth)}) == 3


def test_redirects_are_not_followed(fake_adapter: FakeAdapter, transport: Transport) -> None:
    fake_adapter.status, fake_adapter.headers = 302, {"Location": "https://attacker.example/"}
    assert transport.exchange(READ, 5).status == 302
    assert len(fake_adapter.sent) == 1


def test_reading_a_long_body_stops_one_byte_after_the_limit(
    fake_adapter: FakeAdapter, transport: Transport
) -> None:
    fake_adapter.outcome = bytes(MAX_RESPONSE_BYTES + 100)
    assert len(transport.exchange(READ, 5).body) == MAX_RESPONSE_BYTES + 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.ReadTimeout(), VideskTimeoutError),
        (requests.ConnectionError(), VideskBrokenError),
        (urllib3.exceptions.IncompleteRead(1, 2), VideskBrokenError),
        (urllib3.exceptions.DecodeError(), VideskInvalidResponseError),
    ],
)
def test_after_a_failure_a_write_is_in_doubt(
    fake_adapter: FakeAdapter, transport: Transport, error: Exception, kind: type[VideskFailedError]
) -> None:
    fake_adapter.outcome = error
    for request in (READ, WRITE):
        with pytest.raises(kind) as raised:
            transport.exchange(request, 5)
        assert raised.value.outcome_unknown is request.is_write


def test_without_a_connection_nothing_was_sent(
    fake_adapter: FakeAdapter, transport: Transport
) -> None:
    fake_adapter.outcome = VideskUnreachableError()
    with pytest.raises(VideskUnreachableError) as raised:
        transport.exchange(WRITE, 5)
    assert not raised.value.outcome_unknown

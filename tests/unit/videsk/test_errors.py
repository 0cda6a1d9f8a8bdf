"""Every failure of a request to Videsk maps to one error, one status and one outcome of a write."""

import errno
import http.client
import json
import socket
import ssl
from typing import TypeVar

import gevent
import pytest
import requests
import urllib3.exceptions as u3
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from videsk.connection import map_connect_error
from videsk.errors import (
    VideskBrokenError,
    VideskError,
    VideskFailedError,
    VideskInvalidResponseError,
    VideskNoSocketError,
    VideskRateLimitError,
    VideskResponseError,
    VideskTimeoutError,
    VideskUnreachableError,
)
from videsk.transport import _map_error

POOL = HTTPConnectionPool("videsk.example")
Root = TypeVar("Root")
CONNECTION = HTTPConnection("videsk.example")


def max_retries_exceeded(reason: Exception) -> u3.MaxRetryError:
    return u3.MaxRetryError(POOL, "/", reason)


def connection_aborted(error: Exception) -> u3.ProtocolError:
    return u3.ProtocolError("Connection aborted.", error)


NOT_SENT: list[tuple[BaseException, BaseException | None, type[VideskFailedError]]] = [
    (
        u3.NewConnectionError(CONNECTION, "refused"),
        ConnectionRefusedError(),
        VideskUnreachableError,
    ),
    (
        u3.NameResolutionError("videsk.example", CONNECTION, socket.gaierror(-2)),
        socket.gaierror(-2),
        VideskUnreachableError,
    ),
    (ssl.SSLCertVerificationError(1, "bad"), None, VideskUnreachableError),
    (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), None, VideskUnreachableError),
    (ConnectionResetError(errno.ECONNRESET, "reset"), None, VideskUnreachableError),
    (ssl.SSLEOFError(8, "EOF"), None, VideskUnreachableError),
    (u3.ConnectTimeoutError(CONNECTION, "timed out"), TimeoutError(), VideskTimeoutError),
    (TimeoutError("The handshake operation timed out"), None, VideskTimeoutError),
    (gevent.Timeout(10), None, VideskTimeoutError),
    *(
        (u3.NewConnectionError(CONNECTION, "failed"), OSError(number, ""), VideskNoSocketError)
        for number in (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL)
    ),
    (u3.SSLError("no CA file"), OSError(errno.EMFILE, ""), VideskNoSocketError),
]
PERHAPS_SENT = [
    (gevent.Timeout(10), VideskTimeoutError),
    (gevent.Timeout(), VideskTimeoutError),
    (requests.ReadTimeout(u3.ReadTimeoutError(POOL, "/", "timed out")), VideskTimeoutError),
    (requests.Timeout(), VideskTimeoutError),
    (u3.ReadTimeoutError(POOL, "/", "timed out"), VideskTimeoutError),
    (
        requests.ConnectionError(connection_aborted(ConnectionResetError(104, "reset"))),
        VideskBrokenError,
    ),
    (requests.ConnectionError(connection_aborted(BrokenPipeError(32, "pipe"))), VideskBrokenError),
    (
        requests.ConnectionError(connection_aborted(http.client.RemoteDisconnected("closed"))),
        VideskBrokenError,
    ),
    (
        requests.ConnectionError(connection_aborted(http.client.BadStatusLine("x"))),
        VideskBrokenError,
    ),
    (
        requests.exceptions.SSLError(max_retries_exceeded(u3.SSLError(ssl.SSLEOFError(8, "EOF")))),
        VideskBrokenError,
    ),
    (
        requests.exceptions.ChunkedEncodingError(
            u3.ProtocolError("broken", u3.IncompleteRead(1, 2))
        ),
        VideskBrokenError,
    ),
    (u3.ProtocolError("Connection broken", u3.IncompleteRead(1, 2)), VideskBrokenError),
    (u3.IncompleteRead(1, 2), VideskBrokenError),
    (u3.SSLError(ssl.SSLError(1, "bad record")), VideskBrokenError),
    (u3.DecodeError("not gzip"), VideskInvalidResponseError),
]


@pytest.mark.parametrize(("reason", "cause", "kind"), NOT_SENT)
def test_without_a_connection_the_outcome_is_known(
    reason: BaseException, cause: BaseException | None, kind: type[VideskFailedError]
) -> None:
    reason.__cause__ = cause
    failure = map_connect_error(reason)
    assert type(failure) is kind
    assert not failure.outcome_unknown


@pytest.mark.parametrize("is_write", [True, False])
@pytest.mark.parametrize(("error", "kind"), PERHAPS_SENT)
def test_other_failures_leave_the_outcome_of_a_write_unknown(
    error: BaseException, kind: type[VideskFailedError], *, is_write: bool
) -> None:
    failure = _map_error(error, is_write=is_write)
    assert type(failure) is kind
    assert failure.outcome_unknown == is_write


def family(root: type[Root]) -> list[type[Root]]:
    """Return the class and all its subclasses, sorted by name."""
    children = [kind for child in root.__subclasses__() for kind in family(child)]
    return sorted({root, *children}, key=str)


REQUESTS_ERRORS = [
    kind for kind in family(requests.RequestException) if kind.__module__.startswith("requests.")
]
REQUESTS_NAMES = [
    "ChunkedEncodingError",
    "ConnectTimeout",
    "ConnectionError",
    "ContentDecodingError",
    "HTTPError",
    "InvalidHeader",
    "InvalidJSONError",
    "InvalidProxyURL",
    "InvalidSchema",
    "InvalidURL",
    "JSONDecodeError",
    "MissingSchema",
    "ProxyError",
    "ReadTimeout",
    "RequestException",
    "RetryError",
    "SSLError",
    "StreamConsumedError",
    "Timeout",
    "TooManyRedirects",
    "URLRequired",
    "UnrewindableBodyError",
]
NAMED_KINDS: dict[type, type[VideskFailedError]] = {
    requests.ConnectTimeout: VideskTimeoutError,
    requests.ReadTimeout: VideskTimeoutError,
    requests.Timeout: VideskTimeoutError,
}


@pytest.mark.parametrize("kind", REQUESTS_ERRORS)
def test_every_exception_of_requests_is_mapped_to_a_failure(
    kind: type[requests.RequestException],
) -> None:
    is_json = issubclass(kind, json.JSONDecodeError)
    error = kind("message", "{", 0) if is_json else kind("message")
    failure = _map_error(error, is_write=True)
    assert type(failure) is NAMED_KINDS.get(kind, VideskBrokenError)
    assert failure.outcome_unknown
    assert type(_map_error(error, is_write=False)) is type(failure)


def test_new_exceptions_of_requests_are_detected() -> None:
    assert {kind.__name__ for kind in REQUESTS_ERRORS} == set(REQUESTS_NAMES)


SENT_NOTHING = family(VideskRateLimitError)


@pytest.mark.parametrize("kind", [k for k in family(VideskFailedError) if k not in SENT_NOTHING])
def test_failures_are_a_502_and_timeouts_a_504(kind: type[VideskFailedError]) -> None:
    assert kind.status == (504 if kind is VideskTimeoutError else 502)
    assert str(kind()) == kind.message
    assert not kind().outcome_unknown
    assert kind(outcome_unknown=True).outcome_unknown


@pytest.mark.parametrize("kind", SENT_NOTHING)
def test_rejections_of_the_throttle_are_a_503_with_a_known_outcome(
    kind: type[VideskRateLimitError],
) -> None:
    assert kind.status == 503
    assert (kind(0.2).retry_after, kind(3.2).retry_after) == (1, 4)
    assert not kind(1).outcome_unknown


def test_every_failure_has_its_own_message() -> None:
    kinds = family(VideskFailedError)
    assert len(kinds) == 8
    assert len({kind.message for kind in kinds}) == len(kinds)


def test_an_error_response_is_not_a_failure_of_videsk() -> None:
    refused = VideskResponseError(409, b"{}", "application/json", {})
    assert isinstance(refused, VideskError)
    assert not isinstance(refused, VideskFailedError)

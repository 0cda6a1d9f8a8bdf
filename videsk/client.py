"""The one way to Videsk: base URL, Bearer, deadline, limits of size; every failure is mapped here.

`requests` is used nowhere else. The key goes to the base URL alone: redirects are not followed,
nothing in the environment (.netrc, proxy variables) is read, an answer that holds it is dropped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any

import gevent
import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from common import strict_json
from common.instrumentation import Instrumentation
from common.request_context import REQUEST_CONTEXT
from videsk.api_key_status import ApiKeyStatus
from videsk.connection import POOL_CLASSES
from videsk.errors import (
    VideskBrokenError,
    VideskFailedError,
    VideskInvalidResponseError,
    VideskNoSocketError,
    VideskResponseError,
    VideskTimeoutError,
)
from videsk.normalize import is_too_deep
from videsk.retry_after import pause_seconds
from videsk.throttle.throttle import UpstreamThrottle

MAX_RESPONSE_BYTES = 4 * 1024 * 1024
_PATH = "/public/video-contact-center"
FORWARDED_HEADERS = (
    "Retry-After",
    *(f"Ratelimit-{what}" for what in ("Limit", "Remaining", "Reset", "Policy")),
)
"""Of Videsk's headers, those that go on to the client."""

_ID = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True)
class Request:
    """One request to Videsk. `token` is an appointment's own; without it the key is sent.

    `what` names a read that several clients may wait for.
    """

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    body: Mapping[str, Any] | None = None
    token: str | None = None
    what: str = ""

    @property
    def endpoint(self) -> str:
        """The path, with an id's place instead of the id."""
        return _ID.sub("{id}", self.path)

    @property
    def is_write(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True)
class _Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class VideskClient:
    """Sends one request and returns its answer's JSON, or raises a VideskError."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        timeout_seconds: float,
        throttle: UpstreamThrottle,
        api_key_status: ApiKeyStatus,
        instrumentation: Instrumentation,
    ) -> None:
        self._url = base_url + _PATH
        self._key = api_key
        self._key_spellings = strict_json.spellings_of(api_key)
        self._timeout_seconds = timeout_seconds
        self._throttle = throttle
        self._api_key_status = api_key_status
        self._instrumentation = instrumentation
        self._reads = new_session()

    def send(self, request: Request, seconds: float) -> Any:
        """Return the JSON of a 2xx. One attempt, after the throttle, in at most `seconds`.

        Raises VideskResponseError for a 4xx or 5xx, a VideskFailedError for everything else.
        """
        end = monotonic() + seconds
        self._throttle.acquire(seconds, is_write=request.is_write, what=request.what)
        started = monotonic()
        status = "failed"
        try:
            response = self._exchange(request, min(self._timeout_seconds, end - started))
            status = str(response.status)
        except VideskFailedError as error:
            status = type(error).__name__.removeprefix("Videsk").removesuffix("Error").lower()
            if not isinstance(error, VideskNoSocketError):  # which is no failure of Videsk's
                self._throttle.report_failure()
            raise
        finally:
            self._instrumentation.upstream(request.endpoint, status, monotonic() - started)
        self._report_outcome(response)
        if request.token is None and (_refuses_key(response) or response.is_success):
            self._api_key_status.update(rejected=not response.is_success)
        return self._parse(response, is_write=request.is_write)

    def promote(self, client: str, what: str) -> None:
        """Let the queued read of `what`, which another client leads, leave in this one's turn."""
        self._throttle.promote(client, what)

    def _exchange(self, request: Request, seconds: float) -> _Response:
        """One answer, to its last byte, in so many seconds. Raises VideskFailedError.

        A write goes over a connection of its own: one from the pool may have been closed by Videsk
        a moment ago, and a write that broke cannot be tried again.
        """
        session = new_session() if request.is_write else self._reads
        seconds = max(0.001, seconds)
        headers = {"Authorization": f"Bearer {request.token or self._key}"}
        request_context, started = REQUEST_CONTEXT.get(), monotonic()
        if request_context:
            request_context.attempts += 1
            headers["X-Request-ID"] = request_context.request_id
            if request_context.traceparent:
                headers["traceparent"] = request_context.traceparent
            if request_context.tracestate:
                headers["tracestate"] = request_context.tracestate
        try:
            # requests starts its timeout anew with each byte; this one is for the whole answer.
            with (
                gevent.Timeout(seconds + 0.02),
                session.request(
                    request.method,
                    self._url + request.path,
                    params=request.params,
                    json=request.body,
                    headers=headers,
                    timeout=seconds,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                body = response.raw.read(MAX_RESPONSE_BYTES + 1, decode_content=True)
                return _Response(response.status_code, _printable_headers(response.headers), body)
        except (gevent.Timeout, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _failure(error, is_write=request.is_write) from error
        finally:
            if request_context:
                request_context.seconds += monotonic() - started
            if session is not self._reads:
                session.close()

    def _report_outcome(self, response: _Response) -> None:
        if response.status >= 500:
            self._throttle.report_failure()
        else:
            self._throttle.report_success()
        seconds = pause_seconds(response.status, response.headers)
        if seconds:
            self._throttle.pause(seconds)

    def _parse(self, response: _Response, *, is_write: bool) -> Any:
        """The answer's JSON, if it is sound JSON in a 2xx. Raises VideskError."""
        status = response.status
        outcome_unknown = is_write and not 400 <= status < 500
        invalid = VideskInvalidResponseError(outcome_unknown=outcome_unknown)
        if len(response.body) > MAX_RESPONSE_BYTES:
            raise invalid
        content_type = response.headers.get("Content-Type")
        passed_on = {
            name: response.headers[name] for name in FORWARDED_HEADERS if name in response.headers
        }
        try:
            value = strict_json.loads(response.body)
        except ValueError as error:
            raise invalid from error
        texts = [response.body.decode(), content_type or "", *passed_on.values()]
        if any(map(self._holds_key, texts)):
            raise invalid
        if response.is_success and not is_too_deep(value):
            return value
        if 400 <= status < 600:
            raise VideskResponseError(status, response.body, content_type, passed_on)
        raise invalid

    def _holds_key(self, text: str) -> bool:
        """Whether the key is in a JSON text or a header, escapes resolved."""
        return self._key in text or ("\\" in text and bool(self._key_spellings.search(text)))


def _printable_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Without those that, folded over two lines, would split ours in two."""
    return CaseInsensitiveDict((name, text) for name, text in headers.items() if text.isprintable())


def _refuses_key(response: _Response) -> bool:
    """Whether the key as such is refused, and not only for one endpoint (Videsk, Authorization)."""
    return response.status == 401 or (
        response.status == 403 and b"have access to" not in response.body
    )


def _failure(error: BaseException, *, is_write: bool) -> VideskFailedError:
    """What a failure means after there was a connection: something may have been sent."""
    if isinstance(error, gevent.Timeout | requests.Timeout | urllib3.exceptions.TimeoutError):
        return VideskTimeoutError(outcome_unknown=is_write)
    if isinstance(error, urllib3.exceptions.DecodeError):
        return VideskInvalidResponseError(outcome_unknown=is_write)
    return VideskBrokenError(outcome_unknown=is_write)


def new_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # stores and sends none
    session.headers = CaseInsensitiveDict(
        {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "videsk-proxy",
        }
    )
    adapter = HTTPAdapter(pool_maxsize=100)
    adapter.poolmanager.pool_classes_by_scheme = POOL_CLASSES
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session

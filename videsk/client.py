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

import strict_json
from meter import Meter
from videsk.backoff import pause_seconds
from videsk.connection import POOL_CLASSES
from videsk.errand import ERRAND
from videsk.errors import (
    VideskBrokenError,
    VideskFailedError,
    VideskNoSocketError,
    VideskRefusedError,
    VideskTimeoutError,
    VideskUnsoundError,
)
from videsk.gate import Gate
from videsk.key_state import KeyState
from videsk.simplify import is_too_deep

MAX_ANSWER_BYTES = 4 * 1024 * 1024
_PATH = "/public/video-contact-center"
PASSED_ON = (
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
class _Answer:
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
        gate: Gate,
        key_state: KeyState,
        meter: Meter,
    ) -> None:
        self._url = base_url + _PATH
        self._key = api_key
        self._key_spellings = strict_json.spellings_of(api_key)
        self._timeout_seconds = timeout_seconds
        self._gate = gate
        self._key_state = key_state
        self._meter = meter
        self._reads = new_session()

    def send(self, request: Request, seconds: float) -> Any:
        """The JSON of a 2xx. One attempt, once the gate lets it leave, at most `seconds` in all.

        Raises VideskRefusedError for a 4xx or 5xx, a VideskFailedError for everything else.
        """
        end = monotonic() + seconds
        self._gate.enter(seconds, is_write=request.is_write, what=request.what)
        started = monotonic()
        status = "failed"
        try:
            answer = self._exchange(request, min(self._timeout_seconds, end - started))
            status = str(answer.status)
        except VideskFailedError as error:
            status = type(error).__name__.removeprefix("Videsk").removesuffix("Error").lower()
            if not isinstance(error, VideskNoSocketError):  # which is no failure of Videsk's
                self._gate.failed()
            raise
        finally:
            self._meter.upstream(request.endpoint, status, monotonic() - started)
        self._tell_gate(answer)
        if request.token is None and (_refuses_key(answer) or answer.is_success):
            self._key_state.note(refused=not answer.is_success)
        return self._judge(answer, is_write=request.is_write)

    def promote(self, client: str, what: str) -> None:
        """Let the queued read of `what`, which another client leads, leave in this one's turn."""
        self._gate.promote(client, what)

    def _exchange(self, request: Request, seconds: float) -> _Answer:
        """One answer, to its last byte, in so many seconds. Raises VideskFailedError.

        A write goes over a connection of its own: one from the pool may have been closed by Videsk
        a moment ago, and a write that broke cannot be tried again.
        """
        session = new_session() if request.is_write else self._reads
        seconds = max(0.001, seconds)
        headers = {"Authorization": f"Bearer {request.token or self._key}"}
        errand, started = ERRAND.get(), monotonic()
        if errand:
            errand.attempts += 1
            headers["X-Request-ID"] = errand.request_id
            if errand.traceparent:
                headers["traceparent"] = errand.traceparent
            if errand.tracestate:
                headers["tracestate"] = errand.tracestate
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
                body = response.raw.read(MAX_ANSWER_BYTES + 1, decode_content=True)
                return _Answer(response.status_code, _sound(response.headers), body)
        except (gevent.Timeout, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _failure(error, is_write=request.is_write) from error
        finally:
            if errand:
                errand.seconds += monotonic() - started
            if session is not self._reads:
                session.close()

    def _tell_gate(self, answer: _Answer) -> None:
        if answer.status >= 500:
            self._gate.failed()
        else:
            self._gate.succeeded()
        seconds = pause_seconds(answer.status, answer.headers)
        if seconds:
            self._gate.hold(seconds)

    def _judge(self, answer: _Answer, *, is_write: bool) -> Any:
        """The answer's JSON, if it is sound JSON in a 2xx. Raises VideskError."""
        status = answer.status
        outcome_unknown = is_write and not 400 <= status < 500
        unsound = VideskUnsoundError(outcome_unknown=outcome_unknown)
        if len(answer.body) > MAX_ANSWER_BYTES:
            raise unsound
        content_type = answer.headers.get("Content-Type")
        passed_on = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
        try:
            value = strict_json.loads(answer.body)
        except ValueError as error:
            raise unsound from error
        texts = [answer.body.decode(), content_type or "", *passed_on.values()]
        if any(map(self._holds_key, texts)):
            raise unsound
        if answer.is_success and not is_too_deep(value):
            return value
        if 400 <= status < 600:
            raise VideskRefusedError(status, answer.body, content_type, passed_on)
        raise unsound

    def _holds_key(self, text: str) -> bool:
        """Whether the key is in a JSON text or a header, escapes resolved."""
        return self._key in text or ("\\" in text and bool(self._key_spellings.search(text)))


def _sound(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Without those that, folded over two lines, would split ours in two."""
    return CaseInsensitiveDict((name, text) for name, text in headers.items() if text.isprintable())


def _refuses_key(answer: _Answer) -> bool:
    """Whether the key as such is refused, and not only for one endpoint (Videsk, Authorization)."""
    return answer.status == 401 or (answer.status == 403 and b"have access to" not in answer.body)


def _failure(error: BaseException, *, is_write: bool) -> VideskFailedError:
    """What a failure means after there was a connection: something may have been sent."""
    if isinstance(error, gevent.Timeout | requests.Timeout | urllib3.exceptions.TimeoutError):
        return VideskTimeoutError(outcome_unknown=is_write)
    if isinstance(error, urllib3.exceptions.DecodeError):
        return VideskUnsoundError(outcome_unknown=is_write)
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

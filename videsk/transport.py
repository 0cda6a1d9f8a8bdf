"""HTTP transport to Videsk: one request, one response, within a deadline and a size limit.

The credentials are sent to the base URL only: redirects are not followed, and nothing in the
environment (.netrc, proxy variables) is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import gevent
import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from videsk.connection import ON_CONNECT, POOL_CLASSES
from videsk.errors import (
    VideskBrokenError,
    VideskFailedError,
    VideskInvalidResponseError,
    VideskTimeoutError,
)

MAX_RESPONSE_BYTES = 4 * 1024 * 1024
API_PATH = "/public/video-contact-center"


@dataclass(frozen=True)
class Request:
    """One request to Videsk.

    `token`: an appointment's own; without it the API key is sent. `read_key` identifies a read that
    several clients may wait for.
    """

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    body: Mapping[str, Any] | None = None
    token: str | None = None
    read_key: str = ""

    @property
    def is_write(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True)
class Response:
    """A complete response. A `body` longer than MAX_RESPONSE_BYTES is cut one byte after that."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Transport:
    """Sends requests with the API key. Reads share pooled connections; each write opens one.

    A pooled connection may have been closed by Videsk a moment ago, and a write that broke cannot
    be retried.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        self._url = base_url + API_PATH
        self._api_key = api_key
        self._reads = _new_session()

    def exchange(
        self,
        request: Request,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        on_connect: Callable[[float], None] = lambda _: None,
    ) -> Response:
        """Return the response, received to its last byte within `seconds`.

        `on_connect` is called before the request is sent, with the seconds that it took to open a
        connection, if one was opened. What it raises, a VideskError, passes through.

        Raises VideskFailedError; its `outcome_unknown` is set if a write may have been received.
        """
        ON_CONNECT.set(on_connect)
        session = _new_session() if request.is_write else self._reads
        authorization = f"Bearer {request.token or self._api_key}"
        try:
            # The timeout of requests restarts with each byte; gevent's is for the whole response.
            with (
                gevent.Timeout(seconds + 0.02),
                session.request(
                    request.method,
                    self._url + request.path,
                    params=request.params,
                    json=request.body,
                    headers={"Authorization": authorization, **(headers or {})},
                    timeout=seconds,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                body = response.raw.read(MAX_RESPONSE_BYTES + 1, decode_content=True)
                return Response(response.status_code, _printable_headers(response.headers), body)
        except (gevent.Timeout, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _map_error(error, is_write=request.is_write) from error
        finally:
            if session is not self._reads:
                session.close()


def _printable_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Drop header values folded over two lines, which would split the proxy's own header."""
    return CaseInsensitiveDict((name, text) for name, text in headers.items() if text.isprintable())


def _map_error(error: BaseException, *, is_write: bool) -> VideskFailedError:
    """Map a failure on an open connection, where part of the request may have been sent."""
    if isinstance(error, gevent.Timeout | requests.Timeout | urllib3.exceptions.TimeoutError):
        return VideskTimeoutError(outcome_unknown=is_write)
    if isinstance(error, urllib3.exceptions.DecodeError):
        return VideskInvalidResponseError(outcome_unknown=is_write)
    return VideskBrokenError(outcome_unknown=is_write)


def _new_session() -> requests.Session:
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

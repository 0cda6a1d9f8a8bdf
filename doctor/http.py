"""One GET with a deadline, and why none came, in words that hold nothing of what was sent.

A session of its own for each: no redirect is followed, nothing of the environment is read.
"""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import requests
import urllib3.exceptions
from requests.structures import CaseInsensitiveDict


class NoAnswerError(Exception):
    """Why no whole answer came."""


class _OverdueError(Exception):
    """The deadline has passed."""


@dataclass(frozen=True)
class Answer:
    """`body` may be longer by one byte than what was asked for: then it was too long."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(
    url: str,
    seconds: float,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    most_bytes: int = 0,
) -> Answer:
    """The answer, to its last byte or to `most_bytes`, in so many seconds. Raises NoAnswerError."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers = CaseInsensitiveDict({"User-Agent": "videsk-proxy", **(headers or {})})
        try:
            with (
                _deadline(seconds),
                session.get(
                    url, params=params, timeout=seconds, allow_redirects=False, stream=True
                ) as response,
            ):
                body = response.raw.read(most_bytes + 1, decode_content=True) if most_bytes else b""
                return Answer(response.status_code, response.headers, body)
        except (
            _OverdueError,
            OSError,  # requests.RequestException is one
            UnicodeError,
            urllib3.exceptions.HTTPError,
        ) as error:
            raise NoAnswerError(_why(error, seconds)) from None


def _why(error: Exception, seconds: float) -> str:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, _OverdueError | requests.Timeout | urllib3.exceptions.TimeoutError):
        return f"no whole answer within {seconds:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "no TLS with it, or its certificate is not to be trusted"
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return "its name is not known"
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return "no connection to it"
    if isinstance(error, ValueError):  # requests' InvalidURL, MissingSchema and the like
        return "no URL that can be asked"
    return "its answer broke off"


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """requests starts its timeout anew with each byte; this one is for the whole answer."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _OverdueError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

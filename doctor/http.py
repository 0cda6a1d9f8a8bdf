"""A GET within a deadline, and why one failed, without any part of what was sent."""

import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import requests
import urllib3.exceptions

from common.error_chain import error_chain
from videsk.errors import VideskTimeoutError


class OverdueError(TimeoutError):
    """The deadline has passed."""


def get_status(url: str, seconds: float) -> int:
    """Return the status of a GET, without its body. Raises OSError or UnicodeError.

    No redirect is followed, and nothing in the environment (.netrc, proxy variables) is read.
    """
    with requests.Session() as session:
        session.trust_env = False
        session.headers["User-Agent"] = "videsk-proxy"
        with (
            deadline(seconds),
            session.get(url, timeout=seconds, allow_redirects=False, stream=True) as response,
        ):
            return response.status_code


def explain(error: BaseException, seconds: float) -> str:
    """Return why a request failed, by the error and its causes."""
    causes = error_chain(error)

    def is_any(*types: type[BaseException]) -> bool:
        return any(isinstance(cause, types) for cause in causes)

    if is_any(ssl.SSLError, requests.exceptions.SSLError):
        return "no TLS, or a certificate that cannot be verified"
    if is_any(urllib3.exceptions.NameResolutionError):
        return "the host name cannot be resolved"
    if is_any(urllib3.exceptions.NewConnectionError):
        return "no connection"
    if is_any(TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError, VideskTimeoutError):
        return f"no complete response within {seconds:g} s"
    if isinstance(error, ValueError):  # InvalidURL, MissingSchema and the like of requests
        return "not a URL that can be requested"
    return "the response broke off"


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise OverdueError after `seconds`: the timeout of requests restarts with each byte."""

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise OverdueError

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

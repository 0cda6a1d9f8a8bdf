"""Read lists from Videsk with the proxy's transport, slowly and at most MAX_REQUESTS times."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from common import strict_json
from doctor.http import OverdueError, deadline, explain
from settings import Settings
from videsk.errors import VideskFailedError, VideskInvalidResponseError
from videsk.normalize import unwrap
from videsk.transport import MAX_RESPONSE_BYTES, Request, Response, Transport

MAX_REQUESTS = 10
REQUESTS_PER_SECOND = 5
"""The account may be in use already, and its 20 requests a second are shared."""

_KNOWN_MESSAGES = (
    "Authorization header with valid JWT is required.",
    "jwt malformed",
    "jwt expired",
    "invalid signature",
)
"""https://github.com/videsk/developers-docs-es/blob/HEAD/api-publica/autorizacion.md

Any other message might contain the key.
"""

_NEW_KEY = "set VIDESK_API_KEY to a valid key; your Videsk administrator creates one"
_CHECK_URL = "check VIDESK_BASE_URL and this machine's network, then the status of Videsk"


@dataclass(frozen=True)
class Problem:
    """What is wrong with a response, and the next step.

    `key_accepted`: Videsk accepts the key all the same.
    """

    text: str
    next_step: str
    key_accepted: bool = False


@dataclass(frozen=True)
class Reply:
    """Videsk's response to a GET of a list; `status` is 0 if there was none.

    `items`: of this page; `total`: of the whole list. `clock_ahead_seconds`: how far Videsk's clock
    is ahead of this machine's, give or take `uncertain_seconds`; None without a Date header.
    """

    problem: Problem | None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)
    total: int = 0
    clock_ahead_seconds: float | None = None
    uncertain_seconds: float = 0


class Videsk:
    """Sends GET requests with the key."""

    def __init__(self, settings: Settings) -> None:
        self.requests_left = MAX_REQUESTS
        self._key = settings.videsk_api_key
        self._seconds = settings.videsk_timeout
        self._pause_seconds = 1 / min(REQUESTS_PER_SECOND, settings.videsk_rate_limit)
        self._transport = Transport(settings.videsk_base_url, self._key)

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply:
        """Return the list at `path`, or what is wrong with the response."""
        if not self.requests_left:
            raise RuntimeError(f"more than {MAX_REQUESTS} requests to Videsk")
        if self.requests_left < MAX_REQUESTS:
            time.sleep(self._pause_seconds)
        self.requests_left -= 1
        sent_at = time.time()
        try:
            with deadline(self._seconds):
                response = self._transport.exchange(Request("GET", path, params), self._seconds)
        except (OverdueError, VideskFailedError) as error:
            return Reply(Problem(f"Videsk: {explain(error, self._seconds)}", _CHECK_URL))
        return self._read(response, sent_at, time.time())

    def _read(self, response: Response, sent_at: float, received_at: float) -> Reply:
        items, total = _list(response.body)
        date = _date(response.headers)
        return Reply(
            self._problem(response, items),
            response.status,
            response.headers,
            items or [],
            total,
            None if date is None else date + 0.5 - (sent_at + received_at) / 2,
            0.5 + (received_at - sent_at) / 2,
        )

    def _problem(self, response: Response, items: list[Any] | None) -> Problem | None:
        status = response.status
        if status == 401:
            known = [text for text in _KNOWN_MESSAGES if text.encode() in response.body]
            return Problem(f"Videsk rejects the key ({': '.join(['401', *known[:1]])})", _NEW_KEY)
        if status == 403 and b"have access to" in response.body:
            step = "ask your Videsk administrator to give the key access"
            return Problem("the key is valid but has no access (403)", step, key_accepted=True)
        if status == 403:
            return Problem("Videsk rejects the key (403: invalid or removed)", _NEW_KEY)
        if status == 429:
            return Problem("the rate limit of Videsk is exhausted (429)", "try again later")
        if not response.is_success:
            return Problem(f"Videsk responds with status {status}", _CHECK_URL)
        if items is None:
            return Problem(f"Videsk responds with {status}, but not with a JSON list", _CHECK_URL)
        if self._key.encode() in response.body or self._key in str(response.headers):
            text = "the response contains the key; the proxy responds with 502"
            return Problem(text, "report it to Videsk, and replace the key", key_accepted=True)
        return None


def _list(body: bytes) -> tuple[list[Any] | None, int]:
    """Return the items and the total of a page; None and 0 for anything else."""
    if len(body) > MAX_RESPONSE_BYTES:
        return None, 0
    try:
        items, total = unwrap(strict_json.loads(body))
    except (ValueError, RecursionError, VideskInvalidResponseError):
        return None, 0
    return items, int(total)


def _date(headers: Mapping[str, str]) -> float | None:
    """Return the Date header in epoch seconds (https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1)."""
    try:
        date = parsedate_to_datetime(headers["Date"])
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None

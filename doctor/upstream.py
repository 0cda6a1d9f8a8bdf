"""Asks Videsk, at most MAX_REQUESTS times and unhurriedly, and says what is wrong with an answer.

The rules are those of videsk/client.py. An error's own words may repeat the key: they are known, or
they are not told.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from common import strict_json
from doctor.http import Answer, NoAnswerError, get
from settings import Settings

MAX_REQUESTS = 10
REQUESTS_PER_SECOND = 5
"""The account may be at work already, and has 20 a second for everybody."""

_PATH = "/public/video-contact-center"
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_KNOWN_WORDS = (
    "Authorization header with valid JWT is required.",
    "jwt malformed",
    "jwt expired",
    "invalid signature",
)
"""Videsk, Authorization."""

_NEW_KEY = "put a key that is alive into VIDESK_API_KEY; Videsk's administrator makes one"
_WHERE = "check VIDESK_BASE_URL and this machine's way there, then Videsk's own state"


@dataclass(frozen=True)
class Trouble:
    """What is wrong with an answer, and what to do. `key_known`: it is accepted all the same."""

    told: str
    next_step: str
    key_known: bool = False


@dataclass(frozen=True)
class Reply:
    """An answer of Videsk's, or none: `status` 0. `items` of a list, `total` of the whole list."""

    trouble: Trouble | None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)
    total: int = 0
    ahead_seconds: float | None = None
    """Videsk's clock ahead of ours, give or take `unsure_seconds`."""
    unsure_seconds: float = 0


class Videsk:
    """GET with the key, and with nothing else."""

    def __init__(self, settings: Settings) -> None:
        self.left = MAX_REQUESTS
        self._url = settings.videsk_base_url + _PATH
        self._key = settings.videsk_api_key
        self._seconds = settings.videsk_timeout
        self._pause_seconds = 1 / min(REQUESTS_PER_SECOND, settings.videsk_rate_limit)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        """The list there, or what is wrong with it."""
        if not self.left:
            raise RuntimeError("Videsk is asked no more")
        if self.left < MAX_REQUESTS:
            time.sleep(self._pause_seconds)
        self.left -= 1
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        sent = time.time()
        try:
            answer = get(
                self._url + path,
                self._seconds,
                headers=headers,
                params=params,
                most_bytes=_MAX_ANSWER_BYTES,
            )
        except NoAnswerError as error:
            return Reply(Trouble(f"Videsk: {error}", _WHERE))
        return self._read(answer, sent, time.time())

    def _read(self, answer: Answer, sent: float, come: float) -> Reply:
        items, total = _unwrap(answer.body)
        date = _date(answer.headers)
        return Reply(
            self._trouble(answer, items),
            answer.status,
            answer.headers,
            items or [],
            total,
            None if date is None else date + 0.5 - (sent + come) / 2,
            0.5 + (come - sent) / 2,
        )

    def _trouble(self, answer: Answer, items: list[Any] | None) -> Trouble | None:
        status = answer.status
        if status == 401:
            return Trouble(f"Videsk refuses the key ({_words(answer)})", _NEW_KEY)
        if status == 403 and b"have access to" in answer.body:
            told = "the key is accepted, but may not use it (403)"
            return Trouble(told, "have Videsk's administrator open it to this key", key_known=True)
        if status == 403:
            return Trouble("Videsk refuses the key (403: invalid, or removed)", _NEW_KEY)
        if status == 429:
            return Trouble("too many requests at once (429)", "try again in a quieter moment")
        if not 200 <= status < 300:
            return Trouble(f"Videsk answers {status}", _WHERE)
        if items is None:
            return Trouble(f"Videsk answers {status}, but no list in sound JSON", _WHERE)
        if self._key.encode() in answer.body or self._key in str(answer.headers):
            told = "the answer repeats the key; the proxy makes a 502 of it"
            return Trouble(told, "tell Videsk, and get another key", key_known=True)
        return None


def _words(answer: Answer) -> str:
    """The status, and Videsk's message where it is one of those it is known for."""
    known = [words for words in _KNOWN_WORDS if words.encode() in answer.body]
    return f"{answer.status}: {known[0]}" if known else f"{answer.status}"


def _unwrap(body: bytes) -> tuple[list[Any] | None, int]:
    """A bare array, or a Feathers page of `data` and `total`; None for anything else."""
    try:
        value = strict_json.loads(body) if len(body) <= _MAX_ANSWER_BYTES else None
    except (ValueError, RecursionError):
        return None, 0
    if isinstance(value, list):
        return value, len(value)
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        total = value.get("total")
        return value["data"], total if isinstance(total, int) else len(value["data"])
    return None, 0


def _date(headers: Mapping[str, str]) -> float | None:
    """When the answer was made, in epoch seconds: its Date header (RFC 9110, 6.6.1)."""
    try:
        date = parsedate_to_datetime(headers["Date"])
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None

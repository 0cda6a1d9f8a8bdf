"""One POST as an attempt to do something once: its record's name, fingerprint and response."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest, UnprocessableEntity

from idempotency.store import Record, new_owner
from videsk.client import FORWARDED_HEADERS
from videsk.errors import VideskTimeoutError
from web.client_limits import client_address

KEEP_SECONDS = 24 * 60 * 60
DOUBLE_CLICK_SECONDS = 10
"""How long a booking without a key is replayed, counted from the end of its attempt."""

MIN_STARTED_SECONDS = 60
"""A record outlives its request, which ends within 25 s, even if it is kept for less after that."""

REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_REPLAYED_HEADERS = ("Content-Type", "X-Error-Source", "Link", *FORWARDED_HEADERS)


class IdempotencyKeyMalformedError(BadRequest):
    description = "An Idempotency-Key must be 1 to 255 visible ASCII characters."


class IdempotencyKeyReusedError(UnprocessableEntity):
    description = "This Idempotency-Key was already used with a different request."


@dataclass(frozen=True)
class Attempt:
    """A request to be done once: its record, the name of that, and how long it is kept."""

    name: str
    keep_seconds: int
    record: Record
    by_token: bool
    is_double_click: bool

    @property
    def started_seconds(self) -> int:
        """How long the record is kept while the request is in progress."""
        return max(self.keep_seconds, MIN_STARTED_SECONDS)


def current_attempt(body: Any, token: str | None, *, detect_double_click: bool) -> Attempt | None:
    """Return the attempt that Flask's current request is; None for one that may be repeated.

    Args:
        body: the JSON value of the request's body.
        token: the appointment's token, if it authorizes the request.

    Raises:
        IdempotencyKeyMalformedError: a 400.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise IdempotencyKeyMalformedError
    if key is None and not detect_double_click:
        return None
    fingerprint = digest(request.path.lower(), _canonical(body), token)
    record, by_token = Record(fingerprint, new_owner()), token is not None
    if key is None:
        name = f"click:{digest(fingerprint, client_address())}"
        return Attempt(name, DOUBLE_CLICK_SECONDS, record, by_token, is_double_click=True)
    return Attempt(f"key:{digest(key)}", KEEP_SECONDS, record, by_token, is_double_click=False)


def serialize(response: Response) -> dict[str, Any]:
    """Return what a record stores of a response: status, headers to replay, and body."""
    headers = {
        name: response.headers[name] for name in _REPLAYED_HEADERS if name in response.headers
    }
    return {
        "status": response.status_code,
        "headers": headers,
        "body": response.get_data(as_text=True),
    }


def replay(record: Record) -> Response:
    """Return the record's response. Raises VideskTimeoutError for a record in doubt."""
    if record.response is None:
        raise VideskTimeoutError(outcome_unknown=True)
    response = Response(record.response["body"], record.response["status"])
    del response.headers["Content-Type"]
    response.headers.extend(record.response["headers"])
    response.headers[REPLAYED] = "true"
    return response


def digest(*parts: str | None) -> str:
    """Return 128 bits of SHA-256 in 22 characters: every record contains two of them."""
    hashed = hashlib.sha256(json.dumps(parts).encode()).digest()[:16]
    return urlsafe_b64encode(hashed).decode().rstrip("=")


def _canonical(value: Any) -> str:
    """Return the same text for equal JSON values: names sorted, and 1.0 written as 1."""

    def normalized(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: normalized(item) for name, item in part.items()}
        if isinstance(part, list):
            return [normalized(item) for item in part]
        return int(part) if isinstance(part, float) and part.is_integer() else part

    return json.dumps(normalized(value), sort_keys=True)

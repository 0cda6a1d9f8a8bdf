"""A POST happens once (guarantee 5): by its `Idempotency-Key`, and a double click by itself.

The life of a key:

    (none) ─► STARTED, written down before the request leaves ─► ANSWERED, replayed for 24 hours
                 │                                            └► (none): nothing was done, try again
                 └► IN DOUBT: it may have been done. The key never does it again.

Two who send the same at once: 1. A writes it down. 2. B finds A's record and waits for its
outcome. 3. A ends its record and leaves the outcome; B answers it. If A's worker dies, its lease
ends, and what B finds is in doubt.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import gevent
from flask import Response, current_app, request
from marshmallow import ValidationError
from werkzeug.exceptions import BadRequest, HTTPException, UnprocessableEntity

from captcha import CaptchaError
from redis_link import RedisAwayError
from videsk.client import PASSED_ON
from videsk.errors import VideskFailedError, VideskRefusedError, VideskTimeoutError
from web.limits import client_address
from web.records import ProcessRecords, Record, Records, new_owner

T = TypeVar("T")

KEEP_SECONDS = 24 * 60 * 60
DOUBLE_CLICK_SECONDS = 10
WAIT_SECONDS = 25
RENEW_SECONDS = 1.5
POLL_SECONDS = 0.03

REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_REPLAYED_HEADERS = (
    "Content-Type",
    "X-Error-Source",
    "Link",
    *PASSED_ON,
)


class Fate(Enum):
    """What becomes of a record when its request has come to an end."""

    KEEP = "answered"
    FORGET = "forgotten"
    DOUBT = "doubt"


def fate_of(error: Exception | None, *, by_token: bool) -> Fate:
    """Guarantee 5's list. `by_token`: an appointment's own token was sent, not the key."""
    if error is None:
        return Fate.KEEP
    if isinstance(error, VideskRefusedError):
        if error.status in {400, 404, 409, 422} or (by_token and error.status in {401, 403}):
            return Fate.KEEP
        return Fate.DOUBT if error.status >= 500 and error.status != 503 else Fate.FORGET
    if isinstance(error, VideskFailedError):
        return Fate.DOUBT if error.outcome_unknown else Fate.FORGET
    refused_here = isinstance(error, ValidationError | HTTPException | CaptchaError)
    return Fate.FORGET if refused_here else Fate.DOUBT


@dataclass(frozen=True)
class _Attempt:
    """One POST that is to be done once: under which name, kept for how long, and written down
    where: in the first of these places that can be reached.
    """

    name: str
    keep_seconds: int
    own: Record
    places: Sequence[Records]
    by_token: bool

    def call(self, action: Callable[[Records], T]) -> T:
        *others, last = self.places
        for place in others:
            try:
                return action(place)
            except RedisAwayError:
                continue
        return action(last)


class Once:
    """Does what it is given once. `shared`: the records of all processes."""

    def __init__(self, shared: Records | None) -> None:
        self._own = ProcessRecords()
        self._places: Sequence[Records] = (shared, self._own) if shared else (self._own,)

    def answer(
        self,
        act: Callable[[], Response],
        value: Any,
        *,
        token: str | None = None,
        notices_double_click: bool = False,
    ) -> Response:
        """The answer of `act`, done for the first of those who send this request, for all of them.

        `value`: the body's JSON. Raises BadRequest for a malformed key, UnprocessableEntity for one
        that was used with another request, VideskTimeoutError for one in doubt.
        """
        attempt = self._attempt(value, token, notices_double_click=notices_double_click)
        if attempt is None:
            return act()
        # While it is under way a record outlives any request, however short it is kept after that.
        known = attempt.call(
            lambda records: records.begin(attempt.name, attempt.own, max(attempt.keep_seconds, 60))
        )
        if known is None:
            return self._do(act, attempt)
        if known.fingerprint != attempt.own.fingerprint:
            raise UnprocessableEntity("This Idempotency-Key was used before with another request.")
        return _replay(known if known.state != "started" else _wait_for(known.owner, attempt))

    def end_double_click(self, token: str) -> None:
        """Who has canceled or moved an appointment and books its hour again means it."""
        for place in self._places:
            with suppress(RedisAwayError):
                place.forget_by_token(_digest(token))

    def _attempt(
        self, value: Any, token: str | None, *, notices_double_click: bool
    ) -> _Attempt | None:
        key = request.headers.get("Idempotency-Key")
        if key is not None and not _KEY.fullmatch(key):
            raise BadRequest("An Idempotency-Key must be 1 to 255 visible ASCII characters.")
        if key is None and not notices_double_click:
            return None
        fingerprint = _digest(request.path.lower(), _canonical(value), token)
        if key is not None:
            name, keep_seconds = f"key:{_digest(key)}", KEEP_SECONDS
        else:
            name = f"click:{_digest(fingerprint, client_address())}"
            keep_seconds = DOUBLE_CLICK_SECONDS
        # What was written down here while Redis was away is not in Redis.
        places = (self._own,) if self._own.knows(name) else self._places
        own = Record(fingerprint, new_owner())
        return _Attempt(name, keep_seconds, own, places, by_token=token is not None)

    def _do(self, act: Callable[[], Response], attempt: _Attempt) -> Response:
        started = time.monotonic()
        renewing = gevent.spawn_later(RENEW_SECONDS, _renew, attempt)
        error: Exception | None = None
        try:
            response = act()
        except Exception as raised:  # noqa: BLE001 - it becomes an answer where all do
            error = raised
            response = current_app.make_response(current_app.handle_user_exception(raised))
        finally:
            renewing.kill(block=False)
        fate = fate_of(error, by_token=attempt.by_token)
        fingerprint, owner = attempt.own.fingerprint, attempt.own.owner
        outcome = Record(fingerprint, owner, "answered", _written(response))
        kept = outcome if fate is Fate.KEEP else Record(fingerprint, owner, "doubt")
        keep_seconds = attempt.keep_seconds
        if keep_seconds == DOUBLE_CLICK_SECONDS:
            keep_seconds = max(0, keep_seconds - round(time.monotonic() - started))
        if fate is Fate.FORGET:
            keep_seconds = 0
        attempt.call(lambda records: records.end(attempt.name, kept, keep_seconds, outcome))
        if keep_seconds and attempt.keep_seconds == DOUBLE_CLICK_SECONDS and error is None:
            _link_token(attempt, json.loads(response.get_data()), keep_seconds)
        return response


def _link_token(attempt: _Attempt, booking: Any, keep_seconds: int) -> None:
    token = booking.get("actionToken") if isinstance(booking, dict) else None
    if isinstance(token, str):
        attempt.call(lambda records: records.link_token(_digest(token), attempt.name, keep_seconds))


def _renew(attempt: _Attempt) -> None:
    while True:
        attempt.call(lambda records: records.renew(attempt.own.owner))
        gevent.sleep(RENEW_SECONDS)


def _wait_for(owner: str, attempt: _Attempt) -> Record:
    """The outcome of the one who does it. Raises VideskTimeoutError when there will be none."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        outcome, alive = attempt.call(lambda records: records.outcome(owner))
        if outcome:
            return outcome
        if not alive:
            break
        time.sleep(POLL_SECONDS)
    raise VideskTimeoutError(outcome_unknown=True)


def _replay(record: Record) -> Response:
    if record.answer is None:
        raise VideskTimeoutError(outcome_unknown=True)
    response = Response(record.answer["body"], record.answer["status"])
    del response.headers["Content-Type"]
    response.headers.extend(record.answer["headers"])
    response.headers[REPLAYED] = "true"
    return response


def _written(response: Response) -> dict[str, Any]:
    return {
        "status": response.status_code,
        "headers": {
            name: response.headers[name] for name in _REPLAYED_HEADERS if name in response.headers
        },
        "body": response.get_data(as_text=True),
    }


def _digest(*parts: str | None) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _canonical(value: Any) -> str:
    """One text for one JSON value: names in order, and 1.0 written as 1."""

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: plain(item) for name, item in part.items()}
        if isinstance(part, list):
            return [plain(item) for item in part]
        return int(part) if isinstance(part, float) and part.is_integer() else part

    return json.dumps(plain(value), sort_keys=True)

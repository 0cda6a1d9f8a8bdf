"""A POST happens once (guarantee 5): with an `Idempotency-Key`, and without one for double clicks.

The life of a key:

    (none) ─► STARTED, stored before the request leaves ─► ANSWERED, replayed for 24 hours
                 │                                      └► (none): nothing was done, try again
                 └► IN DOUBT: it may have been done. The key never does it again.

Two identical requests arrive together: 1. A stores its record. 2. B finds A's record and waits for
its outcome. 3. A ends its record and publishes the outcome; B returns it. If A's worker dies, its
lease expires, and what B finds is in doubt.

While Redis is away, records are stored in the process. When it is back, each process stores there
which of its requests are under way, and the endings that Redis has not got (`publish`), so that
another worker neither books again nor takes a known outcome for a doubt.
"""

import hashlib
import json
import re
import time
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import gevent
from flask import Response, current_app, request
from marshmallow import ValidationError
from redis import Redis
from werkzeug.exceptions import BadRequest, HTTPException, UnprocessableEntity

from common.resilient_redis import RedisUnavailableError
from idempotency.store import UNREADABLE, LocalStore, Record, RedisStore, new_owner
from videsk.client import FORWARDED_HEADERS
from videsk.errors import VideskFailedError, VideskResponseError, VideskTimeoutError
from web.captcha import CaptchaError
from web.client_limits import client_address

KEEP_SECONDS = 24 * 60 * 60
DOUBLE_CLICK_SECONDS = 10
WAIT_SECONDS = 25
RENEW_SECONDS = 1.5
POLL_SECONDS = 0.03

MIN_STARTED_SECONDS = 60
"""A record outlives its request, which ends within 25 s, however short it is kept after that."""

DEAD_SECONDS = 2.0
"""An owner without a lease for so long is dead. One that Redis has forgotten renews its lease, and
one that was cut off from Redis publishes its outcome, sooner than that.
"""

MAX_UNPUBLISHED = 10_000

REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_REPLAYED_HEADERS = (
    "Content-Type",
    "X-Error-Source",
    "Link",
    *FORWARDED_HEADERS,
)


class Disposition(Enum):
    """What becomes of a record when its request has come to an end."""

    KEEP = "answered"
    FORGET = "forgotten"
    DOUBT = "doubt"


def disposition_of(
    error: Exception | None, *, by_token: bool, is_double_click: bool = False
) -> Disposition:
    """Guarantee 5's list. `by_token`: an appointment's own token was sent, not the key.
    `is_double_click`: without a key, so the same body after a refusal is a new attempt.
    """
    if error is None:
        return Disposition.KEEP
    if isinstance(error, VideskResponseError):
        if is_double_click and error.status < 500:
            return Disposition.FORGET
        if error.status in {400, 404, 409, 422} or (by_token and error.status in {401, 403}):
            return Disposition.KEEP
        return (
            Disposition.DOUBT if error.status >= 500 and error.status != 503 else Disposition.FORGET
        )
    if isinstance(error, VideskFailedError):
        return Disposition.DOUBT if error.outcome_unknown else Disposition.FORGET
    refused_here = isinstance(error, ValidationError | HTTPException | CaptchaError)
    return Disposition.FORGET if refused_here else Disposition.DOUBT


@dataclass(frozen=True)
class _Attempt:
    """One POST to be done once: the name of its record, how long that is kept, and its record."""

    name: str
    keep_seconds: int
    own: Record
    by_token: bool
    is_double_click: bool


@dataclass(frozen=True)
class _Completion:
    """How an attempt ended: the record to keep for so many seconds, and the outcome to publish."""

    name: str
    record: Record
    keep_seconds: int
    outcome: Record


class Idempotency:
    """Does each request once. `shared`: the records of all processes."""

    def __init__(self, shared: RedisStore | None) -> None:
        self._shared = shared
        self._own = LocalStore()
        self._in_progress: dict[str, _Attempt] = {}
        self._unpublished: deque[_Completion] = deque(maxlen=MAX_UNPUBLISHED)

    def answer(
        self,
        act: Callable[[], Response],
        value: Any,
        *,
        token: str | None = None,
        detect_double_click: bool = False,
    ) -> Response:
        """Return the response of `act`, which runs for the first of identical requests only.

        `value`: the body's JSON. Raises BadRequest for a malformed key, UnprocessableEntity for one
        that was used with another request, VideskTimeoutError for one in doubt.
        """
        attempt = _attempt(value, token, detect_double_click=detect_double_click)
        if attempt is None:
            return act()
        known = self._begin(attempt)
        if known is None:
            return self._do(act, attempt)
        if known.fingerprint not in {attempt.own.fingerprint, UNREADABLE.fingerprint}:
            raise UnprocessableEntity("This Idempotency-Key was used before with another request.")
        return _replay(known if known.state != "started" else self._wait_for(known.owner))

    def end_double_click(self, token: str) -> None:
        """Let a customer who has canceled or moved an appointment book its hour again."""
        digest = _digest(token)
        self._own.forget_by_token(digest)
        if self._shared:
            with suppress(RedisUnavailableError):
                self._shared.forget_by_token(digest)

    def publish(self, client: Redis) -> None:
        """Store in Redis what it lacks: requests in progress and outcomes. For `on_reconnect`."""
        if not self._shared:
            return
        for attempt in list(self._in_progress.values()):
            self._shared.begin(attempt.name, attempt.own, _started_seconds(attempt), client)
        while self._unpublished:
            completion = self._unpublished[0]
            self._shared.end(
                completion.name,
                completion.record,
                completion.keep_seconds,
                completion.outcome,
                client,
            )
            self._unpublished.popleft()

    def _begin(self, attempt: _Attempt) -> Record | None:
        """Store the attempt's record, or return the one that is there.

        A Redis that was lost just now may be back in a moment, as after a restart or a failover,
        and another process may use it again sooner than this one. So a write waits for it: without
        it, two processes could both book.
        """
        name, own, keep_seconds = attempt.name, attempt.own, _started_seconds(attempt)
        while self._shared:
            try:
                return self._shared.begin(name, own, keep_seconds)
            except RedisUnavailableError:
                if self._shared.wait_for_reconnect():
                    continue
                known = self._begin_here(name, own, keep_seconds)
            # Redis may have come back in between: then `publish` has missed this record.
            if known or self._shared.is_unavailable:
                return known
            self._own.forget(name)
        return self._begin_here(name, own, keep_seconds)

    def _begin_here(self, name: str, own: Record, keep_seconds: int) -> Record | None:
        for attempt in self._in_progress.values():
            if attempt.name == name:
                return attempt.own
        return self._own.begin(name, own, keep_seconds)

    def _end(self, completion: _Completion) -> None:
        parts = completion.name, completion.record, completion.keep_seconds, completion.outcome
        self._own.end(*parts)  # for the time when Redis is away
        while self._shared:
            try:
                return self._shared.end(*parts)
            except RedisUnavailableError:
                self._unpublished.append(completion)
            if self._shared.is_unavailable:
                return None
        return None

    def _do(self, act: Callable[[], Response], attempt: _Attempt) -> Response:
        owner = attempt.own.owner
        self._in_progress[owner] = attempt
        renewing = gevent.spawn_later(RENEW_SECONDS, self._renew, owner)
        try:
            return self._do_once(act, attempt)
        finally:
            renewing.kill(block=False)
            del self._in_progress[owner]

    def _do_once(self, act: Callable[[], Response], attempt: _Attempt) -> Response:
        error: Exception | None = None
        try:
            response = act()
        except Exception as raised:  # noqa: BLE001 - it becomes a response where all do
            error = raised
            response = current_app.make_response(current_app.handle_user_exception(raised))
        disposition = disposition_of(
            error, by_token=attempt.by_token, is_double_click=attempt.is_double_click
        )
        outcome = replace(attempt.own, state="answered", answer=_written(response))
        kept = outcome if disposition is Disposition.KEEP else replace(attempt.own, state="doubt")
        keep_seconds = 0 if disposition is Disposition.FORGET else attempt.keep_seconds
        self._end(_Completion(attempt.name, kept, keep_seconds, outcome))
        if attempt.is_double_click and error is None:
            self._link_token(attempt, json.loads(response.get_data()))
        return response

    def _link_token(self, attempt: _Attempt, booking: Any) -> None:
        token = booking.get("actionToken") if isinstance(booking, dict) else None
        if not isinstance(token, str):
            return
        link = _digest(token), attempt.name, attempt.keep_seconds
        self._own.link_token(*link)
        if self._shared:
            with suppress(RedisUnavailableError):
                self._shared.link_token(*link)

    def _renew(self, owner: str) -> None:
        while self._shared:
            with suppress(RedisUnavailableError):
                self._shared.renew(owner)
            gevent.sleep(RENEW_SECONDS)

    def _wait_for(self, owner: str) -> Record:
        """Return the owner's outcome. Raises VideskTimeoutError where there will be none."""
        now = alive_at = time.monotonic()
        end = now + WAIT_SECONDS
        while now < end and now - alive_at < DEAD_SECONDS:
            outcome, has_lease = self._outcome(owner)
            if outcome:
                return outcome
            time.sleep(POLL_SECONDS)
            now = time.monotonic()
            if has_lease or owner in self._in_progress:
                alive_at = now
        raise VideskTimeoutError(outcome_unknown=True)

    def _outcome(self, owner: str) -> tuple[Record | None, bool]:
        if self._shared:
            with suppress(RedisUnavailableError):
                return self._shared.outcome(owner)
        return self._own.outcome(owner)


def _attempt(value: Any, token: str | None, *, detect_double_click: bool) -> _Attempt | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequest("An Idempotency-Key must be 1 to 255 visible ASCII characters.")
    if key is None and not detect_double_click:
        return None
    fingerprint = _digest(request.path.lower(), _canonical(value), token)
    own = Record(fingerprint, new_owner())
    if key is not None:
        return _Attempt(
            f"key:{_digest(key)}", KEEP_SECONDS, own, token is not None, is_double_click=False
        )
    name = f"click:{_digest(fingerprint, client_address())}"
    return _Attempt(name, DOUBLE_CLICK_SECONDS, own, token is not None, is_double_click=True)


def _started_seconds(attempt: _Attempt) -> int:
    return max(attempt.keep_seconds, MIN_STARTED_SECONDS)


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
    """128 bits of a hash, in 22 characters: it stands twice in every record."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()[:16]
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _canonical(value: Any) -> str:
    """One text for one JSON value: names in order, and 1.0 written as 1."""

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: plain(item) for name, item in part.items()}
        if isinstance(part, list):
            return [plain(item) for item in part]
        return int(part) if isinstance(part, float) and part.is_integer() else part

    return json.dumps(plain(value), sort_keys=True)

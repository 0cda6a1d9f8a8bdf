"""Idempotency-Key and double clicks: identical POSTs are done once (docs/guarantees.md#g5).

The life of a key, in the spirit of
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/:

    (none) ─► STARTED, stored before the request is sent ─► ANSWERED, replayed for 24 hours
                 │                                       └► (none): nothing was done, retry
                 └► IN DOUBT: it may have been done. The key never does it again.

Two identical requests arrive together: 1. A stores its record. 2. B finds A's record and waits for
its outcome. 3. A replaces its record and publishes the outcome; B returns it. If A's worker dies,
its lease expires, and B's request is in doubt.

While Redis is unavailable, records are stored in the process. After it has reconnected, each
process stores its requests in progress there, and the outcomes that Redis may lack (`publish`), so
that another worker neither books again nor takes a known outcome for a doubt.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from flask import Response, current_app
from redis import Redis

from common.lease import renewed
from common.resilient_redis import RedisUnavailableError
from idempotency.attempt import (
    Attempt,
    IdempotencyKeyReusedError,
    current_attempt,
    digest,
    replay,
    serialize,
)
from idempotency.disposition import Disposition, disposition_of
from idempotency.store import UNREADABLE, LocalStore, Record, RedisStore
from videsk.errors import VideskTimeoutError

WAIT_SECONDS = 25
RENEW_SECONDS = 1.5
POLL_SECONDS = 0.03

DEAD_SECONDS = 2.0
"""An owner without a lease for so long is dead. One whose lease Redis has lost renews it, and one
that was cut off from Redis publishes its outcome, sooner than that.
"""

MAX_UNPUBLISHED = 10_000

RECENT_SECONDS = 60
MAX_RECENT = 200
"""A failover can lose the last records in Redis. So each process stores its latest ones again.
Records that are kept for less time, such as those of double clicks, are not stored again."""


class _Completion(NamedTuple):
    """How an attempt ended: the record to keep for so many seconds, and the outcome to publish."""

    name: str
    record: Record
    keep_seconds: int
    outcome: Record


class Idempotency:
    """Does each request once. `shared`: the records of all processes; None without Redis."""

    def __init__(self, shared: RedisStore | None) -> None:
        self._shared = shared
        self._local = LocalStore()
        self._in_progress: dict[str, Attempt] = {}
        self._unpublished: deque[_Completion] = deque(maxlen=MAX_UNPUBLISHED)
        self._recent: deque[tuple[float, _Completion]] = deque(maxlen=MAX_RECENT)

    def run(
        self,
        action: Callable[[], Response],
        body: Any,
        *,
        token: str | None = None,
        detect_double_click: bool = False,
    ) -> Response:
        """Return the response of `action`, which runs for the first of identical requests only.

        Args:
            body: the JSON value of the request's body.
            token: the appointment's token, if it authorizes the request.
            detect_double_click: without an Idempotency-Key, treat an identical request of the same
                client within DOUBLE_CLICK_SECONDS as the same one.

        Raises:
            IdempotencyKeyMalformedError, IdempotencyKeyReusedError: a 400 and a 422.
            VideskTimeoutError: the outcome of the first request is unknown.
        """
        attempt = current_attempt(body, token, detect_double_click=detect_double_click)
        if attempt is None:
            return action()
        existing = self._begin(attempt)
        if existing is None:
            return self._run_under_lease(action, attempt)
        if existing.fingerprint not in {attempt.record.fingerprint, UNREADABLE.fingerprint}:
            raise IdempotencyKeyReusedError
        return replay(existing if existing.state != "started" else self._wait_for(existing.owner))

    def end_double_click(self, token: str) -> None:
        """Let a customer who has canceled or moved an appointment book its hour again."""
        self._local.forget_by_token(digest(token))
        if self._shared:
            with suppress(RedisUnavailableError):
                self._shared.forget_by_token(digest(token))

    def publish(self, client: Redis) -> None:
        """Store in Redis the attempts and outcomes that it may lack. For `on_reconnect`."""
        if not self._shared:
            return
        for attempt in list(self._in_progress.values()):
            self._shared.begin(attempt.name, attempt.record, attempt.started_seconds, client)
        for ended_at, ended in list(self._recent):
            if ended_at > time.monotonic() - RECENT_SECONDS:
                self._shared.end(*ended, client)
        while self._unpublished:
            self._shared.end(*self._unpublished[0], client)
            self._add_to_recent(self._unpublished.popleft())

    def _add_to_recent(self, ended: _Completion) -> None:
        if ended.keep_seconds > RECENT_SECONDS:
            self._recent.append((time.monotonic(), ended))

    def _begin(self, attempt: Attempt) -> Record | None:
        """Store the attempt's record, or return the existing one.

        A Redis that was lost just now may be back in a moment, as after a restart or a failover,
        and another process may reconnect sooner than this one. So a write waits for it: otherwise
        two processes could both book.
        """
        while self._shared:
            try:
                return self._shared.begin(attempt.name, attempt.record, attempt.started_seconds)
            except RedisUnavailableError:
                if self._shared.wait_for_reconnect():
                    continue
                existing = self._begin_locally(attempt)
            # Redis may have come back in between: then `publish` has missed this record.
            if existing or self._shared.is_unavailable:
                return existing
            self._local.forget(attempt.name)
        return self._begin_locally(attempt)

    def _begin_locally(self, attempt: Attempt) -> Record | None:
        for running in self._in_progress.values():
            if running.name == attempt.name:
                return running.record
        return self._local.begin(attempt.name, attempt.record, attempt.started_seconds)

    def _run_under_lease(self, action: Callable[[], Response], attempt: Attempt) -> Response:
        owner = attempt.record.owner
        self._in_progress[owner] = attempt
        try:
            with renewed(lambda: self._renew(owner), RENEW_SECONDS):
                return self._run_and_record(action, attempt)
        finally:
            del self._in_progress[owner]

    def _run_and_record(self, action: Callable[[], Response], attempt: Attempt) -> Response:
        error: Exception | None = None
        try:
            response = action()
        except Exception as raised:  # noqa: BLE001 - rendered by the app's error handlers
            error = raised
            response = current_app.make_response(current_app.handle_user_exception(raised))
        disposition = disposition_of(
            error, by_token=attempt.by_token, is_double_click=attempt.is_double_click
        )
        outcome = replace(attempt.record, state="answered", response=serialize(response))
        in_doubt = replace(attempt.record, state="doubt")
        record = outcome if disposition is Disposition.KEEP else in_doubt
        keep_seconds = 0 if disposition is Disposition.FORGET else attempt.keep_seconds
        self._end(_Completion(attempt.name, record, keep_seconds, outcome))
        if attempt.is_double_click and error is None:
            self._link_token(attempt, json.loads(response.get_data()))
        return response

    def _end(self, ended: _Completion) -> None:
        self._local.end(*ended)  # for an outage that begins later
        while self._shared:
            try:
                self._shared.end(*ended)
            except RedisUnavailableError:
                self._unpublished.append(ended)
            else:
                return self._add_to_recent(ended)
            if self._shared.is_unavailable:
                return None
        return None

    def _link_token(self, attempt: Attempt, booking: Any) -> None:
        """Let `end_double_click` find the record by the booking's actionToken."""
        token = booking.get("actionToken") if isinstance(booking, dict) else None
        if not isinstance(token, str):
            return
        link = digest(token), attempt.name, attempt.keep_seconds
        self._local.link_token(*link)
        if self._shared:
            with suppress(RedisUnavailableError):
                self._shared.link_token(*link)

    def _renew(self, owner: str) -> None:
        if self._shared:
            self._shared.renew(owner)

    def _wait_for(self, owner: str) -> Record:
        """Return the owner's outcome. Raises VideskTimeoutError if the owner publishes none."""
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
        return self._local.outcome(owner)

"""What is written down of a POST so that it is done once: in Redis, or in this process without it.

A record is held for 24 hours at most (10 seconds for a double click). It holds the answer as it was
sent, with the appointment's tokens in it; of the request it holds a digest, and no form value.
"""

import json
import secrets
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from redis_link import RedisLink

LEASE_MILLISECONDS = 5000
"""A worker that dies in the middle of a booking leaves its outcome in doubt after so long."""

OUTCOME_SECONDS = 30
"""How long those who wait may pick up an answer that is not kept."""


@dataclass(frozen=True)
class Record:
    """`state`: started, answered or doubt. `fingerprint`: the digest of the request.

    `owner`: who does it, or did. `answer`: status, headers and body.
    """

    fingerprint: str
    owner: str
    state: str = "started"
    answer: dict[str, Any] | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Record":
        return cls(**json.loads(text))


def new_owner() -> str:
    return secrets.token_hex(8)


class Records(Protocol):
    """Where records are kept."""

    def begin(self, name: str, record: Record, keep_seconds: int) -> Record | None:
        """Write it down, unless there is one of that name already: that one."""

    def renew(self, owner: str) -> None:
        """Say that the owner lives."""

    def end(self, name: str, record: Record, keep_seconds: int, outcome: Record) -> None:
        """Replace the owner's record (0 seconds: forget it); tell those who wait the outcome."""

    def outcome(self, owner: str) -> tuple[Record | None, bool]:
        """The outcome, if it is there, and whether the owner lives."""

    def link_token(self, token: str, name: str, keep_seconds: int) -> None:
        """Note that who cancels by this token (its digest) ends the record of that name."""

    def forget_by_token(self, token: str) -> None:
        """Forget the record that this token (its digest) was linked to."""


_BEGIN = """
local known = redis.call('GET', KEYS[1])
if known then return known end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('SET', KEYS[2], '1', 'PX', ARGV[3])
return false
"""
_END = """
local known = redis.call('GET', KEYS[1])
if known and cjson.decode(known).owner == ARGV[1] then
    if ARGV[3] == '0' then redis.call('DEL', KEYS[1])
    else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
end
redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[5])
redis.call('DEL', KEYS[3])
"""
_FORGET = """
local name = redis.call('GET', KEYS[1])
if name then redis.call('DEL', KEYS[1], ARGV[1] .. name) end
"""


class RedisRecords:
    """For all processes. Every method raises RedisAwayError."""

    def __init__(self, link: RedisLink, prefix: str) -> None:
        self._link = link
        self._prefix = f"{prefix}once:"
        self._begin = link.redis.register_script(_BEGIN)
        self._end = link.redis.register_script(_END)
        self._forget = link.redis.register_script(_FORGET)

    def begin(self, name: str, record: Record, keep_seconds: int) -> Record | None:
        keys = [self._prefix + name, self._lease(record.owner)]
        args: list[str | int] = [record.to_json(), keep_seconds, LEASE_MILLISECONDS]
        known = self._link.call(lambda: self._begin(keys, args))
        return Record.from_json(known) if known else None

    def renew(self, owner: str) -> None:
        self._link.call(lambda: self._link.redis.set(self._lease(owner), 1, px=LEASE_MILLISECONDS))

    def end(self, name: str, record: Record, keep_seconds: int, outcome: Record) -> None:
        keys = [self._prefix + name, self._outcome(record.owner), self._lease(record.owner)]
        args: list[str | int] = [record.owner, record.to_json(), keep_seconds]
        args += [outcome.to_json(), OUTCOME_SECONDS]
        self._link.call(lambda: self._end(keys, args))

    def outcome(self, owner: str) -> tuple[Record | None, bool]:
        names = [self._outcome(owner), self._lease(owner)]
        found, lease = self._link.call(lambda: list(self._link.redis.mget(names)))
        return (Record.from_json(found) if found else None), lease is not None

    def link_token(self, token: str, name: str, keep_seconds: int) -> None:
        self._link.call(
            lambda: self._link.redis.set(f"{self._prefix}token:{token}", name, ex=keep_seconds)
        )

    def forget_by_token(self, token: str) -> None:
        keys, args = [f"{self._prefix}token:{token}"], [self._prefix]
        self._link.call(lambda: self._forget(keys, args))

    def _lease(self, owner: str) -> str:
        return f"{self._prefix}lease:{owner}"

    def _outcome(self, owner: str) -> str:
        return f"{self._prefix}outcome:{owner}"


class ProcessRecords:
    """For this process alone: the same by name, in a dictionary."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, tuple[float, Any]] = {}

    def knows(self, name: str) -> bool:
        return self._get(name) is not None

    def begin(self, name: str, record: Record, keep_seconds: int) -> Record | None:
        with self._lock:
            known: Record | None = self._get(name)
            if known is None:
                self._put(name, record, keep_seconds)
                self._put(f"lease:{record.owner}", True, keep_seconds)
            return known

    def renew(self, owner: str) -> None:
        """A process knows of itself that it lives."""

    def end(self, name: str, record: Record, keep_seconds: int, outcome: Record) -> None:
        with self._lock:
            self._put(name, record, keep_seconds)
            self._put(f"outcome:{record.owner}", outcome, OUTCOME_SECONDS)
            self._held.pop(f"lease:{record.owner}", None)

    def outcome(self, owner: str) -> tuple[Record | None, bool]:
        with self._lock:
            return self._get(f"outcome:{owner}"), self._get(f"lease:{owner}") is not None

    def link_token(self, token: str, name: str, keep_seconds: int) -> None:
        with self._lock:
            self._put(f"token:{token}", name, keep_seconds)

    def forget_by_token(self, token: str) -> None:
        with self._lock:
            name = self._get(f"token:{token}")
            if name:
                self._held.pop(name, None)

    def _get(self, name: str) -> Any:
        until, value = self._held.get(name, (0.0, None))
        return value if until > time.monotonic() else None

    def _put(self, name: str, value: Any, keep_seconds: int) -> None:
        now = time.monotonic()
        if len(self._held) >= 5000:
            self._held = {key: held for key, held in self._held.items() if held[0] > now}
        self._held[name] = (now + keep_seconds, value)

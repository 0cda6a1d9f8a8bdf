"""The records that make a POST happen once: in Redis, or in this process without it.

A record is kept for 24 hours at most (10 seconds for a double click). It holds the response as it
was sent, with the appointment's tokens in it; of the request it holds a digest, and no form value.
"""

import json
import secrets
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis
from redis.commands.core import Script

from common.resilient_redis import ResilientRedis

LEASE_MILLISECONDS = 4000
"""A worker that dies in the middle of a booking leaves its outcome in doubt after so long."""

OUTCOME_SECONDS = 30
"""How long those who wait may pick up a response that is not kept."""

MAX_LOCAL_RECORDS = 10_000
"""About 10 MB. The oldest are dropped first."""

_FORMAT = b"1"

_COMMON_TEXT = (
    b'","answered",{"status":409,"headers":{"Content-Type":"application/json; charset=utf-8",'
    b'"X-Error-Source":"videsk","Link":"</api/services/users/hours?date=&timezone=America%2F>; '
    b'rel=\\"alternate\\"","Ratelimit-Limit":"20","Ratelimit-Remaining":"19","Ratelimit-Reset":"1"},'
    b'"body":"{\\"name\\":\\"Conflict\\",\\"message\\":\\"\\",\\"code\\":409,\\"className\\":'
    b'\\"conflict\\",\\"data\\":{},\\"errors\\":{}}"}]'
)
"""What most records have in common, for zlib: a record of a refusal takes half the space. It is
part of the format: with another text, records stored before cannot be read.
"""


@dataclass(frozen=True)
class Record:
    """`state`: started, answered or doubt. `fingerprint`: the digest of the request.

    `owner`: the request that does the work. `answer`: status, headers and body.
    """

    fingerprint: str
    owner: str
    state: str = "started"
    answer: dict[str, Any] | None = None

    def to_bytes(self) -> bytes:
        """The format's version, the owner, which the scripts below read, and the rest, compressed:
        a client can leave 10 records a minute, and each stays for a day.
        """
        deflate = zlib.compressobj(9, zdict=_COMMON_TEXT)
        rest = json.dumps([self.fingerprint, self.state, self.answer], separators=(",", ":"))
        compressed = deflate.compress(rest.encode()) + deflate.flush()
        return b"%b %b %b" % (_FORMAT, self.owner.encode(), compressed)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Record":
        """Read a record. One that cannot be read, such as another version's during an upgrade, is
        in doubt: its request may have booked.
        """
        try:
            version, owner, rest = stored.split(b" ", 2)
            if version != _FORMAT:
                return UNREADABLE
            inflated = zlib.decompressobj(zdict=_COMMON_TEXT).decompress(rest)
            fingerprint, state, answer, *_ = json.loads(inflated)
            return cls(str(fingerprint), owner.decode(), str(state), answer)
        except (ValueError, zlib.error):
            return UNREADABLE


UNREADABLE = Record("", "", "doubt")


def new_owner() -> str:
    return secrets.token_hex(8)


_BEGIN = """
local known = redis.call('GET', KEYS[1])
if known and string.match(known, '^%w+ (%w+) ') ~= ARGV[1] then return known end
if not known then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[4])
return false
"""
_END = """
local known = redis.call('GET', KEYS[1])
if not known or string.match(known, '^%w+ (%w+) ') == ARGV[1] then
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


class RedisStore:
    """Records of all processes. Every method raises RedisUnavailableError, or RedisError with a
    client of
    the caller's own (`client`).

    A record whose connection broke, or that Redis has lost since, is stored again: `begin` accepts
    the owner's own record, and `end` an absent one.
    """

    def __init__(self, redis: ResilientRedis, prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{prefix}once:"
        self._begin = redis.client.register_script(_BEGIN)
        self._end = redis.client.register_script(_END)
        self._forget = redis.client.register_script(_FORGET)

    @property
    def is_unavailable(self) -> bool:
        return self._redis.unavailable

    def wait_for_reconnect(self) -> bool:
        """See ResilientRedis."""
        return self._redis.wait_for_reconnect()

    def begin(
        self, name: str, record: Record, keep_seconds: int, client: Redis | None = None
    ) -> Record | None:
        """Store the record, or return the one of that name that another request has stored."""
        keys = [self._prefix + name, self._lease(record.owner)]
        args = [record.owner, record.to_bytes(), keep_seconds, LEASE_MILLISECONDS]
        known = self._run(self._begin, keys, args, client)
        return None if known is None else Record.from_bytes(known)

    def renew(self, owner: str) -> None:
        """Keep the owner's lease."""
        self._redis.call(
            lambda: self._redis.client.set(self._lease(owner), 1, px=LEASE_MILLISECONDS)
        )

    def end(
        self,
        name: str,
        record: Record,
        keep_seconds: int,
        outcome: Record,
        client: Redis | None = None,
    ) -> None:
        """Replace the owner's record (0 seconds: delete it) and publish the outcome."""
        owner = record.owner
        keys = [self._prefix + name, self._outcome(owner), self._lease(owner)]
        args = [owner, record.to_bytes(), keep_seconds, outcome.to_bytes(), OUTCOME_SECONDS]
        self._run(self._end, keys, args, client)

    def outcome(self, owner: str) -> tuple[Record | None, bool]:
        """The outcome, if it is published, and whether the owner has a lease."""
        names = [self._outcome(owner), self._lease(owner)]
        found, lease = cast(
            "list[bytes | None]", self._redis.call(lambda: self._redis.client.mget(names))
        )
        return (Record.from_bytes(found) if found else None), lease is not None

    def link_token(self, token: str, name: str, keep_seconds: int) -> None:
        """Link the digest of an appointment's token to the record of that name."""
        self._redis.call(
            lambda: self._redis.client.set(f"{self._prefix}token:{token}", name, ex=keep_seconds)
        )

    def forget_by_token(self, token: str) -> None:
        """Delete the record that this digest of a token is linked to."""
        self._run(self._forget, [f"{self._prefix}token:{token}"], [self._prefix])

    def _run(
        self, script: Script, keys: list[str], args: Iterable[Any], client: Redis | None = None
    ) -> Any:
        if client:
            return script(keys, args, client=client)
        return self._redis.call(lambda: script(keys, args))

    def _lease(self, owner: str) -> str:
        return f"{self._prefix}lease:{owner}"

    def _outcome(self, owner: str) -> str:
        return f"{self._prefix}outcome:{owner}"


class LocalStore:
    """The same for this process, in a dictionary. No leases: the process knows its owners."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, tuple[float, bytes]] = {}

    def begin(self, name: str, record: Record, keep_seconds: int) -> Record | None:
        with self._lock:
            known = self._get(name)
            if known is None:
                self._put(name, record.to_bytes(), keep_seconds)
                return None
            return Record.from_bytes(known)

    def end(self, name: str, record: Record, keep_seconds: int, outcome: Record) -> None:
        with self._lock:
            if keep_seconds:
                self._put(name, record.to_bytes(), keep_seconds)
            else:
                self._held.pop(name, None)
            self._put(f"outcome:{record.owner}", outcome.to_bytes(), OUTCOME_SECONDS)

    def forget(self, name: str) -> None:
        """Delete the record of that name."""
        with self._lock:
            self._held.pop(name, None)

    def outcome(self, owner: str) -> tuple[Record | None, bool]:
        with self._lock:
            found = self._get(f"outcome:{owner}")
        return (Record.from_bytes(found) if found else None), False

    def link_token(self, token: str, name: str, keep_seconds: int) -> None:
        with self._lock:
            self._put(f"token:{token}", name.encode(), keep_seconds)

    def forget_by_token(self, token: str) -> None:
        with self._lock:
            name = self._get(f"token:{token}")
            if name:
                self._held.pop(name.decode(), None)

    def _get(self, name: str) -> bytes | None:
        until, value = self._held.get(name, (0.0, b""))
        return value if until > time.monotonic() else None

    def _put(self, name: str, value: bytes, keep_seconds: int) -> None:
        now = time.monotonic()
        if len(self._held) >= MAX_LOCAL_RECORDS:
            self._held = {key: held for key, held in self._held.items() if held[0] > now}
        while len(self._held) >= MAX_LOCAL_RECORDS:
            del self._held[next(iter(self._held))]
        self._held.pop(name, None)  # so that the oldest stays first
        self._held[name] = (now + keep_seconds, value)

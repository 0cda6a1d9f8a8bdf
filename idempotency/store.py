"""Idempotency records: in Redis for all processes, or in this process while it is unavailable.

How long a record is kept is decided in idempotency/attempt.py. It contains the response as
it was sent, the appointment's tokens included, and a digest of the request, but no form value.
"""

import json
import secrets
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from cachetools import TLRUCache
from redis import Redis
from redis.commands.core import Script

from common.resilient_redis import ResilientRedis

LEASE_MILLISECONDS = 4000
"""If a worker dies during a booking, its outcome is in doubt after this time."""

OUTCOME_SECONDS = 30
"""How long waiting requests can fetch a response that is not replayed later."""

REPLICATION_MILLISECONDS = 50
"""How long a booking waits for a replica to have its record."""

MAX_LOCAL_RECORDS = 10_000
"""About 10 MB. The least recently used are dropped first."""

_FORMAT = b"1"

_ZLIB_DICTIONARY = (
    b'","answered",{"status":409,"headers":{"Content-Type":"application/json; charset=utf-8",'
    b'"X-Error-Source":"videsk","Link":"</api/services/users/hours?date=&timezone=America%2F>; '
    b'rel=\\"alternate\\"","Ratelimit-Limit":"20","Ratelimit-Remaining":"19","Ratelimit-Reset":"1"},'
    b'"body":"{\\"name\\":\\"Conflict\\",\\"message\\":\\"\\",\\"code\\":409,\\"className\\":'
    b'\\"conflict\\",\\"data\\":{},\\"errors\\":{}}"}]'
)
"""A preset dictionary for zlib, which halves the size of a record of an error response. It belongs
to the format: with another text, records stored before cannot be read.
"""


@dataclass(frozen=True)
class Record:
    """What is stored of one request.

    `fingerprint`: the request's digest. `owner`: the attempt that runs it. `state`: "started",
    "answered" or "doubt". `response`: status, headers and body, as JSON values.
    """

    fingerprint: str
    owner: str
    state: str = "started"
    response: dict[str, Any] | None = None

    def to_bytes(self) -> bytes:
        """Return the format's version, the owner, which the Lua scripts read, and the rest.

        The rest is compressed: a client can cause 10 records a minute, each kept for a day.
        """
        deflate = zlib.compressobj(9, zdict=_ZLIB_DICTIONARY)
        rest = json.dumps([self.fingerprint, self.state, self.response], separators=(",", ":"))
        compressed = deflate.compress(rest.encode()) + deflate.flush()
        return b"%b %b %b" % (_FORMAT, self.owner.encode(), compressed)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Record":
        """Parse a record. One that cannot be parsed, such as another version's during an upgrade,
        is in doubt, as its request may have booked.
        """
        try:
            version, owner, rest = stored.split(b" ", 2)
            if version != _FORMAT:
                return UNREADABLE
            inflated = zlib.decompressobj(zdict=_ZLIB_DICTIONARY).decompress(rest)
            fingerprint, state, response, *_ = json.loads(inflated)
            return cls(str(fingerprint), owner.decode(), str(state), response)
        except (ValueError, zlib.error):
            return UNREADABLE


UNREADABLE = Record("", "", "doubt")


def new_owner() -> str:
    return secrets.token_hex(8)


_BEGIN = """
local existing = redis.call('GET', KEYS[1])
if existing and string.match(existing, '^%w+ (%w+) ') ~= ARGV[1] then return existing end
if not existing then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[4])
return false
"""
_END = """
local existing = redis.call('GET', KEYS[1])
if not existing or string.match(existing, '^%w+ (%w+) ') == ARGV[1] then
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
    """The records of all processes, in Redis.

    A record can be stored again after its connection broke or Redis lost it: `begin` accepts the
    owner's own record, and `end` an absent one.

    Every method raises RedisUnavailableError; with a `client` of the caller's, RedisError.
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
        """Store the record, or return another request's record of that name."""
        keys = [self._prefix + name, self._lease(record.owner)]
        args = [record.owner, record.to_bytes(), keep_seconds, LEASE_MILLISECONDS]
        if self._redis.has_replica and not client:
            existing = self._redis.call(lambda: self._begin_replicated(keys, args))
        else:
            existing = self._run(self._begin, keys, args, client)
        return None if existing is None else Record.from_bytes(existing)

    def renew(self, owner: str) -> None:
        """Renew the owner's lease."""
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
        """Return the outcome, if it is published, and whether the owner has a lease."""
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

    def _begin_replicated(self, keys: list[str], args: list[Any]) -> Any:
        """Wait until a replica has the record too, so that a failover does not lose it.

        Proceed without a replica after REPLICATION_MILLISECONDS, or if the user may not WAIT.
        """
        with self._redis.client.pipeline(transaction=False) as pipe:
            self._begin(keys, args, client=pipe)
            pipe.wait(1, REPLICATION_MILLISECONDS)
            existing, _ = pipe.execute(raise_on_error=False)
        if isinstance(existing, Exception):
            raise existing
        return existing

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
    """The same records in this process. Without leases: Idempotency lists its own requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: TLRUCache[str, tuple[int, bytes]] = TLRUCache(
            MAX_LOCAL_RECORDS, lambda _name, value, now: now + value[0], time.monotonic
        )

    def begin(self, name: str, record: Record, keep_seconds: int) -> Record | None:
        """Store the record, or return the existing one of that name."""
        with self._lock:
            existing = self._get(name)
            if existing is None:
                self._values[name] = keep_seconds, record.to_bytes()
                return None
            return Record.from_bytes(existing)

    def end(self, name: str, record: Record, keep_seconds: int, outcome: Record) -> None:
        """Replace the record (0 seconds: delete it) and publish the outcome."""
        with self._lock:
            self._values[name] = keep_seconds, record.to_bytes()
            self._values[f"outcome:{record.owner}"] = OUTCOME_SECONDS, outcome.to_bytes()

    def forget(self, name: str) -> None:
        """Delete the record of that name."""
        with self._lock:
            self._values.pop(name, None)

    def outcome(self, owner: str) -> tuple[Record | None, bool]:
        """Return the outcome, if it is published, and False: there is no lease."""
        with self._lock:
            found = self._get(f"outcome:{owner}")
        return (Record.from_bytes(found) if found else None), False

    def link_token(self, token: str, name: str, keep_seconds: int) -> None:
        """Link the digest of an appointment's token to the record of that name."""
        with self._lock:
            self._values[f"token:{token}"] = keep_seconds, name.encode()

    def forget_by_token(self, token: str) -> None:
        """Delete the record that this digest of a token is linked to."""
        with self._lock:
            name = self._get(f"token:{token}")
            if name:
                self._values.pop(name.decode(), None)

    def _get(self, name: str) -> bytes | None:
        return self._values.get(name, (0, None))[1]

"""Entries and generations by key, over the backends of Flask-Caching. Nothing is pickled.

Whoever can write to a Redis whose values are pickled runs code in whoever reads them; here a value
is bytes, and what cannot be read back is not remembered.

**Generations.** An entry belongs to groups: its service or user, and wider ones. Each group has a
token in the store, the entry carries the tokens it was fetched under (its stamp), and the two are
read in one round trip. A write replaces the tokens of what it touches; nothing is searched for, so
that costs the same for ten entries and for a million. Tokens are random, not counted: one that was
lost (evicted, or a Redis that restarts empty) never comes back by counting up to it again.

The law, for a reader R and a write W:
1. R reads the stamp. 2. R fetches. 3. W is answered by Videsk. 4. W replaces the tokens.
5. W is answered to its client. 6. R stores its entry, under the stamp of 1.
Whoever reads after 5 sees the tokens of 4, and the entry of 6 is not of them.
"""

import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cachelib.serializers import BaseSerializer
from flask_caching.backends import RedisCache, SimpleCache
from redis import Redis

log = logging.getLogger("videsk_proxy.cache")

MAX_ENTRIES_IN_PROCESS = 5000
"""About 20 MB of months and days; the oldest go first."""

TOKEN_SECONDS = 2 * 86400
"""How long a group's token outlives its last replacement. Losing one only costs a fetch."""

NARROW_TOKEN_SECONDS = 3600
"""How long the token of a narrow group outlives the last entry that was stored under it."""

NEW_TOKEN_SECONDS = 60
"""How long a new token of a narrow group lives until an entry is stored under it: a client that
asks for ids that do not exist makes narrow groups without end, and nothing is ever stored under
them. More than twice the longest fetch, so that the token outlives the fetch that it was read for.
"""

ALL_ENTRIES = "everything"
"""The group that every entry belongs to."""

VERSION = "changes"
"""No entry's group: its token changes after any group's did."""


class Backend(Protocol):
    """What is used of Flask-Caching's backends, and `prolong`: have the key, if it is there, live
    for at least so many seconds from now.
    """

    def get_many(self, *keys: str) -> list[Any]: ...
    def set(self, key: str, value: bytes, timeout: int | None = None) -> Any: ...
    def set_many(self, mapping: dict[str, Any], timeout: int | None = None) -> Any: ...
    def add(self, key: str, value: bytes, timeout: int | None = None) -> Any: ...
    def prolong(self, key: str, seconds: int) -> Any: ...
    def clear(self) -> Any: ...


@dataclass(frozen=True)
class Entry:
    """A JSON answer, when it was asked for (seconds since the epoch), and its stamp."""

    asked_at: float
    stamp: bytes
    body: bytes

    def to_bytes(self) -> bytes:
        return b"%d %b\n%b" % (self.asked_at * 1000, self.stamp, self.body)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Entry":
        """Raises ValueError or OverflowError for what to_bytes did not write."""
        head, body = stored.split(b"\n", 1)
        asked_at, stamp = head.split(b" ")
        return cls(int(asked_at) / 1000, stamp, body)


class Store:
    """Entries and generations in one backend. What the backend raises is raised."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def lookup(self, key: str, groups: Sequence[str]) -> tuple[Entry | None, bytes]:
        """The entry under `key`, if no write has invalidated it, and the groups' present stamp.

        `groups`: the narrowest last. Where there is no entry, its token lives on for as long as the
        fetch that follows: if it expired meanwhile, the next request would not join that fetch.
        """
        names = [_token_name(group) for group in (ALL_ENTRIES, *groups)]
        stored, *tokens = self._backend.get_many(key, *names)
        if None in tokens:
            # Two who find none must agree on one: the first to add it wins, both read it back.
            for name, token in zip(names, tokens, strict=True):
                if token is None:
                    narrow = groups and name == names[-1]
                    seconds = NEW_TOKEN_SECONDS if narrow else TOKEN_SECONDS
                    self._backend.add(name, _new_token(), timeout=seconds)
            stored, *tokens = self._backend.get_many(key, *names)
        stamp = b".".join(token or _new_token() for token in tokens)
        entry = read_entry(key, stored, stamp)
        if groups and not entry:
            self._backend.prolong(names[-1], NEW_TOKEN_SECONDS)
        return entry, stamp

    def put(self, key: str, groups: Sequence[str], entry: Entry, keep_seconds: int) -> None:
        """Remember the entry; it is served as long as its stamp is its groups' present one."""
        if groups:
            token_seconds = min(TOKEN_SECONDS, keep_seconds + NARROW_TOKEN_SECONDS)
            self._backend.prolong(_token_name(groups[-1]), token_seconds)
        # Flask-Caching's backend in the process counts from the second begun.
        self._backend.set(key, entry.to_bytes(), timeout=keep_seconds + 1)

    def invalidate(self, groups: Iterable[str]) -> None:
        """Replace the groups' tokens: no entry of theirs is served from now on.

        The token of VERSION is written last, because the backend writes one after the other:
        1. A writes one group's token. 2. B reads an entry of another group, which is old. 3. A
        writes VERSION. Had B read the new VERSION before 2, its near cache would keep that entry.
        """
        tokens = {_token_name(group): _new_token() for group in (*groups, VERSION)}
        self._backend.set_many(tokens, timeout=TOKEN_SECONDS)

    def current_version(self) -> bytes:
        """A token that stays the same as long as nothing was invalidated, or lost."""
        name = _token_name(VERSION)
        (token,) = self._backend.get_many(name)
        if token is None:
            self._backend.add(name, _new_token(), timeout=TOKEN_SECONDS)
            (token,) = self._backend.get_many(name)
        return token or _new_token()

    def clear(self) -> None:
        """Forget everything."""
        self._backend.clear()


def read_entry(key: str, stored: bytes | None, stamp: bytes) -> Entry | None:
    """The entry as it was stored under `key`, unless it is of another stamp."""
    try:
        entry = Entry.from_bytes(stored) if stored else None
    except (ValueError, OverflowError):
        log.warning("an entry of %s cannot be read", key.partition(":")[0])
        return None
    return entry if entry and entry.stamp == stamp else None


def _token_name(group: str) -> str:
    return f"generation:{group}"


def _new_token() -> bytes:
    return secrets.token_hex(8).encode()


class _AsTheyAre(BaseSerializer):
    """Bytes in, the same bytes out; where cachelib would pickle."""

    def dumps(self, value: bytes, protocol: int = 0) -> bytes:  # noqa: ARG002 - cachelib's signature
        return value

    def loads(self, bvalue: bytes | None) -> bytes | None:
        return bvalue


_PROLONG = """
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
"""
"""EXPIRE with GT would do the same, from Redis 7 on."""


class _RedisBackend(RedisCache):
    def __init__(self, redis: Redis, prefix: str) -> None:
        super().__init__(host=redis, key_prefix=prefix)
        self.serializer = _AsTheyAre()  # type: ignore[assignment]  # cachelib allows any
        self._prolong_script = redis.register_script(_PROLONG)
        self._prefix = prefix

    def prolong(self, key: str, seconds: int) -> None:
        self._prolong_script([self._prefix + key], [seconds])


class ProcessBackend(SimpleCache):
    """Flask-Caching's backend in the process, for bytes."""

    serializer = _AsTheyAre()  # type: ignore[assignment]

    def prolong(self, key: str, seconds: int) -> None:
        """See Backend."""
        if self.has(key):
            ends, value = self._cache[key]
            self._cache[key] = max(ends, self._normalize_timeout(seconds)), value


def redis_store(redis: Redis, prefix: str) -> Store:
    """A store for all processes, in Flask-Caching's Redis backend on a client of ours."""
    return Store(_RedisBackend(redis, prefix))


def process_store() -> Store:
    """A store for this process alone, in Flask-Caching's backend of that kind."""
    return Store(ProcessBackend(threshold=MAX_ENTRIES_IN_PROCESS))

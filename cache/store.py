"""The cache store: entries and the generations that invalidate them, in Redis or in this process.

Values are bytes in Flask-Caching's backends. Nothing is pickled: with pickle, anyone who can write
to Redis could run code here.

**Generations.** An entry belongs to groups: its service or user, and wider ones. Each group has a
token in the store. An entry carries the tokens that it was fetched under (its stamp), and one round
trip reads the entry and its groups' present tokens. To invalidate a group, a write replaces its
token, which costs the same for ten entries and for a million. Tokens are random, not counted, so
that one that was lost (evicted, or a Redis that restarts empty) never comes back.

A reader R and a writer W: 1. R reads the stamp. 2. R fetches. 3. Videsk responds to W. 4. W
replaces the tokens. 5. W's client gets its response. 6. R stores its entry under the stamp of 1.
A read after 5 gets the tokens of 4, which the entry of 6 does not carry.
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
"""About 20 MB of months and days. The oldest are evicted first."""

TOKEN_SECONDS = 2 * 86400
"""TTL of a group's token after its last replacement. Losing one only costs a fetch."""

NARROW_TOKEN_SECONDS = 3600
"""How long the token of a narrow group outlives the last entry that was stored under it."""

NEW_TOKEN_SECONDS = 60
"""TTL of a narrow group's new token until an entry is stored under it. It is short because requests
for ids that do not exist make narrow groups without end, and more than twice the longest fetch, so
that the token outlives the fetch that it was read for.
"""

ALL_ENTRIES = "everything"
"""The group that every entry belongs to."""

VERSION = "changes"
"""Its token is replaced after those of any other group. No entry belongs to it."""


class Backend(Protocol):
    """The methods of Flask-Caching's backends that are used here, and two more.

    `lookup`: return what is stored under the key and under the keys of tokens. Store a new token,
    with its TTL in seconds, under each of those that does not exist. `extend_ttl`: have the key, if
    it exists, expire no sooner than in so many seconds.
    """

    def get_many(self, *keys: str) -> list[Any]: ...
    def set(self, key: str, value: bytes, timeout: int | None = None) -> Any: ...
    def set_many(self, mapping: dict[str, Any], timeout: int | None = None) -> Any: ...
    def lookup(self, key: str, token_seconds: dict[str, int]) -> list[Any]: ...
    def extend_ttl(self, key: str, seconds: int) -> Any: ...
    def clear(self) -> Any: ...


@dataclass(frozen=True)
class Entry:
    """A JSON body, when it was requested (seconds since the epoch), and its stamp."""

    requested_at: float
    stamp: bytes
    body: bytes

    def to_bytes(self) -> bytes:
        return b"%d %b\n%b" % (self.requested_at * 1000, self.stamp, self.body)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Entry":
        """Raises ValueError or OverflowError for what to_bytes did not write."""
        head, body = stored.split(b"\n", 1)
        requested_at, stamp = head.split(b" ")
        return cls(int(requested_at) / 1000, stamp, body)


class Store:
    """Entries and generations in one backend, whose exceptions pass through."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def lookup(self, key: str, groups: Sequence[str]) -> tuple[Entry | None, bytes]:
        """Return the entry under `key` unless it was invalidated, and the groups' present stamp.

        `groups`: the narrowest last.
        """
        stored, *tokens = self._backend.lookup(key, token_seconds(groups))
        stamp = b".".join(token or new_token() for token in tokens)
        return read_entry(key, stored, stamp), stamp

    def prepare_fetch(self, groups: Sequence[str]) -> None:
        """Extend the TTL of the narrowest group's token for a fetch after a miss.

        If it expired meanwhile, the next request would not join that fetch.
        """
        self._extend(groups, NEW_TOKEN_SECONDS)

    def put(self, key: str, groups: Sequence[str], stored: bytes, keep_seconds: int) -> None:
        """Store an entry's bytes."""
        self._extend(groups, min(TOKEN_SECONDS, keep_seconds + NARROW_TOKEN_SECONDS))
        # Flask-Caching's backend in the process rounds the present down to whole seconds.
        self._backend.set(key, stored, timeout=keep_seconds + 1)

    def _extend(self, groups: Sequence[str], seconds: int) -> None:
        if groups:
            self._backend.extend_ttl(_token_key(groups[-1]), seconds)

    def invalidate(self, groups: Iterable[str]) -> None:
        """Replace the groups' tokens, so that none of their entries is served any more.

        The token of VERSION is written last, because the backend writes one after the other:
        1. A writes one group's token. 2. B reads an old entry of another group. 3. A writes
        VERSION. Had B read the new VERSION before 2, its near cache would keep that entry.
        """
        tokens = {_token_key(group): new_token() for group in (*groups, VERSION)}
        self._backend.set_many(tokens, timeout=TOKEN_SECONDS)

    def current_version(self) -> bytes:
        """Return a token that changes when anything is invalidated, or lost."""
        key = _token_key(VERSION)
        (token,) = self._backend.get_many(key)
        if token is None:
            _, token = self._backend.lookup(key, {key: TOKEN_SECONDS})
        return token or new_token()

    def clear(self) -> None:
        self._backend.clear()


def read_entry(key: str, stored: bytes | None, stamp: bytes) -> Entry | None:
    """Return the entry stored under `key` if it carries this stamp."""
    try:
        entry = Entry.from_bytes(stored) if stored else None
    except (ValueError, OverflowError):
        log.warning("an entry of %s cannot be read", key.partition(":")[0])
        return None
    return entry if entry and entry.stamp == stamp else None


def token_seconds(groups: Sequence[str]) -> dict[str, int]:
    """Return the keys of the tokens of an entry of these groups (the narrowest last), each with the
    TTL of a new token.
    """
    keys = [_token_key(group) for group in (ALL_ENTRIES, *groups)]
    seconds = dict.fromkeys(keys, TOKEN_SECONDS)
    if groups:
        seconds[keys[-1]] = NEW_TOKEN_SECONDS
    return seconds


def _token_key(group: str) -> str:
    return f"generation:{group}"


def new_token() -> bytes:
    return secrets.token_hex(8).encode()


class _RawSerializer(BaseSerializer):
    """Passes bytes through where cachelib would pickle."""

    def dumps(self, value: bytes, protocol: int = 0) -> bytes:  # noqa: ARG002 - cachelib's signature
        return value

    def loads(self, bvalue: bytes | None) -> bytes | None:
        return bvalue


_LOOKUP = """
local values = redis.call('MGET', unpack(KEYS))
for index = 2, #KEYS do
    if not values[index] then
        values[index] = ARGV[2 * index - 3]
        redis.call('SET', KEYS[index], values[index], 'EX', ARGV[2 * index - 2])
    end
end
return values
"""

# EXPIRE with GT would do the same, from Redis 7 on. As part of a pipeline it is sent with EVAL:
# after EVALSHA, all of the pipeline would have to be repeated where Redis lacks the script.
_EXTEND_TTL = """
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
"""


class _RedisBackend(RedisCache):
    """`redis`: a client, or a pipeline for `extend_ttl` and the setters."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        super().__init__(host=redis, key_prefix=prefix)
        self.serializer = _RawSerializer()  # type: ignore[assignment]  # cachelib allows any
        self._redis = redis
        self._prefix = prefix

    def lookup(self, key: str, token_seconds: dict[str, int]) -> list[Any]:
        keys = [self._prefix + name for name in (key, *token_seconds)]
        new = [value for ttl in token_seconds.values() for value in (new_token(), ttl)]
        values: list[Any] = self._redis.eval(_LOOKUP, len(keys), *keys, *new)
        return values

    def extend_ttl(self, key: str, seconds: int) -> None:
        self._redis.eval(_EXTEND_TTL, 1, self._prefix + key, str(seconds))


class ProcessBackend(SimpleCache):
    """Flask-Caching's backend in the process, for bytes."""

    serializer = _RawSerializer()  # type: ignore[assignment]

    def lookup(self, key: str, token_seconds: dict[str, int]) -> list[Any]:
        for name, ttl_seconds in token_seconds.items():
            if not self.has(name):
                self.add(name, new_token(), timeout=ttl_seconds)
        return self.get_many(key, *token_seconds)

    def extend_ttl(self, key: str, seconds: int) -> None:
        if self.has(key):
            expires, value = self._cache[key]
            self._cache[key] = max(expires, self._normalize_timeout(seconds)), value


def redis_store(redis: Redis, prefix: str) -> Store:
    """Return a store in Redis. With a pipeline, its commands are sent when that is executed: only
    for `put` and `invalidate`.
    """
    return Store(_RedisBackend(redis, prefix))


def process_store() -> Store:
    return Store(ProcessBackend(threshold=MAX_ENTRIES_IN_PROCESS))

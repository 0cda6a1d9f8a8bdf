"""Single flight across all processes that share a Redis, with a leader and followers.

One script looks an entry up and, if there is none to serve, elects the leader of its fetch, so that
a miss costs no round trip for the election. The lease is two keys with one TTL: `flight:` and the
entry's key has the leader and the stamp that it fetches under; `leader:` and its id exists as long
as it lives. Those who are not elected follow: they wait for the leader's outcome
(outcome_poller.py). So errors, and responses that are not cacheable, reach them too.

1. A is elected under stamp S. 2. B finds A and follows it. 3. A write replaces the stamp. 4. C is
elected, because what A fetches may be from before the write. B, which began before it too, still
gets the outcome of A.

If one of the two keys is evicted, the entry may be fetched twice.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from cache.outcome_poller import OutcomePoller
from cache.store import Entry, Store, new_token, redis_store, token_seconds
from common.lease import renewed
from common.resilient_redis import RedisUnavailableError, ResilientRedis

LEASE_MILLISECONDS = 4800
"""A dead leader delays its followers by at most 5 s, their longest pause between polls included."""

RENEW_SECONDS = 1.5
"""Three renewals before the lease would expire."""

OUTCOME_MILLISECONDS = 10_000
"""How long the followers may fetch an outcome."""

PAUSE_MILLISECONDS = 1000
"""After a refresh that failed, until any process tries again."""

_DONE, _FAILED = b"+", b"-"

# KEYS: the entry, flight, leader, pause, and the tokens of the entry's groups, the narrowest last.
# Returns the stamp (store.py joins the tokens in the same way), the leader, and instead of a leader
# the entry, if it carries these tokens and was requested after ARGV[3]. Neither during a pause.
_LOOK_UP = """
local candidate, lease, requested_after, is_refresh, dead_leader = unpack(ARGV, 1, 5)
local tokens = redis.call('MGET', unpack(KEYS, 5))
for index, token in ipairs(tokens) do
    if not token then
        tokens[index] = ARGV[2 * index + 4]
        redis.call('SET', KEYS[index + 4], tokens[index], 'EX', ARGV[2 * index + 5])
    end
end
local stamp = table.concat(tokens, '.')
local stored = redis.call('GET', KEYS[1])
local requested_at, stored_under = string.match(stored or '', '^(%d+) (%S+)\\n')
if stored_under == stamp and #requested_at < 16 -- else Entry.from_bytes may reject it
    and tonumber(requested_at) > tonumber(requested_after)
then
    return {stamp, '', stored}
end
if is_refresh == '1' and redis.call('EXISTS', KEYS[4]) == 1 then return {stamp, ''} end
local leader, fetches_under = string.match(redis.call('GET', KEYS[2]) or '', '^(%S+) (%S+)$')
if fetches_under == stamp and leader ~= dead_leader then return {stamp, leader} end
redis.call('SET', KEYS[2], candidate .. ' ' .. stamp, 'PX', lease)
redis.call('SET', KEYS[3], '', 'PX', lease)
local narrowest, ttl = KEYS[#KEYS], ARGV[#ARGV]
if #KEYS > 5 and redis.call('TTL', narrowest) < tonumber(ttl) then
    redis.call('EXPIRE', narrowest, ttl)
end
return {stamp, candidate}
"""

_RENEW = """
redis.call('PEXPIRE', KEYS[2], ARGV[2])
if string.match(redis.call('GET', KEYS[1]) or '', '^%S+') == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
"""

_END = """
redis.call('DEL', KEYS[2])
if string.match(redis.call('GET', KEYS[1]) or '', '^%S+') == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
if ARGV[4] == '1' then redis.call('SET', KEYS[4], '1', 'PX', ARGV[5]) end
"""


class LeaderDiedError(Exception):
    """The leader stopped without an outcome."""


class ErrorCodec(Protocol):
    """Serializes the error of a leader's fetch for its followers."""

    def dumps(self, error: Exception) -> bytes: ...
    def loads(self, data: bytes) -> Exception: ...


class Lookup(NamedTuple):
    """What a lookup found: an entry to serve, or else the leader of its fetch, and whether that is
    this caller. A refresh finds neither if it is not to be tried yet.

    `stamp`: that of the entry's groups at present.
    """

    entry: Entry | None
    stamp: bytes
    leader: bytes = b""
    is_elected: bool = False


class SharedSingleFlight:
    def __init__(self, redis: ResilientRedis, prefix: str, errors: ErrorCodec) -> None:
        self._redis = redis
        self._prefix = prefix
        self._errors = errors
        self._poller = OutcomePoller(redis)
        self._look_up_script = redis.client.register_script(_LOOK_UP)
        self._renew_script = redis.client.register_script(_RENEW)

    def look_up(
        self,
        key: str,
        groups: Sequence[str],
        requested_after: float,
        dead_leader: bytes = b"",
        *,
        is_refresh: bool = False,
    ) -> Lookup:
        """Return the entry under `key` if it was requested after that time (seconds since the
        epoch) and not invalidated since; else elect a leader, unless one other than `dead_leader`
        fetches it under the present stamp.

        Who is elected must call `lead`. Raises RedisUnavailableError.
        """
        candidate = new_token()
        keys = [self._prefix + key, *self._flight_keys(key, candidate), self._key("pause", key)]
        args: list[Any] = [candidate, LEASE_MILLISECONDS, 1000 * requested_after]
        args += [int(is_refresh), dead_leader]
        for name, ttl_seconds in token_seconds(groups).items():
            keys.append(self._prefix + name)
            args += [new_token(), ttl_seconds]
        stamp, leader, *stored = self._redis.call(lambda: self._look_up_script(keys, args))
        entry = Entry.from_bytes(stored[0]) if stored else None
        return Lookup(entry, stamp, leader, leader == candidate)

    def lead(
        self,
        key: str,
        leader: bytes,
        fetch: Callable[[], bytes],
        put: Callable[[Store, bytes], None],
        *,
        is_refresh: bool = False,
    ) -> tuple[bytes, bool]:
        """Fetch, `put` the entry in the store, and publish the outcome to all followers.

        Return the entry, and whether Redis has stored it: an outage after the fetch does not raise.
        Raises what `fetch` raises. A refresh that fails is not tried again for PAUSE_MILLISECONDS.
        """
        keys = self._flight_keys(key, leader)
        args: list[bytes | int] = [leader, LEASE_MILLISECONDS]
        try:
            with renewed(
                lambda: self._redis.call(lambda: self._renew_script(keys, args)), RENEW_SECONDS
            ):
                entry = fetch()
        except Exception as error:
            self._end(key, leader, _FAILED + self._errors.dumps(error), pause=is_refresh)
            raise
        return entry, self._end(key, leader, _DONE + entry, lambda store: put(store, entry))

    def follow(self, leader: bytes, seconds: float) -> bytes:
        """Return the entry that the leader fetched.

        Raises what its fetch raised, LeaderDiedError, SingleFlightTimeoutError after `seconds`, and
        RedisUnavailableError.
        """
        outcome = self._poller.wait_for(
            self._key("outcome", leader.decode()), self._key("leader", leader.decode()), seconds
        )
        if not outcome:
            raise LeaderDiedError
        if outcome.startswith(_FAILED):
            raise self._errors.loads(outcome[1:])
        return outcome[1:]

    def _end(
        self,
        key: str,
        leader: bytes,
        outcome: bytes,
        put: Callable[[Store], None] = lambda _: None,
        *,
        pause: bool = False,
    ) -> bool:
        """Store and publish the outcome and end the lease, in one round trip, and return whether
        Redis did that. If it did not, the followers get that error too.
        """
        keys = self._flight_keys(key, leader)
        keys += [self._key("outcome", leader.decode()), self._key("pause", key)]
        args: list[bytes | int] = [leader, outcome]
        args += [OUTCOME_MILLISECONDS, int(pause), PAUSE_MILLISECONDS]

        def end() -> None:
            with self._redis.client.pipeline(transaction=False) as pipe:
                put(redis_store(pipe, self._prefix))
                pipe.eval(_END, len(keys), *keys, *args)
                pipe.execute()

        try:
            self._redis.call(end)
        except RedisUnavailableError:
            return False
        return True

    def _flight_keys(self, key: str, leader: bytes) -> list[str]:
        return [self._key("flight", key), self._key("leader", leader.decode())]

    def _key(self, kind: str, name: str) -> str:
        return f"{self._prefix}{kind}:{name}"

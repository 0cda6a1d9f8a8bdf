"""Probe a Redis: which server process responds, and whether the user may run every command."""

import re
import socket
import struct
import sys
import time
from typing import Any

from redis import ReadOnlyError, Redis, RedisError
from redis.exceptions import AuthenticationError, NoPermissionError

from common.redis_primary import NoClusterError, NoPrimaryError, UnknownServiceError
from common.redis_url import HASH_TAG

KEY = f"videsk-proxy:{HASH_TAG}:watch"
SCRATCH_MILLISECONDS = 5000
_LIST, _HASH, _SORTED = f"{KEY}:list", f"{KEY}:hash", f"{KEY}:sorted"

_COMMANDS = f"""
SET {KEY} 1 PX {SCRATCH_MILLISECONDS}; SETNX {KEY} 1; SETEX {KEY} 5 1; GET {KEY}; MGET {KEY}
INCRBY {KEY} 1; EXISTS {KEY}; TTL {KEY}; PTTL {KEY}; EXPIRE {KEY} 5
PEXPIRE {KEY} {SCRATCH_MILLISECONDS}; DEL {KEY}; TIME
RPUSH {_LIST} 1 2; PEXPIRE {_LIST} {SCRATCH_MILLISECONDS}; LINDEX {_LIST} 0; LSET {_LIST} 0 1
LLEN {_LIST}; LRANGE {_LIST} 0 -1; LPOP {_LIST}; LREM {_LIST} 1 1
HSET {_HASH} field 1; PEXPIRE {_HASH} {SCRATCH_MILLISECONDS}; HGET {_HASH} field
HMGET {_HASH} field; HINCRBY {_HASH} field 1; HDEL {_HASH} field
ZADD {_SORTED} 1 member; PEXPIRE {_SORTED} {SCRATCH_MILLISECONDS}; ZSCORE {_SORTED} member
ZRANK {_SORTED} member; ZRANGE {_SORTED} 0 -1; ZRANGEBYSCORE {_SORTED} 0 1
ZREMRANGEBYSCORE {_SORTED} 0 1; ZREM {_SORTED} member
"""
REQUIRED_COMMANDS = [tuple(text.split()) for text in re.split(r"[;\n]", _COMMANDS.strip())]
"""Every command that the proxy and its Lua scripts use, on the probe's own keys."""


class RedisClusterError(RedisError):
    """The server is a node of a Redis Cluster, which keeps only some of the keys."""


class RedisSentinelError(RedisError):
    """The server is a Sentinel."""


class RedisReplicaError(RedisError):
    """The server is a replica."""


def handshake(connection: Any, *, is_cluster: bool = False) -> str:
    """Authenticate as redis-py does and return the server's `run_id`. Raises RedisError."""
    connection.on_connect()
    connection.send_command("INFO")
    # Valkey calls it server_mode: https://valkey.io/commands/info/
    fields = rb"^(?:redis_|server_)?(mode|role|run_id):(\w+)"
    info = dict(re.findall(fields, connection.read_response(), re.MULTILINE))
    if info.get(b"mode") == b"sentinel":
        raise RedisSentinelError
    if info.get(b"mode") == b"cluster" and not is_cluster:
        raise RedisClusterError
    if info.get(b"role") == b"slave":
        raise RedisReplicaError
    return str(info.get(b"run_id", b"unknown"), "ascii")


def has_replica(redis: Redis) -> bool:
    """Return whether a replica is connected that has all data. Raises RedisError."""
    replication: dict[str, Any] = redis.info("replication")
    replicas = [value for value in replication.values() if isinstance(value, dict)]
    return "online" in [replica.get("state") for replica in replicas]


def clock_ahead_seconds(redis: Redis) -> tuple[float, float]:
    """Return how far the clock of Redis is ahead of this machine's, and how uncertain that is: half
    a round trip. Raises RedisError.
    """
    started = time.time()
    seconds, microseconds = redis.time()
    now = time.time()
    return seconds + microseconds / 1_000_000 - (started + now) / 2, (now - started) / 2


def response_seconds(connection: Any) -> float | None:
    """Return how long Redis took for the last response, if the kernel recorded it.

    The kernel's time stamps of the last packets sent and received do not include the time that a
    busy process took to read the response. See tcp_info in
    https://github.com/torvalds/linux/blob/master/include/uapi/linux/tcp.h.
    """
    sock: socket.socket = connection._sock
    if sys.platform != "linux" or sock.family == socket.AF_UNIX:
        return None
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 56)
    sent_ago, received_ago = struct.unpack_from("=I4xI", info, 44)  # in milliseconds
    return float(sent_ago - received_ago) / 1000


def run_required_commands(redis: Redis) -> None:
    """Raise NoPermissionError if the user may not run one of REQUIRED_COMMANDS, or scripts."""
    with redis.pipeline(transaction=False) as pipe:
        for command in REQUIRED_COMMANDS:
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's
        pipe.execute()
    redis.register_script("return redis.call('DEL', KEYS[1])")([KEY], [])
    redis.eval("return 1", 0)


def explain(error: BaseException) -> str | None:
    """Return what an operator has to change, if that is known. It contains no secret."""
    if isinstance(error, NoPermissionError):
        found = re.search(r"permissions? to (run the '[\w|]+' command|access .* keys?)", str(error))
        return f"the user of REDIS_URL has no permission to {found[1] if found else 'use it'}"
    if isinstance(error, AuthenticationError):
        return "REDIS_URL has a wrong user name or password"
    if isinstance(error, ReadOnlyError):
        return _EXPLANATIONS[RedisReplicaError]
    return _EXPLANATIONS.get(type(error))


_EXPLANATIONS: dict[type[BaseException], str] = {
    RedisClusterError: "REDIS_URL leads to a node of a Redis Cluster: use redis+cluster://",
    RedisSentinelError: "REDIS_URL leads to a Sentinel: use redis+sentinel://",
    RedisReplicaError: "REDIS_URL leads to a replica, not to the primary",
    NoClusterError: "REDIS_URL leads to a server outside a Redis Cluster: use redis://",
    NoPrimaryError: "the Sentinels of REDIS_URL do not agree on a primary",
    UnknownServiceError: "the Sentinels of REDIS_URL have no primary of that name",
}

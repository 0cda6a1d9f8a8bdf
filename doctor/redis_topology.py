"""Redis: the Sentinels or the cluster, the role of the server, and what it does when it is full."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from redis import Redis, RedisError
from redis.connection import parse_url

from common.redis_client import make_client
from common.redis_primary import Primary
from common.redis_probe import has_replica
from common.redis_url import SENTINEL, RedisUrl
from common.resilient_redis import CALL_SECONDS
from doctor.findings import Finding, fail, ok, warn


def find_primary(url: RedisUrl, primary: Primary, *, verify_tls: bool) -> Iterator[Finding]:
    """Find the primary, and yield who names it. Raises RedisError or OSError."""
    primary.find()
    host, port = primary.address or ("", 0)
    if url.kind != SENTINEL:
        yield ok("Redis Cluster", f"node {host}:{port} holds all keys")
        return
    known = [_known_sentinels(seed, url.service, verify_tls=verify_tls) for seed in url.seeds]
    listed, failed, total = len(known), known.count(0), max(known)
    text = f"{listed - failed} of {listed} Sentinels in REDIS_URL respond; primary {host}:{port}"
    if failed:
        yield warn("Redis Sentinel", text, "start the others: a majority has to respond")
    elif listed < total:
        step = "list all of them: a majority of those listed has to name the primary"
        yield warn("Redis Sentinel", f"{listed} of {total} Sentinels are in REDIS_URL", step)
    else:
        yield ok("Redis Sentinel", text)


def _known_sentinels(seed: str, service: str, *, verify_tls: bool) -> int:
    """Return how many Sentinels this one has found, itself included; 0 if it does not respond."""
    sentinel = make_client(seed, 1, CALL_SECONDS, verify_tls=verify_tls)
    try:
        state: Any = sentinel.sentinel_master(service)
        return int(state["num-other-sentinels"]) + 1
    except (RedisError, OSError):
        return 0
    finally:
        sentinel.close()


def check_role(redis: Redis) -> Finding:
    if not has_replica(redis):
        return ok("Redis role", "primary without a replica")
    try:
        redis.wait(0, 1)
    except RedisError:
        text = "primary with a replica, but the user has no permission to run WAIT"
        return warn("Redis role", text, "allow it: a failover may lose a booking's record")
    return ok("Redis role", "primary with a replica, which gets each booking's record first")


def check_eviction(redis: Redis) -> Finding:
    subject = "Redis eviction"
    policy = str(redis.info("memory").get("maxmemory_policy", ""))
    step = "set maxmemory-policy noeviction, with memory to spare"
    if not policy:
        return warn(subject, "Redis does not report its policy", step)
    if policy == "noeviction":
        return ok(subject, f"{policy}: no record of a booking is evicted")
    text = f"{policy} may evict the record of a booking, which a retry then makes twice"
    report = fail if policy.startswith("allkeys") else warn
    return report(subject, text, step)


def is_plain(url: RedisUrl) -> bool:
    """Return whether the server responds without TLS."""
    options: Any = parse_url((*url.seeds, url.server)[0])  # type: ignore[no-untyped-call]
    address = options["host"], options.get("port", 6379)
    with suppress(OSError), socket.create_connection(address, CALL_SECONDS) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(1) in {b"+", b"-"}  # PONG, or an error such as NOAUTH
    return False

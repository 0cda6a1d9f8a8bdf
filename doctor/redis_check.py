"""Redis: reachable, fast, encrypted, and with enough connections for all workers."""

import ssl
import time
from collections.abc import Iterator, Set
from functools import partial
from urllib.parse import urlsplit

from redis import AuthenticationError, BusyLoadingError, Redis, RedisError, ResponseError
from redis import TimeoutError as RedisTimeoutError

from common import redis_url
from common.error_chain import error_chain
from common.redis_client import make_client, make_primary
from common.redis_probe import (
    KEY,
    clock_ahead_seconds,
    explain,
    handshake,
    run_required_commands,
)
from common.redis_url import RedisUrl
from common.resilient_redis import CALL_SECONDS, CONNECTIONS, SLOW_SECONDS
from doctor.findings import Finding, fail, ok, warn
from doctor.redis_topology import check_eviction, check_role, find_primary, is_plain
from doctor.settings_report import address
from settings import Settings

_MEASUREMENTS = 5
SKEW_SECONDS = 1
_LOCAL = {"localhost", "127.0.0.1", "::1", None}
"""The hosts of this machine; None is that of a unix:// URL."""


def check(settings: Settings, named: Set[str]) -> Iterator[Finding]:
    """Yield the findings on REDIS_URL, or on its absence."""
    if not settings.redis_url:
        yield _none(settings)
        return
    url, verify = redis_url.parse(settings.redis_url), settings.redis_tls_verify
    yield _tls(url, verify=verify, chosen="REDIS_TLS_VERIFY" in named)
    primary = make_primary(url, CALL_SECONDS, verify_tls=verify)
    redis = make_client(
        url.server,
        1,
        CALL_SECONDS,
        verify_tls=verify,
        primary=primary,
        redis_connect_func=partial(handshake, is_cluster=url.is_cluster),
    )
    try:
        if primary:
            yield from find_primary(url, primary, verify_tls=verify)
        yield _reach(redis, address(settings.redis_url))
        yield check_role(redis)
        yield check_eviction(redis)
        yield _connections(redis, settings.workers)
        yield clock(redis)
    except (RedisError, OSError) as error:
        yield fail("Redis", *_why(error, url))
    finally:
        redis.close()


def _none(settings: Settings) -> Finding:
    if settings.web_concurrency > 1:
        text = f"none: one worker serves, not WEB_CONCURRENCY={settings.web_concurrency}"
        return warn("Redis", text, "set REDIS_URL, or WEB_CONCURRENCY=1")
    return ok("Redis", "none: one worker with its own cache, suitable for a single instance")


def _tls(url: RedisUrl, *, verify: bool, chosen: bool) -> Finding:
    subject = "Redis TLS"
    if url.is_encrypted:
        if verify:
            return ok(subject, "encrypted, the certificate is verified")
        if not chosen:
            return ok(subject, "encrypted; the certificate is not verified (self-signed on Heroku)")
        text = "encrypted, but the certificate is not verified (REDIS_TLS_VERIFY=false)"
        return warn(subject, text, "keep this only for a self-signed certificate")
    if {urlsplit(server).hostname for server in url.seeds or (url.server,)} <= _LOCAL:
        return ok(subject, "none, and none needed on the same machine")
    text = "none: bookings and the password are sent unencrypted"
    return warn(subject, text, "use rediss://, unless the network is private")


def _reach(redis: Redis, where: str) -> Finding:
    """Run every command that the proxy uses, and time a script. Raises RedisError."""
    run_required_commands(redis)
    seconds = []
    for _ in range(_MEASUREMENTS):
        redis.set(KEY, 1, px=5000)
        started = time.monotonic()
        redis.eval("return redis.call('get', KEYS[1])", 1, KEY)
        seconds.append(time.monotonic() - started)
    text = f"{where} responds in {min(seconds) * 1000:.1f} ms"
    if min(seconds) > SLOW_SECONDS:
        limit = f"the proxy does not use a Redis slower than {SLOW_SECONDS * 1000:.0f} ms"
        return fail("Redis", text, f"{limit}: choose one nearby")
    return ok("Redis", text)


def _connections(redis: Redis, workers: int) -> Finding:
    """Compare the connections needed with those allowed. Raises RedisError."""
    subject = "Redis connections"
    each = CONNECTIONS + 1
    needed = workers * each
    need = f"{workers} workers x {each} = {needed} per instance"
    try:
        most = int(str(redis.config_get("maxclients")["maxclients"]))
    except (ResponseError, KeyError, ValueError):
        text = f"CONFIG GET is not allowed, as often with managed Redis; {need}"
        return warn(subject, text, f"check that your plan allows {needed} per instance")
    if needed > most:
        text = f"{need}, but Redis allows {most}"
        return fail(
            subject, text, f"lower WEB_CONCURRENCY to {most // each}, or choose a larger plan"
        )
    return ok(subject, f"{need}; Redis allows {most}: enough for {most // needed} of them")


def clock(redis: Redis) -> Finding:
    """Compare this machine's clock with Redis's. Raises RedisError."""
    subject = "clock of Redis"
    ahead_seconds, uncertain_seconds = clock_ahead_seconds(redis)
    if abs(ahead_seconds) <= SKEW_SECONDS + uncertain_seconds:
        return ok(subject, f"within {SKEW_SECONDS + uncertain_seconds:.0f} s of this machine's")
    direction = "behind" if ahead_seconds > 0 else "ahead of"
    text = f"this machine's is {abs(ahead_seconds):.0f} s {direction} it"
    return warn(subject, text, "set both by NTP: instances must agree on the age of entries")


def _why(error: BaseException, url: RedisUrl) -> tuple[str, str]:
    """Return what is wrong and the next step, without Redis' text, which may contain the URL."""
    if url.is_encrypted and is_plain(url):
        return "the server does not use TLS at this port", "use redis://, or the port with TLS"
    chain = error_chain(error)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        step = "fix the certificate, or set REDIS_TLS_VERIFY=false for a self-signed one"
        return "its certificate cannot be verified", step
    if any(isinstance(cause, ssl.SSLError) for cause in chain):
        return "the TLS handshake failed", "use redis:// if Redis does not support TLS"
    if isinstance(error, AuthenticationError):
        return "the password is wrong or missing", "correct it in REDIS_URL"
    if isinstance(error, BusyLoadingError):
        return "it is still loading its data", "try again later"
    reason = explain(error)
    if reason:
        return reason, "change that, then run the doctor again"
    if isinstance(error, RedisTimeoutError):
        return f"no response within {CALL_SECONDS:g} s", "check REDIS_URL, or choose a Redis nearby"
    if isinstance(error, ResponseError):
        text = "it rejects a command: it is full or read-only, or the user lacks permission"
        return text, "let the user of REDIS_URL write and run scripts"
    return "no connection", "check REDIS_URL, and that Redis is running"

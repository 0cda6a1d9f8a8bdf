"""Redis as the workers would meet it: reachable, fast, over TLS, with a connection for each."""

import ssl
import time
from collections.abc import Iterator, Set
from urllib.parse import urlsplit

from redis import AuthenticationError, BusyLoadingError, Redis, RedisError, ResponseError
from redis import TimeoutError as RedisTimeoutError

from common.redis_probe import explain, handshake, run_required_commands
from common.resilient_redis import CALL_SECONDS, CONNECTIONS, SLOW_SECONDS, make_client
from doctor.findings import Finding, fail, ok, warn
from doctor.settings_report import address
from settings import Settings

_LOOKS = 5
_LOCAL = ("localhost", "127.0.0.1", "::1")


def check(settings: Settings, named: Set[str]) -> Iterator[Finding]:
    """The findings on REDIS_URL, or on what it means that there is none."""
    url = settings.redis_url
    if not url:
        yield _none(settings)
        return
    yield _tls(url, verify=settings.redis_tls_verify, chosen="REDIS_TLS_VERIFY" in named)
    yield _account(settings)
    redis = make_client(
        url, 1, CALL_SECONDS, verify_tls=settings.redis_tls_verify, redis_connect_func=handshake
    )
    try:
        yield _reach(redis, address(url))
        yield _connections(redis, settings.workers)
    except (RedisError, OSError) as error:
        yield fail("Redis", *_why(error))
    finally:
        redis.close()


def _none(settings: Settings) -> Finding:
    if settings.web_concurrency > 1:
        told = f"none: of WEB_CONCURRENCY={settings.web_concurrency} workers one will serve"
        return warn("Redis", told, "set REDIS_URL, or WEB_CONCURRENCY=1")
    return ok("Redis", "none: one worker, which remembers by itself; only for a single instance")


def _account(settings: Settings) -> Finding:
    subject = "rotating the key"
    if settings.videsk_account:
        return ok(subject, "what Redis holds belongs to VIDESK_ACCOUNT, whatever the key")
    told = "what Redis holds belongs to the key: a new key forgets which bookings were made"
    return warn(subject, told, "set VIDESK_ACCOUNT to a name for the account before the rotation")


def _tls(url: str, *, verify: bool, chosen: bool) -> Finding:
    subject = "Redis TLS"
    parts = urlsplit(url)
    if parts.scheme == "rediss":
        if verify:
            return ok(subject, "encrypted, the certificate is verified")
        if not chosen:
            return ok(subject, "encrypted; the certificate is not verified, as Heroku's is its own")
        told = "encrypted, but anybody's certificate will do (REDIS_TLS_VERIFY=false)"
        return warn(subject, told, "leave it so only where Redis has a self-signed one")
    if parts.scheme == "unix" or parts.hostname in _LOCAL:
        return ok(subject, "none, and none needed on this very machine")
    told = "none: bookings and the password travel readable"
    return warn(subject, told, "use rediss://, unless the network between is yours alone")


def _reach(redis: Redis, where: str) -> Finding:
    """Run every command of the proxy's, and measure a write and a script. Raises RedisError."""
    run_required_commands(redis)
    seconds = []
    for _ in range(_LOOKS):
        redis.set("videsk-proxy:doctor", 1, px=5000)
        started = time.monotonic()
        redis.eval("return redis.call('get', KEYS[1])", 1, "videsk-proxy:doctor")
        seconds.append(time.monotonic() - started)
    told = f"{where} writes and runs scripts in {min(seconds) * 1000:.1f} ms"
    if min(seconds) > SLOW_SECONDS:
        why = f"the proxy does without one slower than {SLOW_SECONDS * 1000:.0f} ms"
        return fail("Redis", told, f"{why}: take one nearby")
    return ok("Redis", told)


def _connections(redis: Redis, workers: int) -> Finding:
    """Raises RedisError, but for a Redis that keeps its configuration to itself."""
    subject = "Redis connections"
    each = CONNECTIONS + 1
    needed = workers * each
    need = f"{workers} workers x {each} = {needed} for this instance"
    try:
        most = int(str(redis.config_get("maxclients")["maxclients"]))
    except (ResponseError, KeyError, ValueError):
        told = f"CONFIG GET is refused, as managed Redis often does; {need}"
        return warn(subject, told, f"see that your plan allows {needed} for each instance")
    if needed > most:
        told = f"{need}, and Redis takes {most}"
        return fail(subject, told, f"lower WEB_CONCURRENCY to {most // each}, or take a larger one")
    return ok(subject, f"{need}; Redis takes {most}: room for {most // needed} of them")


def _why(error: BaseException) -> tuple[str, str]:
    """What is wrong and what to do, without a word of Redis' own: the URL may be in it."""
    chain = [error]
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        step = "put that right, or set REDIS_TLS_VERIFY=false for a self-signed one"
        return "its certificate is not to be trusted", step
    if any(isinstance(cause, ssl.SSLError) for cause in chain):
        return "no TLS with it", "use redis:// where Redis speaks no TLS"
    if isinstance(error, AuthenticationError):
        return "it refuses the password or wants one", "put the right one into REDIS_URL"
    if isinstance(error, BusyLoadingError):
        return "it is still loading its data", "try again in a moment"
    reason = explain(error)
    if reason:
        return reason, "change that, then run this again"
    if isinstance(error, RedisTimeoutError):
        return f"no answer within {CALL_SECONDS:g} s", "check REDIS_URL, or take one nearby"
    if isinstance(error, ResponseError):
        told = "it refuses a command of the proxy's: it is full, read-only, or the user may not"
        return told, "let the user of REDIS_URL write and run scripts"
    return "no connection to it", "check REDIS_URL, and that Redis runs"

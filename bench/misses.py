"""The latency that a miss adds: the same read directly from the sandbox and through the proxy."""

from collections.abc import Sequence
from statistics import median
from time import monotonic, perf_counter

import requests

from bench import read_paths
from bench.report import Row, milliseconds, percentile
from tests.client import bearer
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server, sandbox_server

ROUNDS = 70
"""The number of days and of months, each for five services and users: 350 pairs of each."""

SECONDS = 20
TARGET = "≤ 3 ms"


def measure() -> list[Row]:
    """Measure two workers with Redis. Every read has a different key, so that none is cached."""
    with redis_server() as redis, sandbox_server() as sandbox:
        redis_url = redis.redis_url
        with proxy_server(sandbox, REDIS_URL=redis_url, **read_paths.TTLS) as proxy:
            return [
                *_compare("a day's hours", read_paths.days(ROUNDS), sandbox, proxy),
                *_compare("a month's days", read_paths.months(ROUNDS), sandbox, proxy),
            ]


def _compare(what: str, paths: Sequence[str], sandbox: Sandbox, proxy: ServerProcess) -> list[Row]:
    """Compare pairs of reads in alternating order. Both sessions keep their connection."""
    direct_seconds: list[float] = []
    proxy_seconds: list[float] = []
    end = monotonic() + SECONDS
    with _session() as direct, _session() as through:
        direct.headers.update(bearer(sandbox.keys["backend"]))
        for number, path in enumerate(paths):
            straight = direct, f"{sandbox.url}/public/video-contact-center/{path}", direct_seconds
            by_proxy = through, f"{proxy.url}/api/{path}", proxy_seconds
            for pair in (straight, by_proxy) if number % 2 else (by_proxy, straight):
                _read(*pair)
            if monotonic() > end:
                break
    # The first reads open connections and warm the servers up.
    return _rows(what, direct_seconds[10:], proxy_seconds[10:])


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _read(session: requests.Session, url: str, elapsed: list[float]) -> None:
    requested_at = perf_counter()
    response = session.get(url, timeout=10)
    elapsed.append(perf_counter() - requested_at)
    response.raise_for_status()
    if "fwd=miss" not in response.headers.get("Cache-Status", "fwd=miss"):
        raise ValueError(f"not a miss: {response.headers['Cache-Status']}")


def _rows(read: str, direct_seconds: list[float], proxy_seconds: list[float]) -> list[Row]:
    added_p90 = percentile(proxy_seconds, 90) - percentile(direct_seconds, 90)
    label = f"A miss adds to Videsk's own time, {read}"
    with_proxy, without = median(proxy_seconds), median(direct_seconds)
    added = with_proxy - without
    return [
        Row(
            f"{label}, median of {len(proxy_seconds)} pairs",
            f"{milliseconds(added)} ({milliseconds(with_proxy)} with the proxy, "
            f"{milliseconds(without)} without)",
            TARGET,
        ),
        Row(f"{label}, p90", milliseconds(added_p90)),
    ]

"""What a miss adds to Videsk's own time: one read, straight to the sandbox and by the proxy."""

from collections.abc import Sequence
from statistics import median
from time import monotonic, perf_counter

import requests

from bench import read_paths
from bench.figures import Row, milliseconds, percentile
from tests.client import bearer
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server, sandbox_server

ROUNDS = 70
"""Days and months ahead, each for five services and users: 350 pairs of each."""

SECONDS = 20
TARGET = "≤ 3 ms"


def measure() -> list[Row]:
    """Two workers on Redis; every read has a key of its own, so nothing of it is in the cache."""
    with redis_server() as redis, sandbox_server() as sandbox:
        redis_url = redis.redis_url
        with proxy_server(sandbox, REDIS_URL=redis_url, **read_paths.TTLS) as proxy:
            return [
                *_compare("a day's hours", read_paths.days(ROUNDS), sandbox, proxy),
                *_compare("a month's days", read_paths.months(ROUNDS), sandbox, proxy),
            ]


def _compare(what: str, paths: Sequence[str], sandbox: Sandbox, proxy: ServerProcess) -> list[Row]:
    """Pairs of reads, in turns the one and the other first; both sessions keep their connection."""
    direct_took: list[float] = []
    proxy_took: list[float] = []
    end = monotonic() + SECONDS
    with _session() as direct, _session() as through:
        direct.headers.update(bearer(sandbox.keys["backend"]))
        for number, path in enumerate(paths):
            straight = direct, f"{sandbox.url}/public/video-contact-center/{path}", direct_took
            by_proxy = through, f"{proxy.url}/api/{path}", proxy_took
            for pair in (straight, by_proxy) if number % 2 else (by_proxy, straight):
                _read(*pair)
            if monotonic() > end:
                break
    # The first reads open connections and fill what the servers keep.
    return _rows(what, direct_took[10:], proxy_took[10:])


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _read(session: requests.Session, url: str, elapsed: list[float]) -> None:
    asked_at = perf_counter()
    response = session.get(url, timeout=10)
    elapsed.append(perf_counter() - asked_at)
    response.raise_for_status()
    if "fwd=miss" not in response.headers.get("Cache-Status", "fwd=miss"):
        raise ValueError(f"no miss: {response.headers['Cache-Status']}")


def _rows(what: str, direct_took: list[float], proxy_took: list[float]) -> list[Row]:
    added = median(proxy_took) - median(direct_took)
    added_p90 = percentile(proxy_took, 90) - percentile(direct_took, 90)
    label = f"A miss adds to Videsk's own time, {what}"
    beside = (
        f"{milliseconds(median(proxy_took))} with the proxy, {milliseconds(median(direct_took))}"
    )
    return [
        Row(
            f"{label}, median of {len(proxy_took)} pairs",
            f"{milliseconds(added)} ({beside} without)",
            TARGET,
        ),
        Row(f"{label}, p90", milliseconds(added_p90)),
    ]

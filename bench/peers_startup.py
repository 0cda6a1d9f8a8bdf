"""Time from the start to the first response to `/api/services`, a miss, or a 404 for baselines."""

from statistics import median
from time import perf_counter

from bench import servers
from bench.report import Row
from bench.servers import PROXY, SERVERS
from tests.processes import redis_server, sandbox_server

STARTS = 5


def measure() -> list[Row]:
    """Start each server in turn, separately, with empty caches."""
    names = [name for name in SERVERS if not servers.missing(name)]
    elapsed: dict[str, list[float]] = {name: [] for name in names}
    with redis_server() as redis, sandbox_server() as sandbox:
        for number in range(STARTS):
            for name in names[number:] + names[:number]:
                started = perf_counter()
                with servers.start_server(name, sandbox, redis.redis_url) as candidate:
                    elapsed[name].append(perf_counter() - started)
                    candidate.flush_redis()
    own = median(elapsed[PROXY])
    return [
        *(
            Row(
                f"From start to the first response, median of {STARTS}: {PROXY} to {name}",
                f"{own / median(seconds):.2f}; {own:.2f} s to {median(seconds):.2f} s",
            )
            for name, seconds in elapsed.items()
            if name != PROXY
        ),
        *servers.not_measured([*SERVERS]),
    ]

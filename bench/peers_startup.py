"""From start to the first answer to `/api/services`, which is a miss; for a floor a 404 will do."""

from statistics import median
from time import perf_counter

from bench import servers
from bench.figures import Row
from bench.servers import KINDS, PROXY
from tests.processes import redis_server, sandbox_server

STARTS = 5


def measure() -> list[Row]:
    """In turns, each alone, with nothing in any cache."""
    names = [name for name in KINDS if not servers.missing(name)]
    elapsed: dict[str, list[float]] = {name: [] for name in names}
    with redis_server() as redis, sandbox_server() as sandbox:
        for number in range(STARTS):
            for name in names[number:] + names[:number]:
                begun = perf_counter()
                with servers.started(name, sandbox, redis.redis_url) as contestant:
                    elapsed[name].append(perf_counter() - begun)
                    contestant.forget()
    ours = median(elapsed[PROXY])
    return [
        *(
            Row(
                f"From start to the first answer, median of {STARTS}: {PROXY} to {name}",
                f"{ours / median(seconds):.2f}; {ours:.2f} s to {median(seconds):.2f} s",
            )
            for name, seconds in elapsed.items()
            if name != PROXY
        ),
        *servers.not_measured([*KINDS]),
    ]

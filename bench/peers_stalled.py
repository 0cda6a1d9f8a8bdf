"""Hits on peers while other clients wait for a hanging Videsk, as in stalled_videsk.py.

Rounds with a healthy and a hanging Videsk alternate, and so do the servers.
"""

from itertools import islice

from bench import crowd, load, read_paths, servers, stalled_videsk
from bench.load import Load
from bench.report import Row, milliseconds
from bench.servers import PEERS, PROXY, Candidate
from bench.stalled_videsk import CLIENTS, MAX_RESPONSES, MEASURED_SECONDS
from tests.client import JOHN, MARK
from tests.processes import Sandbox, redis_server, sandbox_server

ROUNDS = 3


def measure() -> list[Row]:
    healthy: dict[str, list[Load]] = {}
    stalled: dict[str, list[Load]] = {}
    with (
        redis_server() as redis,
        sandbox_server() as sandbox,
        servers.start_all(PEERS, sandbox, redis.port, **read_paths.TTLS) as candidates,
    ):
        for number in range(ROUNDS):
            for each in servers.rotate(candidates, number):
                healthy_load, stalled_load = _take_turn(sandbox, each)
                healthy.setdefault(each.name, []).append(healthy_load)
                stalled.setdefault(each.name, []).append(stalled_load)
    rows = []
    for name in (name for name in PEERS if name in healthy):
        healthy_load, stalled_load = (
            load.median_load(healthy[name]),
            load.median_load(stalled[name]),
        )
        more = "at least " if stalled_load.p99 >= load.RESPONSE_SECONDS else ""
        rows.append(
            Row(
                f"p99 of hits while {CLIENTS} clients wait for a hanging Videsk: {name}",
                f"{more}{stalled_load.p99 / healthy_load.p99:.2f} times the healthy one; "
                f"{milliseconds(stalled_load.p99)} to {milliseconds(healthy_load.p99)}",
                stalled_videsk.TARGET if name == PROXY else "",
            )
        )
    return [*rows, *servers.not_measured(PEERS)]


def _take_turn(sandbox: Sandbox, each: Candidate) -> tuple[Load, Load]:
    """Measure hits with a healthy Videsk, and while many clients wait for cold keys."""
    each.flush_redis()
    path = next(stalled_videsk.paths(JOHN))
    load.run(each.port, [path], 200, 1)
    healthy_load = _hits(each, path)
    sandbox.clear_request_log()
    sandbox.fault("hang", path=MARK, seconds=stalled_videsk.HANGING_SECONDS)
    with crowd.run_crowd(each.port, [*islice(stalled_videsk.paths(MARK), CLIENTS)]):
        stalled_videsk.wait_for_arrival(sandbox, CLIENTS)
        stalled_load = _hits(each, path)
    sandbox.control("DELETE", "faults")
    return healthy_load, stalled_load


def _hits(each: Candidate, path: str) -> Load:
    return load.run(each.port, [path], MAX_RESPONSES, MEASURED_SECONDS)

"""The hits of stalled_videsk.py beside peers, while other clients wait for a Videsk that hangs.

Healthy and hanging rounds take turns, and so do the contestants.
"""

from itertools import islice

from bench import crowd, load, read_paths, servers, stalled_videsk
from bench.figures import Row, milliseconds
from bench.load import Load
from bench.servers import PEERS, PROXY, Contestant
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
        servers.all_started(PEERS, sandbox, redis.port, **read_paths.TTLS) as all_,
    ):
        for number in range(ROUNDS):
            for each in servers.in_turn(all_, number):
                well, ill = _take_turn(sandbox, each)
                healthy.setdefault(each.name, []).append(well)
                stalled.setdefault(each.name, []).append(ill)
    rows = []
    for name in (name for name in PEERS if name in healthy):
        well, ill = load.middle(healthy[name]), load.middle(stalled[name])
        more = "at least " if ill.p99 >= load.ANSWER_SECONDS else ""
        rows.append(
            Row(
                f"p99 of hits while {CLIENTS} clients wait for a hanging Videsk: {name}",
                f"{more}{ill.p99 / well.p99:.2f} times the healthy one; "
                f"{milliseconds(ill.p99)} to {milliseconds(well.p99)}",
                stalled_videsk.TARGET if name == PROXY else "",
            )
        )
    return [*rows, *servers.not_measured(PEERS)]


def _take_turn(sandbox: Sandbox, each: Contestant) -> tuple[Load, Load]:
    """Hits with a healthy Videsk, and with one that hangs for a crowd that reads cold keys."""
    each.forget()
    path = next(stalled_videsk.paths(JOHN))
    load.run(each.port, [path], 200, 1)
    well = _hits(each, path)
    sandbox.clear_request_log()
    sandbox.fault("hang", path=MARK, seconds=stalled_videsk.HANGING_SECONDS)
    with crowd.under_way(each.port, [*islice(stalled_videsk.paths(MARK), CLIENTS)]):
        stalled_videsk.wait_for_arrival(sandbox, CLIENTS)
        ill = _hits(each, path)
    sandbox.control("DELETE", "faults")
    return well, ill


def _hits(each: Contestant, path: str) -> Load:
    return load.run(each.port, [path], MAX_RESPONSES, MEASURED_SECONDS)

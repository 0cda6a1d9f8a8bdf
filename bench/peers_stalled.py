"""The hits of hanging.py, while others wait for a Videsk that hangs: the proxy and its peers.

Healthy and hanging rounds take turns, and so do the contestants.
"""

from itertools import islice

from bench import asked, contestants, crowd, hanging, load
from bench.contestants import PEERS, PROXY, Contestant
from bench.figures import Row, milliseconds
from bench.load import Load
from tests.client import JOHN, MARK
from tests.processes import Sandbox, redis_server, sandbox_server

ROUNDS = 3


def measure() -> list[Row]:
    healthy: dict[str, list[Load]] = {}
    stalled: dict[str, list[Load]] = {}
    with (
        redis_server() as redis,
        sandbox_server() as sandbox,
        contestants.all_started(PEERS, sandbox, redis.port, **asked.TTLS) as all_,
    ):
        for number in range(ROUNDS):
            for each in contestants.in_turn(all_, number):
                well, ill = _take_turn(sandbox, each)
                healthy.setdefault(each.name, []).append(well)
                stalled.setdefault(each.name, []).append(ill)
    rows = []
    for name in (name for name in PEERS if name in healthy):
        well, ill = load.middle(healthy[name]), load.middle(stalled[name])
        more = "at least " if ill.p99 >= load.ANSWER_SECONDS else ""
        rows.append(
            Row(
                f"p99 of hits while {hanging.CLIENTS} clients wait for a hanging Videsk: {name}",
                f"{more}{ill.p99 / well.p99:.2f} times the healthy one; "
                f"{milliseconds(ill.p99)} to {milliseconds(well.p99)}",
                hanging.TARGET if name == PROXY else "",
            )
        )
    return [*rows, *contestants.not_measured(PEERS)]


def _take_turn(sandbox: Sandbox, each: Contestant) -> tuple[Load, Load]:
    """Hits with a healthy Videsk, and with one that hangs for a crowd that asks for cold keys."""
    each.forget()
    path = next(hanging.paths(JOHN))
    load.run(each.port, [path], 200, 1)
    well = _hits(each, path)
    sandbox.forget()
    sandbox.fault("hang", path=MARK, seconds=hanging.HANGING_SECONDS)
    with crowd.under_way(each.port, [*islice(hanging.paths(MARK), hanging.CLIENTS)]):
        hanging.wait_for_arrival(sandbox, hanging.CLIENTS)
        ill = _hits(each, path)
    sandbox.control("DELETE", "faults")
    return well, ill


def _hits(each: Contestant, path: str) -> Load:
    return load.run(each.port, [path], hanging.MOST_ANSWERS, hanging.MEASURED_SECONDS)

"""The load of crowds.py for each peer: a cold cache, and a Videsk that enforces its limit.

Each is measured separately. Only the proxy has a setting for the limit. Videsk returns 429 above
it.
"""

from collections.abc import Sequence
from time import sleep

from bench import crowd, read_paths, servers
from bench.crowd import ClientResult
from bench.crowds import CLIENTS, KEYS, LIMIT
from bench.report import Row, busiest_second
from bench.servers import PEERS, PROXY, Candidate
from tests.processes import Sandbox, redis_server, sandbox_server

WARM = 50
"""Clients for warming up, because the first requests of a worker are slower."""


def measure() -> list[Row]:
    one, many = [], []
    paths = [f"/api/{path}" for path in read_paths.days(KEYS // 5 + 1)]
    with redis_server() as redis, sandbox_server() as sandbox:
        sandbox.control("POST", "rate", {"limit": LIMIT})
        settings = {**read_paths.TTLS, "VIDESK_RATE_LIMIT": str(LIMIT)}
        for name in PEERS:
            if not servers.missing(name):
                with servers.start_server(name, sandbox, redis.redis_url, **settings) as candidate:
                    crowd.send_all(candidate.port, ["/api/services"] * WARM)
                    one.append(_crowd(candidate, sandbox, paths[KEYS:][:1]))
                    many.append(_crowd(candidate, sandbox, paths[:KEYS]))
                    candidate.flush_redis()
    return [*one, *many, *servers.not_measured(PEERS)]


def _crowd(candidate: Candidate, sandbox: Sandbox, paths: Sequence[str]) -> Row:
    sleep(1.1)  # earlier requests do not count against the limit
    sandbox.clear_request_log()
    responses = crowd.send_all(
        candidate.port, [paths[each % len(paths)] for each in range(CLIENTS)]
    )
    request_log = sandbox.request_log()
    worst = busiest_second([float(str(entry["at"])) for entry in request_log])
    keys = f"{len(paths)} cold keys" if len(paths) > 1 else "one cold key"
    refused = sum(entry["status"] == 429 for entry in request_log)
    last = max(response.seconds for response in responses)
    return Row(
        f"{CLIENTS} concurrent clients on {keys}: {candidate.name}",
        f"to Videsk {len(request_log)} ({refused} rejected with 429), worst second {worst}; "
        f"clients with an error {_errors(responses)}; last response after {last:.2f} s",
        f"{len(paths)}, {min(len(paths), LIMIT)}, 0" if candidate.name == PROXY else "",
    )


def _errors(responses: Sequence[ClientResult]) -> int:
    return sum(response.status != 200 for response in responses)

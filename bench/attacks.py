"""How long an innocent client waits while others attack the proxy, with no router in front of it.

The innocent client has an address of its own: the attacker's has a share of the connections.
"""

from time import sleep

from bench.figures import Row, milliseconds, percentile
from tests.e2e import attacks
from tests.e2e.background_clients import background_clients
from tests.processes import proxy_server, redis_server, sandbox_server

SECONDS = 10
WARM_UP_SECONDS = attacks.HELD / attacks.HELD_A_SECOND
"""The attack's process has started by then and its connections are open."""

TARGET = "≤ 500 ms"
ATTACKS = {
    f"{attacks.SENDERS} connections send endless bodies of one-byte chunks": attacks.tiny_chunks,
    f"{attacks.UNFINISHED} connections send heads that do not end": attacks.unfinished_heads,
    f"{attacks.IDLE} connections are idle, and {attacks.IDLE_A_SECOND} more a second": (
        attacks.idle_connections
    ),
    f"{attacks.HELD} connections send their bodies at a byte a second": attacks.slow_bodies,
    f"{attacks.HELD} connections do not read their responses": attacks.unread_responses,
}


def measure() -> list[Row]:
    """Two workers on Redis. A row for each attack, and one without."""
    with redis_server() as redis, sandbox_server() as sandbox:
        url = redis.redis_url
        with proxy_server(sandbox, REDIS_URL=url) as proxy:
            with background_clients(proxy, "127.0.0.2") as calls:
                sleep(SECONDS / 2)
            rows = [_row("no attack", calls.seconds, calls.failures)]
            for what, attack in ATTACKS.items():
                with attacks.under(attack, proxy.port, SECONDS + WARM_UP_SECONDS):
                    sleep(WARM_UP_SECONDS)
                    with background_clients(proxy, "127.0.0.2") as calls:
                        sleep(SECONDS - 1)
                rows.append(_row(what, calls.seconds, calls.failures, TARGET))
    return rows


def _row(what: str, seconds: list[float], failures: list[str], target: str = "") -> Row:
    figure = f"{milliseconds(percentile(seconds, 99))}, {len(failures)} of {len(seconds)} failed"
    return Row(f"An innocent client's p99: {what}", figure, target)

"""Response times of well-behaved clients while others attack the proxy without a router.

The measured clients have another address than the attacker, whose share of connections is limited.
"""

from time import sleep

from bench.report import Row, milliseconds, percentile
from tests.e2e import attacks
from tests.e2e.background_clients import background_clients
from tests.processes import proxy_server, redis_server, sandbox_server

SECONDS = 10
WARM_UP_SECONDS = attacks.OPEN_CONNECTIONS / attacks.OPENED_PER_SECOND
"""By then, the attack's process has started and its connections are open."""

TARGET = "≤ 500 ms"
ATTACKS = {
    f"{attacks.SENDERS} connections send endless bodies of one-byte chunks": attacks.tiny_chunks,
    f"{attacks.UNFINISHED_HEADS} connections send heads that do not end": attacks.unfinished_heads,
    f"{attacks.IDLE_CONNECTIONS} idle connections, and {attacks.IDLE_PER_SECOND} more a second": (
        attacks.idle_connections
    ),
    f"{attacks.OPEN_CONNECTIONS} connections send bodies at a byte a second": attacks.slow_bodies,
    f"{attacks.OPEN_CONNECTIONS} connections do not read their responses": attacks.unread_responses,
}


def measure() -> list[Row]:
    """Measure two workers with Redis. Return a row without an attack, and one for each attack."""
    with redis_server() as redis, sandbox_server() as sandbox:
        url = redis.redis_url
        with proxy_server(sandbox, REDIS_URL=url) as proxy:
            with background_clients(proxy, "127.0.0.2") as calls:
                sleep(SECONDS / 2)
            rows = [_row("no attack", calls.seconds, calls.failures)]
            for name, attack in ATTACKS.items():
                with attacks.run_attack(attack, proxy.port, SECONDS + WARM_UP_SECONDS):
                    sleep(WARM_UP_SECONDS)
                    with background_clients(proxy, "127.0.0.2") as calls:
                        sleep(SECONDS - 1)
                rows.append(_row(name, calls.seconds, calls.failures, TARGET))
    return rows


def _row(name: str, seconds: list[float], failures: list[str], target: str = "") -> Row:
    figure = f"{milliseconds(percentile(seconds, 99))}, {len(failures)} of {len(seconds)} failed"
    return Row(f"p99 of well-behaved clients: {name}", figure, target)

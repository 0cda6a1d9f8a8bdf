"""Crowds of clients before a cold cache, and a Videsk that means its limit of 20 a second."""

from collections import Counter
from collections.abc import Sequence

from bench import crowd, read_paths
from bench.crowd import Answer
from bench.figures import Row, milliseconds, percentile, worst_second
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server, sandbox_server

CLIENTS = 500
KEYS = 60
LIMIT = 20


def measure() -> list[Row]:
    """Two workers on Redis; both the proxy and the sandbox keep to LIMIT."""
    with redis_server() as redis, sandbox_server() as sandbox:
        sandbox.control("POST", "rate", {"limit": LIMIT})
        settings = {
            "REDIS_URL": redis.redis_url,
            "VIDESK_RATE_LIMIT": str(LIMIT),
        }
        with proxy_server(sandbox, **settings, **read_paths.TTLS) as proxy:
            # Every worker's first request costs more than any later one.
            crowd.ask(proxy.port, ["/healthz"] * 50)
            paths = [f"/api/{path}" for path in read_paths.days(KEYS // 5 + 1)]
            return [*_one_key(sandbox, proxy, paths.pop()), *_many_keys(sandbox, proxy, paths)]


def _one_key(sandbox: Sandbox, proxy: ServerProcess, path: str) -> list[Row]:
    """The same crowd twice: the key is cold, and then it is in the cache."""
    cold = crowd.ask(proxy.port, [path] * CLIENTS)
    requests = len(sandbox.request_log())
    warm = crowd.ask(proxy.port, [path] * CLIENTS)
    what = f"{CLIENTS} concurrent clients, one cold key"
    return [
        Row(f"{what}: requests to Videsk", str(requests), "1"),
        Row(f"{what}: clients with an error", _errors(cold), "0"),
        Row(f"{what}: time to answer", _times(cold)),
        Row(f"The same {CLIENTS} clients, the key in the cache", _times(warm)),
    ]


def _many_keys(sandbox: Sandbox, proxy: ServerProcess, paths: Sequence[str]) -> list[Row]:
    paths = paths[:KEYS]
    sandbox.clear_request_log()
    responses = crowd.ask(proxy.port, [paths[client % KEYS] for client in range(CLIENTS)])
    request_log = sandbox.request_log()
    worst = worst_second([float(str(entry["at"])) for entry in request_log])
    refused = sum(entry["status"] == 429 for entry in request_log)
    what = f"{CLIENTS} concurrent clients, {KEYS} cold keys, {LIMIT} requests/s"
    last = max(response.seconds for response in responses)
    least = KEYS / LIMIT
    return [
        Row(f"{what}: clients with an error", _errors(responses), "0"),
        Row(
            f"{what}: requests to Videsk", f"{len(request_log)}, {refused} answered 429", str(KEYS)
        ),
        Row(f"{what}: worst second at Videsk", str(worst), f"≤ {LIMIT}"),
        Row(
            f"{what}: the last answer after",
            f"{last:.2f} s, {last / least:.2f} times the least, {KEYS}/{LIMIT} = {least:.0f} s",
        ),
    ]


def _errors(responses: Sequence[Answer]) -> str:
    """How many were no 200, and which."""
    kinds = Counter(
        response.status or response.cache_status for response in responses if response.status != 200
    )
    return f"{kinds.total()} {dict(kinds) or ''}".strip()


def _times(responses: Sequence[Answer]) -> str:
    elapsed = [response.seconds for response in responses]
    p50, p99 = percentile(elapsed, 50), percentile(elapsed, 99)
    return f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}, max {milliseconds(max(elapsed))}"

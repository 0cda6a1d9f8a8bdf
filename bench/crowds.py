"""Many concurrent clients with a cold cache, and a Videsk that enforces 20 requests/s."""

from collections import Counter
from collections.abc import Sequence

from bench import crowd, read_paths
from bench.crowd import ClientResult
from bench.report import Row, busiest_second, milliseconds, percentile
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server, sandbox_server

CLIENTS = 500
KEYS = 60
LIMIT = 20


def measure() -> list[Row]:
    """Measure two workers with Redis. The proxy and the sandbox both have the rate limit LIMIT."""
    with redis_server() as redis, sandbox_server() as sandbox:
        sandbox.control("POST", "rate", {"limit": LIMIT})
        settings = {
            "REDIS_URL": redis.redis_url,
            "VIDESK_RATE_LIMIT": str(LIMIT),
        }
        with proxy_server(sandbox, **settings, **read_paths.TTLS) as proxy:
            # The first request of each worker is slower than later ones.
            crowd.send_all(proxy.port, ["/healthz"] * 50)
            paths = [f"/api/{path}" for path in read_paths.days(KEYS // 5 + 1)]
            return [*_one_key(sandbox, proxy, paths.pop()), *_many_keys(sandbox, proxy, paths)]


def _one_key(sandbox: Sandbox, proxy: ServerProcess, path: str) -> list[Row]:
    """Run the same clients twice: with a cold key, and with the key in the cache."""
    cold = crowd.send_all(proxy.port, [path] * CLIENTS)
    requests = len(sandbox.request_log())
    warm = crowd.send_all(proxy.port, [path] * CLIENTS)
    label = f"{CLIENTS} concurrent clients, one cold key"
    return [
        Row(f"{label}: requests to Videsk", str(requests), "1"),
        Row(f"{label}: clients with an error", _errors(cold), "0"),
        Row(f"{label}: response time", _times(cold)),
        Row(f"The same {CLIENTS} clients, the key in the cache", _times(warm)),
    ]


def _many_keys(sandbox: Sandbox, proxy: ServerProcess, paths: Sequence[str]) -> list[Row]:
    paths = paths[:KEYS]
    sandbox.clear_request_log()
    responses = crowd.send_all(proxy.port, [paths[client % KEYS] for client in range(CLIENTS)])
    request_log = sandbox.request_log()
    worst = busiest_second([float(str(entry["at"])) for entry in request_log])
    refused = sum(entry["status"] == 429 for entry in request_log)
    label = f"{CLIENTS} concurrent clients, {KEYS} cold keys, {LIMIT} requests/s"
    last = max(response.seconds for response in responses)
    least = KEYS / LIMIT
    return [
        Row(f"{label}: clients with an error", _errors(responses), "0"),
        Row(
            f"{label}: requests to Videsk",
            f"{len(request_log)}, {refused} rejected with 429",
            str(KEYS),
        ),
        Row(f"{label}: worst second at Videsk", str(worst), f"≤ {LIMIT}"),
        Row(
            f"{label}: last response after",
            f"{last:.2f} s, {last / least:.2f} times the minimum, {KEYS}/{LIMIT} = {least:.0f} s",
        ),
    ]


def _errors(responses: Sequence[ClientResult]) -> str:
    """Return the number of responses other than 200, and their statuses."""
    kinds = Counter(
        response.status or response.cache_status for response in responses if response.status != 200
    )
    return f"{kinds.total()} {dict(kinds) or ''}".strip()


def _times(responses: Sequence[ClientResult]) -> str:
    elapsed = [response.seconds for response in responses]
    p50, p99 = percentile(elapsed, 50), percentile(elapsed, 99)
    return f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}, max {milliseconds(max(elapsed))}"

"""How often a miss waits for Redis."""

import time

from tests.client import FIRST_SERVICE, JOHN, MARK, Client
from tests.days import YEAR
from tests.e2e.fleet import cache_status
from tests.forwarder import Forwarder
from tests.processes import Sandbox, ServerProcess, local_redis_url, proxy_server

SETTLED_SECONDS = 0.3
"""What does not delay the response, as counts, is sent by then."""


def test_a_miss_takes_three_round_trips(
    sandbox: Sandbox, redis: object, redis_process: ServerProcess
) -> None:
    """It looks the entry up, acquires a slot of the rate limit, and stores the entry."""
    forwarder = Forwarder(redis_process.port)
    settings = {"REDIS_URL": local_redis_url(forwarder.port), "WEB_CONCURRENCY": "1"}
    with proxy_server(sandbox, **settings) as server:
        client = Client(server.url)
        client.dates("users", MARK, f"{YEAR}-05")  # loads the scripts into Redis
        for kind, ident in [("users", JOHN), ("services", FIRST_SERVICE)]:
            for month in ("05", "06"):
                time.sleep(SETTLED_SECONDS)
                forwarder.requests.clear()
                response = client.dates(kind, ident, f"{YEAR}-{month}")
                assert cache_status(response) == "fwd=miss; stored"
                time.sleep(SETTLED_SECONDS)
                key = f"dates:{kind}:{ident}:{YEAR}-{month}:".encode()
                names = [request.count(key) for request in forwarder.requests]
                assert len([count for count in names if count]) == 3, (kind, month)
    forwarder.close()

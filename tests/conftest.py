"""Fixtures that run real processes: Redis, the sandbox, and the proxy with and without Redis."""

import os
import time
from collections.abc import Callable, Generator, Iterator

import pytest
from redis import Redis

from cache.near_cache import LEASE_SECONDS
from tests import processes
from tests.client import Client, bearer
from tests.gunicorn_forks import ForkedGunicorn
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server, sandbox_server

os.environ.setdefault("VIDESK_API_KEY", "the-key-of-the-tests")
os.environ.setdefault("VIDESK_BASE_URL", "https://you-forgot-to-set-an-upstream.invalid")

processes.start_gunicorn = ForkedGunicorn

OUTPUT_LINES = 15


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Append the last output of the running processes to the report of a failed test."""
    report = yield
    if report.when == "call" and report.failed:
        for server in processes.RUNNING_SERVERS:
            lines = [
                line for line in server.output().splitlines() if '"message": "request"' not in line
            ]
            report.sections.append((f"port {server.port}", "\n".join(lines[-OUTPUT_LINES:])))
    return report


@pytest.fixture(scope="session")
def redis_process() -> Iterator[ServerProcess]:
    with redis_server() as server:
        yield server


@pytest.fixture
def redis(redis_process: ServerProcess) -> Redis:
    """Return a client of the Redis server, which is flushed before each test.

    The near caches of running proxies are empty too: their leases have expired.
    """
    client = Redis(port=redis_process.port)
    client.flushall()
    time.sleep(LEASE_SECONDS)
    return client


@pytest.fixture
def redis_url(redis: Redis, redis_process: ServerProcess) -> str:
    """Return the REDIS_URL of that server, which is empty at first."""
    return redis_process.redis_url


@pytest.fixture(scope="session")
def session_sandbox() -> Iterator[Sandbox]:
    with sandbox_server() as server:
        yield server


@pytest.fixture(scope="module")
def sandbox_process(session_sandbox: Sandbox) -> Sandbox:
    """Return the sandbox for the servers of a file, without the faults of the file before."""
    session_sandbox.reset()
    return session_sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """Return the sandbox in its initial state, without a rate limit."""
    sandbox_process.reset()
    return sandbox_process


SETTINGS = {
    "CORS_ORIGINS": "https://shop.example,http://[::1]:3000",
    "VIDESK_TIMEOUT": "1.5",
}


@pytest.fixture(scope="session")
def proxy_with_redis(
    session_sandbox: Sandbox, redis_process: ServerProcess
) -> Iterator[ServerProcess]:
    with proxy_server(session_sandbox, REDIS_URL=redis_process.redis_url, **SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def proxy_in_process(session_sandbox: Sandbox) -> Iterator[ServerProcess]:
    """Run the proxy without Redis or a cache, because tests could not empty the cache from outside."""
    ttls = dict.fromkeys(("SERVICES_TTL", "DATES_TTL", "HOURS_TTL"), "0")
    with proxy_server(session_sandbox, **ttls, **SETTINGS) as server:
        yield server


@pytest.fixture(params=["proxy_with_redis", "proxy_in_process"])
def proxy_process(request: pytest.FixtureRequest, redis: Redis, sandbox: Sandbox) -> ServerProcess:
    """Return the proxy with an empty cache: once with Redis, once without."""
    server: ServerProcess = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def proxy(proxy_process: ServerProcess, sandbox: Sandbox) -> Client:
    """Return a client of that proxy, after a success that resets its circuit breaker."""
    client = Client(proxy_process.url)
    while client.get("/api/appointment", headers=bearer("a.b.c")).status_code != 401:
        time.sleep(0.1)
    sandbox.clear_request_log()
    return client


@pytest.fixture
def proxy_output(proxy_process: ServerProcess) -> Callable[[], str]:
    """Return a function that reads everything the proxy has printed and logged."""
    return proxy_process.output


@pytest.fixture
def cached_proxy(redis: Redis, sandbox: Sandbox, proxy_with_redis: ServerProcess) -> Client:
    """Return a client of the proxy that caches in Redis. The cache is empty at first."""
    return Client(proxy_with_redis.url)

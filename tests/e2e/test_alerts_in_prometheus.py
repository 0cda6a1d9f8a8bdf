"""Each failure activates its alert, and no other, in a real Prometheus.

Each failure has its own instance of the proxy and job. ALERTS contains an alert as soon as
its expression is true, as pending or firing.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import pytest
import requests
from redis import Redis

from tests.client import JOHN, Client, bearer
from tests.days import YEAR
from tests.e2e.captcha_provider import CaptchaProvider, captcha_provider
from tests.e2e.fleet import concurrently, started_workers, wait_until
from tests.e2e.local_prometheus import prometheus_server
from tests.e2e.metrics import TOKEN
from tests.e2e.test_alerts import RULES, alerts
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server
from tests.shifted_clock import compile_clock_shift
from tests.timing import TIMING

pytestmark = [
    pytest.mark.skipif(not shutil.which("prometheus"), reason="Prometheus is not installed"),
    TIMING,
]

SCRAPE_SECONDS = 0.5
SLOT = f"{YEAR}-05-06T14:00:00.000Z"
SETTINGS = {"METRICS_TOKEN": TOKEN, "WEB_CONCURRENCY": "1", "HOURS_TTL": "600", "DATES_TTL": "0.2"}


@dataclass
class AlertSetup:
    """An instance of the proxy, with its sandbox, Redis and captcha provider."""

    server: ServerProcess
    sandbox: Sandbox
    redis: ServerProcess
    provider: CaptchaProvider
    days: Iterator[str]
    stack: ExitStack

    def __post_init__(self) -> None:
        self.client = Client(self.server.url, requests.Session())

    def read(self, day: str = "") -> int:
        """Read the hours of the day, or of a day that is not cached."""
        return self.client.hours("users", JOHN, day or next(self.days)).status_code

    def hit(self, times: int) -> None:
        for _ in range(times):
            assert self.read(f"{YEAR}-05-06") == 200

    def dates(self, month: int) -> str:
        return self.client.dates("users", JOHN, f"{YEAR}-{month:02}").headers["Cache-Status"]

    def find_appointment(self) -> int:
        return self.client.get("/api/appointment", headers=bearer("a.b.c")).status_code

    def book(self) -> int:
        return self.client.book("users", JOHN, SLOT).status_code


def days() -> Iterator[str]:
    """Yield days that no test has read."""
    for month in range(6, 13):
        for day in range(1, 29):
            yield f"{YEAR}-{month:02}-{day:02}"


def succeed(setup: AlertSetup) -> None:
    """Get every kind of response that is not a failure, including stale ones."""
    setup.hit(30)
    setup.dates(5)
    for _ in range(15):
        sleep(0.1)
        setup.dates(5)
    assert [setup.book() for _ in range(2)] == [201, 409]
    assert setup.client.get("/api/nothing").status_code == 404
    assert setup.find_appointment() == 401


def fail_on_one_route(setup: AlertSetup) -> None:
    setup.hit(30)
    for _ in range(6):
        setup.sandbox.fault("status", status=503, body={}, times=1)
        assert (setup.find_appointment(), setup.read()) == (503, 200)


def fail_on_two_routes(setup: AlertSetup) -> None:
    """Let 15 % of the responses of both routes fail, and never more."""
    setup.hit(40)
    assert [setup.find_appointment() for _ in range(40)] == [401] * 40
    for call in (setup.read, setup.find_appointment):
        for _ in range(6):
            setup.sandbox.fault("status", status=503, body={}, times=1)
            assert call() == 503
            assert setup.find_appointment() == 401  # so that the circuit stays closed


def be_slow(setup: AlertSetup) -> None:
    setup.hit(30)
    setup.sandbox.fault("delay", seconds=1.1)
    clients = [Client(setup.server.url) for _ in range(12)]
    calls = [partial(client.hours, "users", JOHN, next(setup.days)) for client in clients]
    assert {response.status_code for response in concurrently(calls)} == {200}


def respond_with_500(setup: AlertSetup) -> None:
    setup.sandbox.fault("status", status=500, body={}, times=1)
    assert setup.read() == 500


def reject_the_key(setup: AlertSetup) -> None:
    setup.sandbox.fault("status", status=401, body={}, times=1)
    assert setup.read() == 401


def fail_behind_stale_responses(setup: AlertSetup) -> None:
    """Open the circuit with five consecutive failures, while clients get stale responses."""
    months = range(5, 10)
    for month in months:
        setup.dates(month)
    sleep(0.3)
    setup.sandbox.fault("status", status=503, body={})
    for month in months:
        assert setup.dates(month).endswith("stale")


def fail_behind_many_stale_responses(setup: AlertSetup) -> None:
    """Fail on one endpoint only, so that the circuit stays closed."""
    months = range(5, 8)
    for month in months:
        setup.dates(month)
    sleep(0.3)
    setup.sandbox.fault("status", path="/dates", status=503, body={})
    end = monotonic() + 3
    while monotonic() < end:
        assert setup.read() == 200
        for month in [*months] * 3:
            assert setup.dates(month).endswith("stale")
        sleep(0.4)


def exhaust_the_rate_limit(setup: AlertSetup) -> None:
    setup.hit(90)
    setup.sandbox.fault("status", status=429, body={}, headers={"Retry-After": "60"}, times=1)
    assert [setup.read() for _ in range(7)] == [429, *[503] * 6]


def stop_redis(setup: AlertSetup) -> None:
    os.killpg(setup.redis.process.pid, signal.SIGKILL)


def fill_redis(setup: AlertSetup) -> None:
    redis = Redis(port=setup.redis.port)
    for number in range(40):
        redis.set(f"other-{number}", "x" * 100_000)
    redis.close()


def set_the_clock_of_redis(setup: AlertSetup) -> None:
    """Replace Redis by one whose clock is a minute slow."""
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler, which the shifted clock needs")
    folder = Path(setup.stack.enter_context(TemporaryDirectory()))
    environ = {"LD_PRELOAD": str(compile_clock_shift(folder, -60))}
    stop_redis(setup)
    setup.stack.enter_context(redis_server(setup.redis.port, environ=environ))
    wait_until(lambda: setup.client.get("/readyz").json()["redis"] == "ok")


def break_the_connection_of_a_booking(setup: AlertSetup) -> None:
    setup.sandbox.fault("reset", times=1)
    assert setup.book() == 502


def reject_the_captcha_secret(setup: AlertSetup) -> None:
    setup.provider.reject("invalid-input-secret")
    assert setup.client.book("users", JOHN, SLOT, token="a-token").status_code == 503


def kill_a_worker(setup: AlertSetup) -> None:
    (worker,) = started_workers(setup.server, 1)
    os.kill(worker, signal.SIGKILL)


def stop_the_proxy(setup: AlertSetup) -> None:
    os.killpg(setup.server.process.pid, signal.SIGKILL)


FAILURES: dict[str, tuple[Callable[[AlertSetup], None], set[str]]] = {
    "none": (succeed, set()),
    "down": (stop_the_proxy, {"VideskProxyDown"}),
    "two-routes": (fail_on_two_routes, {"VideskProxyAvailability"}),
    "one-route": (fail_on_one_route, {"VideskProxyErrorShare"}),
    "slow": (be_slow, {"VideskProxyLatency"}),
    "500": (respond_with_500, {"VideskProxyInternalError"}),
    "key": (reject_the_key, {"VideskProxyKeyRejected"}),
    "circuit": (fail_behind_stale_responses, {"VideskProxyCircuitOpen"}),
    "stale": (fail_behind_many_stale_responses, {"VideskProxyStale"}),
    "rate-limit": (exhaust_the_rate_limit, {"VideskProxyBudgetExhausted"}),
    "redis-down": (stop_redis, {"VideskProxyRedisUnavailable"}),
    "redis-full": (fill_redis, {"VideskProxyRedisEvicting"}),
    "clock": (set_the_clock_of_redis, {"VideskProxyClock"}),
    "booking": (break_the_connection_of_a_booking, {"VideskProxyBookingInDoubt"}),
    "captcha": (reject_the_captcha_secret, {"VideskProxyCaptchaFailing"}),
    "worker": (kill_a_worker, {"VideskProxyWorkerCrashed"}),
}


@dataclass
class Monitoring:
    """Prometheus, and the setup of each failure."""

    prometheus: ServerProcess
    setups: Mapping[str, AlertSetup]

    def query(self, text: str) -> list[dict[str, str]]:
        url = f"{self.prometheus.url}/api/v1/query"
        result = requests.get(url, params={"query": text}, timeout=10).json()["data"]["result"]
        return [series["metric"] for series in result]

    def active(self, name: str) -> set[str]:
        """Return the alerts whose expressions are true for the job of this failure."""
        return {labels["alertname"] for labels in self.query(f'ALERTS{{job="{job(name)}"}}')}


def job(name: str) -> str:
    return f"videsk-proxy-{name}"


@pytest.fixture(scope="module")
def monitoring(
    sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitoring]:
    with ExitStack() as stack:
        provider = stack.enter_context(captcha_provider())
        full = ["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"]
        shared = stack.enter_context(redis_server())
        redis = dict.fromkeys(FAILURES, shared)
        for name in ("redis-down", "clock"):
            redis[name] = stack.enter_context(redis_server())
        redis["redis-full"] = stack.enter_context(redis_server(None, *full))
        captcha = {
            "CAPTCHA_PROVIDER": "turnstile",
            "CAPTCHA_SECRET": "secret-of-the-captcha",
            "CAPTCHA_VERIFY_URL": provider.url,
        }
        servers = [
            proxy_server(
                sandbox_process,
                REDIS_URL=redis[name].redis_url,
                VIDESK_ACCOUNT=name,
                **SETTINGS | (captcha if name == "captcha" else {}),
            )
            for name in FAILURES
        ]
        with ThreadPoolExecutor(4) as pool:
            started = list(pool.map(stack.enter_context, servers))
        setups = {
            name: AlertSetup(server, sandbox_process, redis[name], provider, days(), stack)
            for name, server in zip(FAILURES, started, strict=True)
        }
        for setup in setups.values():
            setup.hit(1)
            setup.find_appointment()
        folder = tmp_path_factory.mktemp("prometheus")
        jobs = {job(name): [setup.server.port] for name, setup in setups.items()}
        interval = f"{SCRAPE_SECONDS * 1000:.0f}ms"
        prometheus = stack.enter_context(prometheus_server(folder, RULES, jobs, interval, interval))
        wait_until(lambda: requests.get(f"{prometheus.url}/-/ready", timeout=10).ok, seconds=20)
        monitoring = Monitoring(prometheus, setups)
        wait_until(lambda: len(monitoring.query("up == 1")) == len(setups), seconds=20)
        sleep(2 * SCRAPE_SECONDS)
        yield monitoring


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_activates_its_alert_and_no_other(
    name: str, monitoring: Monitoring, sandbox: Sandbox
) -> None:
    fail, expected = FAILURES[name]
    assert monitoring.active(name) == set()
    fail(monitoring.setups[name])
    if expected:
        wait_until(lambda: expected <= monitoring.active(name))
    sleep(2 * SCRAPE_SECONDS)
    assert monitoring.active(name) == expected


def test_every_alert_has_a_failure() -> None:
    assert set.union(*[expected for _, expected in FAILURES.values()]) == set(alerts())

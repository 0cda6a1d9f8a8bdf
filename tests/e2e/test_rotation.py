"""Every secret is rotated under load as docs/operations.md describes, and no request fails.

The service has the socket of docs/deploy.md, so that a restart refuses no connection.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import AuthenticationError, Redis

from tests.client import OPEN_SERVICE, Client, bearer
from tests.days import YEAR
from tests.e2e.captcha_provider import CaptchaProvider, captcha_provider
from tests.e2e.test_redis_commands import documented_user
from tests.e2e.test_systemd import Service, open_socket
from tests.processes import Sandbox, ServerProcess, clean_environ, redis_server
from tests.timing import TIMING

DAY = f"{YEAR}-05-06"
NOOR = "63bdbf3b25ab497401602d13"
"""Works day and night in OPEN_SERVICE: an hour in every five minutes."""

PAUSE_SECONDS = 0.05
SAFETY_SECONDS = 120
"""A restart takes two seconds, and many more on a busy machine."""

OLD, NEW = "the-old-secret", "the-new-secret"


class PatientClient(Client):
    """Waits for a restart, however busy the machine is."""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=SAFETY_SECONDS, **options)


@dataclass
class Load:
    """Reads, bookings with their retries, scrapes and webhooks, until `ended`."""

    url: str
    metrics_token: str = OLD
    webhook_secret: str = OLD
    ended: threading.Event = field(default_factory=threading.Event)
    booked: dict[str, str] = field(default_factory=dict)
    """Hours by Idempotency-Key, once the booking was acknowledged."""
    problems: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    def tasks(self) -> list[Callable[[Client], None]]:
        return [self.read, self.read, self.book, self.scrape, self.hook]

    def repeat(self, task: Callable[[Client], None]) -> None:
        client = PatientClient(self.url)
        while not self.ended.is_set():
            try:
                task(client)
            except (requests.RequestException, ValueError) as error:
                self.problems.append(f"{task.__name__}: {type(error).__name__}")
            self.done[task.__name__] = self.done.get(task.__name__, 0) + 1
            self.ended.wait(PAUSE_SECONDS)

    def expect(self, response: requests.Response, status: int) -> None:
        if response.status_code != status:
            self.problems.append(f"{response.request.method} {response.url}: {response.text}")

    def read(self, client: Client) -> None:
        acknowledged = set(self.booked.values())
        response = client.hours("users", NOOR, DAY, "UTC")
        self.expect(response, 200)
        stale = acknowledged & set(response.json())
        if stale:
            self.problems.append(f"shown although they are booked: {stale}")

    def book(self, client: Client) -> None:
        """Book an hour, and repeat the booking before it."""
        number = len(self.booked)
        start = f"{DAY}T{10 + number // 12:02}:{number % 12 * 5:02}:00.000Z"
        bookings = [(f"key-{number}", start), *list(self.booked.items())[-1:]]
        for key, hour in bookings:
            headers = {"Idempotency-Key": key}
            more = {"service": OPEN_SERVICE, "token": f"of-{key}"}
            response = client.book("users", NOOR, hour, headers, **more)
            self.expect(response, 201)
            is_repeated = key in self.booked
            if ("Idempotency-Replayed" in response.headers) != is_repeated:
                self.problems.append(f"{key} was{'' if is_repeated else ' not'} sent before")
            if response.status_code == 201:
                self.booked[key] = hour

    def scrape(self, client: Client) -> None:
        self.expect(client.get("/metrics", headers=bearer(self.metrics_token)), 200)

    def hook(self, client: Client) -> None:
        headers = {"X-Webhook-Secret": self.webhook_secret}
        other = {"service": "0123456789abcdef01234567", "user": "0123456789abcdef01234568"}
        self.expect(client.post("/hooks/videsk", other, headers=headers), 204)

    def wait_for_more(self) -> None:
        """Wait until every task has run twice more."""
        before, end = dict(self.done), time.monotonic() + SAFETY_SECONDS
        names = {task.__name__ for task in self.tasks()}
        while any(self.done.get(name, 0) < before.get(name, 0) + 2 for name in names):
            assert time.monotonic() < end, (before, self.done)
            time.sleep(0.02)


@contextmanager
def under_load(url: str) -> Iterator[Load]:
    load = Load(url)
    with ThreadPoolExecutor() as pool:
        for task in load.tasks():
            pool.submit(load.repeat, task)
        try:
            load.wait_for_more()
            yield load
        finally:
            load.ended.set()


@dataclass
class Host:
    """The service with its environment file, and what its secrets open."""

    service: Service
    environ: dict[str, str]
    redis: ServerProcess
    captcha: CaptchaProvider
    port: int

    def apply(self, **settings: str) -> None:
        """Edit the environment file and restart, as the page's *Apply a changed setting*."""
        self.environ |= settings
        self.service.restart()

    def acl(self, rule: str) -> None:
        """Change the passwords of Redis's user."""
        administrator = Redis(port=self.redis.port)
        administrator.execute_command("ACL", "SETUSER", "videsk", rule)  # type: ignore[no-untyped-call]

    def redis_url(self, password: str) -> str:
        return self.redis.redis_url.replace("//", f"//videsk:{password}@")


@pytest.fixture
def host(sandbox: Sandbox, tmp_path: Path) -> Iterator[Host]:
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        captcha = stack.enter_context(captcha_provider())
        captcha.respond_with({"success": True})
        captcha.secrets = {OLD}
        listener = stack.enter_context(open_socket())
        user = [f">{OLD}" if word == ">PASSWORD" else word for word in documented_user(0)]
        Redis(port=redis.port).execute_command(*user)  # type: ignore[no-untyped-call]
        environ = clean_environ() | {
            "VIDESK_API_KEY": sandbox.keys["backend"],
            "VIDESK_BASE_URL": sandbox.url,
            "VIDESK_ACCOUNT": "main",
            "VIDESK_RATE_LIMIT": "1000",
            "REDIS_URL": redis.redis_url.replace("//", f"//videsk:{OLD}@"),
            "CAPTCHA_PROVIDER": "turnstile",
            "CAPTCHA_SECRET": OLD,
            "CAPTCHA_VERIFY_URL": captcha.url,
            "METRICS_TOKEN": OLD,
            "WEBHOOK_SECRET": OLD,
            "WEB_CONCURRENCY": "1",
            "CLIENT_RATE_LIMIT": "1000000/minute",
            "BOOKING_RATE_LIMIT": "1000000/minute",
            "DEFAULT_REFERRER": "tests",
            "HOURS_TTL": "60",
            "TMPDIR": str(tmp_path),
        }
        service = Service(listener, environ, tmp_path / "log")
        stack.callback(service.kill)
        yield Host(service, environ, redis, captcha, listener.getsockname()[1])


def keys_received(sandbox: Sandbox) -> set[str]:
    """The keys of the requests that reached Videsk."""
    headers = [entry["headers"] for entry in sandbox.request_log()]
    return {str(each["authorization"]) for each in headers if isinstance(each, dict)}


@TIMING
def test_every_secret_is_rotated_without_a_failed_request(host: Host, sandbox: Sandbox) -> None:
    with under_load(f"http://127.0.0.1:{host.port}") as load:
        # The new values of key, Redis and captcha are valid beside the old ones.
        host.acl(f">{NEW}")
        host.captcha.secrets = {OLD, NEW}
        host.apply(
            VIDESK_API_KEY=sandbox.keys["rotated"],
            REDIS_URL=host.redis_url(NEW),
            CAPTCHA_SECRET=NEW,
            METRICS_TOKEN=f"{NEW},{OLD}",
            WEBHOOK_SECRET=f"{NEW},{OLD}",
        )
        load.wait_for_more()
        load.metrics_token = load.webhook_secret = NEW
        load.wait_for_more()
        host.acl(f"<{OLD}")
        host.captcha.secrets = {NEW}
        host.captcha.requests_received.clear()
        sandbox.clear_request_log()
        host.apply(METRICS_TOKEN=NEW, WEBHOOK_SECRET=NEW)
        load.wait_for_more()
    assert load.problems == []
    bookings = [booking["startAt"] for booking in sandbox.appointments()]
    assert sorted(map(str, bookings)) == sorted(load.booked.values()), "none lost, none twice"
    assert len(load.booked) >= 8

    client = PatientClient(load.url)
    assert client.get("/metrics", headers=bearer(OLD)).status_code == 401
    old_webhook = {"X-Webhook-Secret": OLD}
    assert client.post("/hooks/videsk", {}, headers=old_webhook).status_code == 401
    with pytest.raises(AuthenticationError):
        Redis.from_url(host.redis_url(OLD)).ping()
    assert keys_received(sandbox) == {f"Bearer {sandbox.keys['rotated']}"}
    assert {form["secret"] for _, form in host.captcha.requests_received} == {NEW}
    readiness = client.get("/readyz").json()
    assert (readiness["status"], readiness["redis"]) == ("ok", "ok")
    assert "Redis is unavailable" not in host.service.log.read_text()

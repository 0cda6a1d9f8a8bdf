"""The sandbox, and proxies with all the settings that the documented responses need.

A proxy starts on first use. None uses Redis.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import requests

from openapi.examples import SERVICE, START, USER, ZONE
from tests.client import FORM, OPEN_SERVICE, Client, bearer, next_open_day
from tests.e2e.captcha_provider import CaptchaProvider, captcha_provider
from tests.processes import Sandbox, free_port, proxy_server, running_server, sandbox_server
from tests.unit.openapi.spec_document import examples_of, resolved

ORIGIN = "https://shop.example"
SLOT_SECONDS = 300
NO_CACHE = dict.fromkeys(("SERVICES_TTL", "DATES_TTL", "HOURS_TTL"), "0")
METRICS_TOKEN, WEBHOOK_SECRET = "the-metrics-token", "the-webhook-secret"


@dataclass
class Call:
    """A request to the proxy named `proxy`."""

    operation: dict[str, Any]
    method: str
    path: str
    placeholders: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    proxy: str = "plain"


class Servers:
    """The sandbox, the captcha provider, and the proxies."""

    def __init__(self, ends: ExitStack) -> None:
        self._ends = ends
        self._proxies: dict[str, Client] = {}
        self.sandbox: Sandbox = ends.enter_context(sandbox_server())
        self.provider: CaptchaProvider = ends.enter_context(captcha_provider())
        self._dead_port = free_port()
        self._unreached = 0
        self._used: set[str] = set()

    def _settings(self, proxy: str) -> Mapping[str, str]:
        """Return the settings of a proxy."""
        by_proxy: dict[str, dict[str, str]] = {
            "plain": NO_CACHE,
            "caching": {},
            "impatient_with_videsk": NO_CACHE | {"VIDESK_TIMEOUT": "0.2"},
            "paused": NO_CACHE,
            "guessed": NO_CACHE,
            "limited": {"CLIENT_RATE_LIMIT": "1/day"},
            "failing": {},
            "short_body_timeout": {},
            "without_secrets": {"METRICS_TOKEN": "", "WEBHOOK_SECRET": ""},
            "public": {"VIDESK_API_KEY": self.sandbox.keys["public"]},
            "unreachable": {"VIDESK_BASE_URL": f"http://127.0.0.1:{self._dead_port}"},
            "captcha": {
                "CAPTCHA_PROVIDER": "turnstile",
                "CAPTCHA_SECRET": "s3cr3t",
                "CAPTCHA_VERIFY_URL": self.provider.url,
            },
        }
        common = {
            "CORS_ORIGINS": ORIGIN,
            "METRICS_TOKEN": METRICS_TOKEN,
            "WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        return common | by_proxy[proxy.partition("-")[0]]

    def proxy(self, name: str) -> Client:
        if name not in self._proxies:
            if name in {"failing", "short_body_timeout"}:
                port = free_port()
                environ = {"VIDESK_API_KEY": "key", "PORT": str(port), **self._settings(name)}
                start = running_server(
                    ["gunicorn", f"tests.e2e.openapi.{name}_app:app"], port, environ
                )
            else:
                start = proxy_server(self.sandbox, **self._settings(name))
            server = self._ends.enter_context(start)
            self._proxies[name] = Client(server.url)
        return self._proxies[name]

    def reset(self) -> None:
        """Empty the schedule, remove faults, and wait until circuit breakers close."""
        self.sandbox.reset()
        for name in {"plain", "impatient_with_videsk"} & self._used:
            proxy = self._proxies[name]
            while proxy.get("/api/appointment", headers=bearer("a.b.c")).status_code != 401:
                time.sleep(0.05)
        self._used.clear()

    def send(self, call: Call) -> requests.Response:
        self._used.add(call.proxy)
        path = call.path.format_map(call.placeholders)
        body = call.body if isinstance(call.body, bytes | None) else json.dumps(call.body)
        options = {"params": call.query, "headers": call.headers, "data": body}
        return self.proxy(call.proxy).call(call.method, path, **options)

    def until(
        self, call: Call, status: int, again: Callable[[], object] = bool
    ) -> requests.Response:
        """Return the first response with this status. Call `again` before each repetition."""
        for _ in range(8):
            response = self.send(call)
            if response.status_code == status:
                return response
            again()
        raise AssertionError(f"{call.operation['operationId']} does not respond with {status}")

    def proxy_without_videsk(self) -> str:
        """Return a proxy that cannot reach Videsk. After five uses its circuit would open, so start another."""
        self._unreached += 1
        return f"unreachable-{self._unreached // 5}"

    def book(
        self, user: str = USER, start_at: str = START, key: str | None = None
    ) -> dict[str, Any]:
        """Book an hour of SERVICE."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        booking = {"startAt": start_at, "timezone": ZONE, "form": FORM, "service": SERVICE}
        path = f"/api/users/{user}/appointments"
        booked = self.proxy("plain").post(path, booking, headers=headers)
        assert booked.status_code == 201, booked.text
        response: dict[str, Any] = booked.json()
        return response

    def book_soon(self) -> dict[str, Any]:
        """Book the next slot, so that the appointment can already be looked up."""
        left = SLOT_SECONDS - time.time() % SLOT_SECONDS
        time.sleep(left + 0.1 if left < 2 else 0)
        proxy = self.proxy("plain")
        hours = proxy.hours("services", OPEN_SERVICE, next_open_day(), "UTC").json()
        booked = proxy.book("services", OPEN_SERVICE, hours[0], timezone="UTC", referrer="tests")
        assert booked.status_code == 201, booked.text
        response: dict[str, Any] = booked.json()
        return response

    def secret_headers(self, scheme: str) -> dict[str, str]:
        """Return the headers that authorize an operation."""
        if scheme == "webhookSecret":
            return {"X-Webhook-Secret": WEBHOOK_SECRET}
        if scheme == "metricsToken":
            return bearer(METRICS_TOKEN)
        return bearer((self.book_soon() if scheme == "accessToken" else self.book())[scheme])

    def valid_call(self, method: str, path: str, operation: dict[str, Any]) -> Call:
        """Return a call with the operation's first examples and a new Idempotency-Key."""
        call = Call(operation, method, path, headers={"Origin": ORIGIN})
        for parameter in map(resolved, operation["parameters"]):
            if parameter["in"] == "path":
                call.placeholders[parameter["name"]] = parameter["example"]
            elif parameter["in"] == "query":
                call.query[parameter["name"]] = next(iter(examples_of(parameter).values()))
            elif parameter["name"] == "Idempotency-Key":
                call.headers["Idempotency-Key"] = uuid4().hex
        for content in operation.get("requestBody", {}).get("content", {}).values():
            call.headers["Content-Type"] = "application/json"
            call.body = json.loads(json.dumps(next(iter(examples_of(content).values()))))
        for scheme in operation["security"]:
            call.headers |= self.secret_headers(next(iter(scheme)))
        return call

    def send_incomplete_body(self, call: Call) -> requests.Response:
        """Send a body that does not arrive completely, and return the response."""
        url = self.proxy(call.proxy).url
        response = requests.Response()
        with closing(HTTPConnection(url.removeprefix("http://"), timeout=20)) as connection:
            connection.putrequest(call.method, call.path.format_map(call.placeholders))
            for name, text in (call.headers | {"Content-Length": "100"}).items():
                connection.putheader(name, text)
            connection.endheaders(b"{")
            received = connection.getresponse()
            response.status_code, response._content = received.status, received.read()
            response.headers.update(received.getheaders())
        return response


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Yield the servers, and stop their processes after the block."""
    with ExitStack() as ends:
        servers = Servers(ends)
        yield servers

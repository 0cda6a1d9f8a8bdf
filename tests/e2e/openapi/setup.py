"""Proxies set up in all the ways that the document's answers need, in front of one sandbox.

A proxy starts when it is first asked for. None has a Redis.
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
from tests.e2e.captcha_provider import Provider, captcha_provider
from tests.processes import Sandbox, free_port, proxy_server, running, sandbox_server
from tests.unit.openapi.reading import examples_of, resolved

ORIGIN = "https://shop.example"
SLOT_SECONDS = 300
NO_MEMORY = dict.fromkeys(("SERVICES_TTL", "DATES_TTL", "HOURS_TTL"), "0")
METRICS_TOKEN, WEBHOOK_SECRET = "the-metrics-token", "the-webhook-secret"


@dataclass
class Call:
    """A request to one of the proxies, by the proxy's name."""

    operation: dict[str, Any]
    method: str
    path: str
    placeholders: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    proxy: str = "plain"


class Stage:
    """The sandbox, the captcha's provider, and the proxies."""

    def __init__(self, ends: ExitStack) -> None:
        self._ends = ends
        self._proxies: dict[str, Client] = {}
        self.sandbox: Sandbox = ends.enter_context(sandbox_server())
        self.provider: Provider = ends.enter_context(captcha_provider())
        self._dead_port = free_port()
        self._unreached = 0
        self._used: set[str] = set()

    def _settings(self, proxy: str) -> Mapping[str, str]:
        """What is special about a proxy."""
        own: dict[str, dict[str, str]] = {
            "plain": NO_MEMORY,
            "remembering": {},
            "hasty": NO_MEMORY | {"VIDESK_TIMEOUT": "0.2"},
            "held": NO_MEMORY,
            "guessed": NO_MEMORY,
            "limited": {"CLIENT_RATE_LIMIT": "1/day"},
            "failing": {},
            "impatient": {},
            "without": {"METRICS_TOKEN": "", "WEBHOOK_SECRET": ""},
            "public": {"VIDESK_API_KEY": self.sandbox.keys["public"]},
            "away": {"VIDESK_BASE_URL": f"http://127.0.0.1:{self._dead_port}"},
            "captcha": {
                "CAPTCHA_PROVIDER": "turnstile",
                "CAPTCHA_SECRET": "s3cr3t",
                "CAPTCHA_VERIFY_URL": self.provider.url,
            },
        }
        ours = {
            "CORS_ORIGINS": ORIGIN,
            "METRICS_TOKEN": METRICS_TOKEN,
            "WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        return ours | own[proxy.partition("-")[0]]

    def proxy(self, name: str) -> Client:
        if name not in self._proxies:
            if name in {"failing", "impatient"}:
                port = free_port()
                environ = {"VIDESK_API_KEY": "key", "PORT": str(port), **self._settings(name)}
                start = running(["gunicorn", f"tests.e2e.openapi.{name}:app"], port, environ)
            else:
                start = proxy_server(self.sandbox, **self._settings(name))
            server = self._ends.enter_context(start)
            self._proxies[name] = Client(server.url)
        return self._proxies[name]

    def reset(self) -> None:
        """An empty schedule, no fault, and no memory of failures where there is any hope."""
        self.sandbox.reset()
        for name in {"plain", "hasty"} & self._used:
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
        """The first answer with this status; `again`: what to do before each try but the first."""
        for _ in range(8):
            answer = self.send(call)
            if answer.status_code == status:
                return answer
            again()
        raise AssertionError(f"{call.operation['operationId']} does not come to a {status}")

    def away_and_not_yet_known_for_it(self) -> str:
        """A proxy that cannot reach Videsk, and still tries: five failures open its circuit."""
        self._unreached += 1
        return f"away-{self._unreached // 5}"

    def book(
        self, user: str = USER, start_at: str = START, key: str | None = None
    ) -> dict[str, Any]:
        """A booking in SERVICE."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        booking = {"startAt": start_at, "timezone": ZONE, "form": FORM, "service": SERVICE}
        path = f"/api/users/{user}/appointments"
        booked = self.proxy("plain").post(path, booking, headers=headers)
        assert booked.status_code == 201, booked.text
        answer: dict[str, Any] = booked.json()
        return answer

    def book_soon(self) -> dict[str, Any]:
        """A booking of the next slot there is, which can be looked up at once."""
        left = SLOT_SECONDS - time.time() % SLOT_SECONDS
        time.sleep(left + 0.1 if left < 2 else 0)
        proxy = self.proxy("plain")
        hours = proxy.hours("services", OPEN_SERVICE, next_open_day(), "UTC").json()
        booked = proxy.book("services", OPEN_SERVICE, hours[0], timezone="UTC", referrer="tests")
        assert booked.status_code == 201, booked.text
        answer: dict[str, Any] = booked.json()
        return answer

    def secret_headers(self, scheme: str) -> dict[str, str]:
        """What opens an operation."""
        if scheme == "webhookSecret":
            return {"X-Webhook-Secret": WEBHOOK_SECRET}
        if scheme == "metricsToken":
            return bearer(METRICS_TOKEN)
        return bearer((self.book_soon() if scheme == "accessToken" else self.book())[scheme])

    def good_call(self, method: str, path: str, operation: dict[str, Any]) -> Call:
        """The operation as its first examples have it; a POST has an Idempotency-Key of its own."""
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
        for scheme in operation.get("security", []):
            call.headers |= self.secret_headers(next(iter(scheme)))
        return call

    def dribble(self, call: Call) -> requests.Response:
        """The answer to a body that does not arrive."""
        url = self.proxy(call.proxy).url
        answer = requests.Response()
        with closing(HTTPConnection(url.removeprefix("http://"), timeout=20)) as connection:
            connection.putrequest(call.method, call.path.format_map(call.placeholders))
            for name, text in (call.headers | {"Content-Length": "100"}).items():
                connection.putheader(name, text)
            connection.endheaders(b"{")
            given = connection.getresponse()
            answer.status_code, answer._content = given.status, given.read()
            answer.headers.update(given.getheaders())
        return answer


@contextmanager
def on_stage() -> Iterator[Stage]:
    """A stage, until the block ends."""
    with ExitStack() as ends:
        stage = Stage(ends)
        yield stage

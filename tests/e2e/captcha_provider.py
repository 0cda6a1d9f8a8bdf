"""A fake captcha provider with the `siteverify` API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from urllib.parse import parse_qs

from tests.e2e.http_server import Handler, http_server


@dataclass
class CaptchaProvider:
    """The response of the captcha provider, and the requests (path, form) that it received."""

    url: str = ""
    verdict: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    requests_received: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    hangs: bool = False
    single_use: bool = False
    """Confirm each token only once, like real providers."""
    secrets: set[str] | None = None
    """Reject requests with another secret, unless it is None."""
    stopped: Event = field(default_factory=Event)

    def respond_with(self, verdict: object, status: int = 200, **headers: str) -> None:
        """Set the response body: bytes, or a value to encode as JSON."""
        self.verdict = verdict if isinstance(verdict, bytes) else json.dumps(verdict).encode()
        self.status, self.headers, self.hangs = status, headers, False

    def reject(self, *codes: str) -> None:
        self.respond_with({"success": False, "error-codes": list(codes)})


@contextmanager
def captcha_provider() -> Iterator[CaptchaProvider]:
    """Run a captcha provider. Its response is empty until `respond_with` sets it."""
    provider = CaptchaProvider()

    class Verify(Handler):
        def respond(self) -> None:
            form = {name: values[0] for name, values in parse_qs(self.body().decode()).items()}
            provider.requests_received.append((self.path, form))
            if provider.hangs:
                provider.stopped.wait(30)
            elif provider.secrets is not None and form["secret"] not in provider.secrets:
                self.reply(
                    200,
                    b'{"success": false, "error-codes": ["invalid-input-secret"]}',
                    "application/json",
                )
            elif (
                provider.single_use
                and provider.requests_received.count(provider.requests_received[-1]) > 1
            ):
                self.reply(
                    200,
                    b'{"success": false, "error-codes": ["timeout-or-duplicate"]}',
                    "application/json",
                )
            else:
                self.reply(
                    provider.status, provider.verdict, "application/json", **provider.headers
                )

    with http_server(Verify) as provider.url:
        yield provider
        provider.stopped.set()

"""A captcha's provider, as its `siteverify` is seen from here."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from urllib.parse import parse_qs

from tests.e2e.http_server import Handler, http_server


@dataclass
class CaptchaProvider:
    """The response of a captcha provider, and the requests it received: path and form."""

    url: str = ""
    verdict: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    requests_received: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    hangs: bool = False
    single_use: bool = False
    """Like the real ones, confirm each token a single time."""
    ended: Event = field(default_factory=Event)

    def respond_with(self, verdict: object, status: int = 200, **headers: str) -> None:
        """Set the response: bytes, or anything that JSON can hold."""
        self.verdict = verdict if isinstance(verdict, bytes) else json.dumps(verdict).encode()
        self.status, self.headers, self.hangs = status, headers, False

    def reject(self, *codes: str) -> None:
        self.respond_with({"success": False, "error-codes": list(codes)})


@contextmanager
def captcha_provider() -> Iterator[CaptchaProvider]:
    """Run a captcha provider without a verdict yet."""
    provider = CaptchaProvider()

    class Verify(Handler):
        def respond(self) -> None:
            form = {name: values[0] for name, values in parse_qs(self.body().decode()).items()}
            provider.requests_received.append((self.path, form))
            if provider.hangs:
                provider.ended.wait(30)
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
        provider.ended.set()

"""Pages of other origins that embed the booking widget (frontend/widget/)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.demo_page import Visitor
from tests.e2e.http_server import Handler, http_server

SEGMENT = "63bdbf49394aad976d4aa5aa"
POLICY = "script-src 'self' {proxy}; style-src 'self'; require-trusted-types-for 'script'"
LISTEN = """
    window.heard = []; window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    for (const name of ["ready", "slot-selected", "booking-submitted", "booked", "rescheduled", "cancelled", "error"])
      document.addEventListener(`videsk-${name}`, (event) => window.heard.push([name, event.detail]));
"""


@dataclass
class Site:
    """A site of one page, and the policy that it is sent with."""

    origin: str = ""
    body: str = ""
    policy: str = ""
    posted: list[str] = field(default_factory=list)


@contextmanager
def site() -> Iterator[Site]:
    one = Site()

    class Serve(Handler):
        def respond(self) -> None:
            if self.command == "POST":
                one.posted.append(self.body().decode())
            page = f'<!doctype html><html lang="en"><title>A shop</title><link rel="icon" href="data:,"><main><h1>A shop</h1>{one.body}</main>'
            self.reply(200, page.encode(), "text/html; charset=utf-8", **{"Content-Security-Policy": one.policy})  # fmt: skip

    with http_server(Serve) as one.origin:
        yield one


@dataclass
class ShopVisitor(Visitor):
    """A visitor of such a page."""

    site: Site = field(default_factory=Site)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.page.add_init_script(LISTEN)

    @property
    def home(self) -> str:
        return f"{self.origin}/book"

    def heard(self) -> list[str]:
        """The events that the page got, in their order."""
        return [name for name, _ in self.page.evaluate("window.heard")]

    def detail(self, event: str) -> dict[str, Any]:
        """What came with the last event of that name."""
        return dict(self.page.evaluate("window.heard"))[event]  # type: ignore[no-any-return]

    def violations(self) -> list[str]:
        return self.page.evaluate("window.violations")  # type: ignore[no-any-return]

    def waits_for(self, event: str) -> None:
        self.page.wait_for_function("name => window.heard.some(([it]) => it === name)", arg=event)

    def embed(self, body: str) -> None:
        """Load the page again, with this body."""
        self.site.body = self.script() + body
        self.come()

    def script(self) -> str:
        return f'<script type="module" src="{self.proxy}/widget/v1/videsk-booking.js"></script>'


Enter = Callable[..., ShopVisitor]

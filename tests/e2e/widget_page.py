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
    window.events = []; window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    for (const name of ["ready", "slot-selected", "booking-submitted", "booked", "rescheduled", "cancelled", "error"])
      document.addEventListener(`videsk-${name}`, (event) => window.events.push([name, event.detail]));
"""


@dataclass
class Site:
    """A site with one page, served with a Content-Security-Policy."""

    origin: str = ""
    body: str = ""
    policy: str = ""
    posted: list[str] = field(default_factory=list)


@contextmanager
def serve_site() -> Iterator[Site]:
    site = Site()

    class Serve(Handler):
        def respond(self) -> None:
            if self.command == "POST":
                site.posted.append(self.body().decode())
            page = f'<!doctype html><html lang="en"><title>A shop</title><link rel="icon" href="data:,"><main><h1>A shop</h1>{site.body}</main>'
            self.reply(200, page.encode(), "text/html; charset=utf-8", **{"Content-Security-Policy": site.policy})  # fmt: skip

    with http_server(Serve) as site.origin:
        yield site


@dataclass
class WidgetVisitor(Visitor):
    """A visitor of a page that embeds the widget."""

    site: Site = field(default_factory=Site)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.page.add_init_script(LISTEN)

    @property
    def page_url(self) -> str:
        return f"{self.origin}/book"

    def events(self) -> list[str]:
        """Return the names of the events that the page received, in order."""
        return [name for name, _ in self.page.evaluate("window.events")]

    def detail(self, event: str) -> dict[str, Any]:
        """Return the detail of the last event of that name."""
        return dict(self.page.evaluate("window.events"))[event]  # type: ignore[no-any-return]

    def violations(self) -> list[str]:
        return self.page.evaluate("window.violations")  # type: ignore[no-any-return]

    def wait_for_event(self, event: str) -> None:
        self.page.wait_for_function(
            "name => window.events.some(([event]) => event === name)", arg=event
        )

    def embed(self, body: str) -> None:
        """Reload the page with this body."""
        self.site.body = self.script() + body
        self.open()

    def script(self) -> str:
        return f'<script type="module" src="{self.proxy}/widget/v1/videsk-booking.js"></script>'


OpenWidget = Callable[..., WidgetVisitor]

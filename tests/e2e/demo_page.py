"""Page object of the booking page (frontend/demo/). Finds elements by role and accessible name."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import ConsoleMessage, Locator, Page, Route, ViewportSize, expect

from tests.processes import ROOT

DEMO = ROOT / "frontend/demo"
TEXTS = ROOT / "frontend/widget/src/texts"
EXAMPLE_PROXY = "http://localhost:8000"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
NARROWEST: ViewportSize = {"width": 320, "height": 640}
Scheme = Literal["light", "dark"]
VIEWPORTS: tuple[tuple[ViewportSize, Scheme], ...] = ((DESKTOP, "light"), (PHONE, "dark"))
NAME, EMAIL = "Ana Pérez", "ana@example.com"
AXE = """axe.run({resultTypes: ["violations"]}).then(({violations}) => violations.map(({id, help, nodes}) =>
    [id, help, ...nodes.map(({html, failureSummary}) => [html, failureSummary])]))"""
"""Returns only the violations, because transferring the whole result takes as long as the check."""
MAX_TABS = 80
MAX_MONTHS = 3
ACTIVE = """(function inside(root) {
    const active = root.activeElement;
    return active?.shadowRoot ? inside(active.shadowRoot) : active;
})(document)"""
"""Returns the focused element, also inside shadow roots."""

RECORD_SHIFTS = """window.shifts = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries()))
        .observe({ type: "layout-shift", buffered: true });"""
"""Before a page loads: records its layout shifts."""

_DAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
_MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip

_DAYS_IN_PORTUGUESE = (
    "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo",
)  # fmt: skip
_MONTHS_IN_PORTUGUESE = (
    "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
    "novembro", "dezembro",
)  # fmt: skip


def _month_in_portuguese(moment: datetime) -> str:
    return f"{_MONTHS_IN_PORTUGUESE[moment.month - 1]} de {moment.year}"


def _month_in_spanish(moment: datetime) -> str:
    return f"{_MONTHS[moment.month - 1]} de {moment.year}"


FORMATS: dict[str, dict[str, Callable[[datetime], str]]] = {
    "en": {
        "month": lambda moment: f"{moment:%B %Y}",
        "day": lambda moment: f"{moment:%A, %B} {moment.day}, {moment.year}",
        "time": lambda moment: f"{moment.hour % 12 or 12}:{moment:%M %p}",
    },
    "pt": {
        "month": _month_in_portuguese,
        "day": lambda moment: (
            f"{_DAYS_IN_PORTUGUESE[moment.weekday()]}, {moment.day} de {_month_in_portuguese(moment)}"
        ),
        "time": lambda moment: f"{moment:%H:%M}",
    },
    "es": {
        "month": _month_in_spanish,
        "day": lambda moment: (
            f"{_DAYS[moment.weekday()]}, {moment.day} de {_month_in_spanish(moment)}"
        ),
        "time": lambda moment: f"{moment:%H:%M}",
    },
}
"""How each language formats an instant in the visitor's zone, independent of the page's code."""


def texts_of(page: Page, language: str) -> dict[str, Any]:
    """Return all texts of a language from its two files. Each contains one JavaScript literal."""
    texts: dict[str, Any] = {}
    for name in (language, f"{language}.later"):
        literal = (TEXTS / f"{name}.ts").read_text().partition(" = ")[2].rstrip().rstrip(";")
        for part, value in page.evaluate(f"({literal})").items():
            texts[part] = value if isinstance(value, str) else texts.get(part, {}) | value
    return texts


def page_for(proxy: str) -> str:
    """Return the demo page with the URL of this proxy."""
    page = (DEMO / "index.html").read_text()
    assert page.count(EXAMPLE_PROXY) == 4, "in a comment, the policy (twice) and the script's URL"
    return page.replace(EXAMPLE_PROXY, proxy)


@dataclass
class Visitor:
    """A visitor with a browser, a language and a time zone."""

    page: Page
    origin: str
    """The origin of the page."""
    proxy: str
    language: str
    zone: ZoneInfo
    expected_messages: tuple[str, ...] = ()
    """Substrings of console messages that the test provokes."""
    console_messages: list[str] = field(default_factory=list)
    sent_requests: list[str] = field(default_factory=list)
    """Method and URL of each request: `POST http://127.0.0.1:…/…`."""
    texts: dict[str, Any] = field(default_factory=dict)
    """The page's texts in this visitor's language."""

    def __post_init__(self) -> None:
        self.page.route(re.compile(r"/demo/(\?.*)?$"), self._serve_page)
        self.page.on("pageerror", lambda error: self.console_messages.append(str(error)))
        self.page.on(
            "request", lambda request: self.sent_requests.append(f"{request.method} {request.url}")
        )
        self.page.on("console", self._record_message)

    def _record_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.console_messages.append(message.text)

    @property
    def page_url(self) -> str:
        return f"{self.origin}/demo/"

    def _serve_page(self, route: Route) -> None:
        route.fulfill(body=page_for(self.proxy), content_type="text/html")

    def open(self, address: str = "") -> "Visitor":
        self.page.goto(address or self.page_url)
        self.texts = texts_of(self.page, self.language)
        return self

    def third_party_requests(self) -> set[str]:
        """Return the requested URLs that belong to neither the page's origin nor the proxy."""
        first_party = (
            self.page_url,
            f"{self.proxy}/api/",
            f"{self.proxy}/widget/v1/",
            "blob:",
            "data:",
        )
        urls = {request.partition(" ")[2] for request in self.sent_requests}
        return {url for url in urls if not url.startswith(first_party)}

    def unexpected_messages(self) -> list[str]:
        """Return what the browser reported: errors, and violations of the page's policy."""
        return [
            message
            for message in self.console_messages
            if not any(part in message for part in self.expected_messages)
        ]

    def format(self, part: str, instant: datetime) -> str:
        """Format the "month", "day" or "time" of an instant as the page shows it to this visitor."""
        return FORMATS[self.language][part](instant.astimezone(self.zone))

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    def textbox(self, label: str) -> Locator:
        return self.page.get_by_role("textbox", name=label, exact=True)

    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def status_message(self) -> Locator:
        """Return the live region with the last announcement to screen readers."""
        return self.page.get_by_role("status").last

    def expect_step(self, title: str) -> None:
        """Expect the step with this title to be visible and focused."""
        expect(self.page.get_by_role("heading", level=2, name=title, exact=True)).to_be_focused()

    def choose_service(self, service: str) -> None:
        self.page.get_by_role("button", name=service).click()

    def day(self, instant: datetime) -> Locator:
        return self.button(self.format("day", instant))

    def hour(self, instant: datetime) -> Locator:
        return self.button(f"{self.format('time', instant)}, {self.format('day', instant)}")

    def go_to_month(self, instant: datetime) -> None:
        """Go to the month of that instant, which is not before the month that is shown."""
        grid, name = self.page.get_by_role("grid"), self.format("month", instant)
        # The first month with a free day is shown first.
        expect(grid).not_to_have_attribute("aria-busy", "true")
        for _ in range(MAX_MONTHS):
            if self.page.locator("#month").text_content() == name:
                break
            self.button(self.texts["time"]["nextMonth"]).click()
        expect(self.page.get_by_role("grid", name=name, exact=True)).to_be_visible()

    def choose_hour(self, instant: datetime) -> None:
        self.go_to_month(instant)
        self.day(instant).click()
        self.hour(instant).click()

    def fill_in_details(self) -> None:
        self.textbox("Nombre").fill(NAME)
        self.textbox("Correo electrónico").fill(EMAIL)

    def fill_in_booking(self, instant: datetime) -> None:
        """Choose an hour of the service's first agent, and fill in the form without submitting it."""
        self.open().choose_service("Asesoría hipotecaria")
        self.button("Juan Rivera").click()
        self.choose_hour(instant)
        self.expect_step(self.texts["details"]["title"])
        self.fill_in_details()

    def book(self) -> None:
        self.button(self.texts["details"]["submit"]).click()

    def expect_booked(self) -> None:
        self.expect_step(self.texts["booked"]["title"])

    def tab_to(self, target: Locator) -> None:
        """Move the focus to the target with the Tab key."""
        for _ in range(MAX_TABS):
            self.page.keyboard.press("Tab")
            if target.evaluate("(element) => element === element.getRootNode().activeElement"):
                return
        raise AssertionError(f"Tab does not reach {target}")

    def check_accessibility(self) -> None:
        """Check that the page is accessible in light and dark mode, and fits a small phone."""
        before = self.page.viewport_size or DESKTOP
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(Axe().axe_script)
        for size, scheme in VIEWPORTS:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme)
            violations = self.page.evaluate(AXE)
            assert violations == [], f"{scheme}, {size}: {violations}"
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(NARROWEST)
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROWEST["width"], "wider than the window"
        self.page.set_viewport_size(before)

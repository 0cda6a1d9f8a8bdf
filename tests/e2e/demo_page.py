"""A visitor of the booking page (demo/): finds everything on it by role and accessible name."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import ConsoleMessage, Locator, Page, Route, ViewportSize, expect

from tests.processes import ROOT

DEMO = ROOT / "frontend/demo"
TEXTS = ROOT / "frontend/widget/src/texts"
NAMED_ON_PAGE = "http://localhost:8000"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
NARROWEST: ViewportSize = {"width": 320, "height": 640}
Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[ViewportSize, Scheme], ...] = ((DESKTOP, "light"), (PHONE, "dark"))
NAME, EMAIL = "Ana Pérez", "ana@example.com"
AXE = """axe.run({resultTypes: ["violations"]}).then(({violations}) => violations.map(({id, help, nodes}) =>
    [id, help, ...nodes.map(({html, failureSummary}) => [html, failureSummary])]))"""
"""The violations alone: the whole result takes as long to transfer as to make."""
MOST_TABS = 80
ACTIVE = """(function inside(root) {
    const it = root.activeElement;
    return it?.shadowRoot ? inside(it.shadowRoot) : it;
})(document)"""
"""The element that has the focus, in shadow roots too."""

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


WRITTEN: dict[str, dict[str, Callable[[datetime], str]]] = {
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
"""How each language writes a moment in the visitor's zone: worked out here, not asked of the page."""


def texts_of(page: Page, language: str) -> dict[str, Any]:
    """All texts of a language, read from their two files: each is one literal of JavaScript."""
    texts: dict[str, Any] = {}
    for name in (language, f"{language}.later"):
        literal = (TEXTS / f"{name}.ts").read_text().partition(" = ")[2].rstrip().rstrip(";")
        for part, its in page.evaluate(f"({literal})").items():
            texts[part] = its if isinstance(its, str) else texts.get(part, {}) | its
    return texts


def page_for(proxy: str) -> str:
    """The page with the URL of that proxy."""
    page = (DEMO / "index.html").read_text()
    assert page.count(NAMED_ON_PAGE) == 4, "in a comment, the policy (twice) and the script's URL"
    return page.replace(NAMED_ON_PAGE, proxy)


@dataclass
class Visitor:
    """Somebody with a browser of a language and a time zone of their own."""

    page: Page
    origin: str
    """Of the page."""
    proxy: str
    language: str
    zone: ZoneInfo
    provoked: tuple[str, ...] = ()
    """What the test itself makes the browser complain about, as a part of the complaint."""
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """`POST http://127.0.0.1:…/…`"""
    texts: dict[str, Any] = field(default_factory=dict)
    """The page's own, in this visitor's language."""

    def __post_init__(self) -> None:
        self.page.route(re.compile(r"/demo/(\?.*)?$"), self._name_the_proxy)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda it: self.asked.append(f"{it.method} {it.url}"))
        self.page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    @property
    def home(self) -> str:
        return f"{self.origin}/demo/"

    def _name_the_proxy(self, route: Route) -> None:
        route.fulfill(body=page_for(self.proxy), content_type="text/html")

    def come(self, address: str = "") -> "Visitor":
        self.page.goto(address or self.home)
        self.texts = texts_of(self.page, self.language)
        return self

    def asked_of_others(self) -> set[str]:
        """The addresses of neither the page's own origin nor the proxy's."""
        known = (self.home, f"{self.proxy}/api/", f"{self.proxy}/widget/v1/", "blob:", "data:")
        urls = {asked.partition(" ")[2] for asked in self.asked}
        return {url for url in urls if not url.startswith(known)}

    def unprovoked(self) -> list[str]:
        """What the browser reported: errors, and violations of the page's policy."""
        return [said for said in self.complaints if not any(part in said for part in self.provoked)]

    def written(self, what: str, instant: datetime) -> str:
        """The month, the day or the time of an instant, as this visitor reads it."""
        return WRITTEN[self.language][what](instant.astimezone(self.zone))

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    def textbox(self, label: str) -> Locator:
        return self.page.get_by_role("textbox", name=label, exact=True)

    def notice(self) -> Locator:
        return self.page.get_by_role("alert")

    def said(self) -> Locator:
        """What those who listen to the page have heard last."""
        return self.page.get_by_role("status").last

    def sees(self, title: str) -> None:
        """The step of this title is there, and has the focus."""
        expect(self.page.get_by_role("heading", level=2, name=title, exact=True)).to_be_focused()

    def choose_service(self, service: str) -> None:
        self.page.get_by_role("button", name=service).click()

    def day(self, instant: datetime) -> Locator:
        return self.button(self.written("day", instant))

    def hour(self, instant: datetime) -> Locator:
        return self.button(f"{self.written('time', instant)}, {self.written('day', instant)}")

    def turn_to(self, instant: datetime) -> None:
        """The month of that instant, from this one."""
        then, now = (each.astimezone(self.zone) for each in (instant, datetime.now(UTC)))
        for _ in range((then.year - now.year) * 12 + then.month - now.month):
            self.button(self.texts["time"]["nextMonth"]).click()
        name = self.written("month", instant)
        expect(self.page.get_by_role("grid", name=name, exact=True)).to_be_visible()

    def choose_hour(self, instant: datetime) -> None:
        self.turn_to(instant)
        self.day(instant).click()
        self.hour(instant).click()

    def fill_in(self) -> None:
        self.textbox("Nombre").fill(NAME)
        self.textbox("Correo electrónico").fill(EMAIL)

    def choose_all(self, instant: datetime) -> None:
        """Come as far as to the filled-in form, for an hour of the service's first agent."""
        self.come().choose_service("Asesoría hipotecaria")
        self.button("Juan Rivera").click()
        self.choose_hour(instant)
        self.sees(self.texts["details"]["title"])
        self.fill_in()

    def book(self) -> None:
        self.button(self.texts["details"]["submit"]).click()

    def is_booked(self) -> None:
        self.sees(self.texts["booked"]["title"])

    def tab_to(self, target: Locator) -> None:
        """With the Tab key alone."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if target.evaluate("(it) => it === it.getRootNode().activeElement"):
                return
        raise AssertionError(f"Tab does not come to {target}")

    def examine(self) -> None:
        """What is on the page now is accessible, light and dark, and fits on a small telephone."""
        before = self.page.viewport_size or DESKTOP
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(Axe().axe_script)
        for size, scheme in LOOKS:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme)
            violations = self.page.evaluate(AXE)
            assert violations == [], f"{scheme}, {size}: {violations}"
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(NARROWEST)
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROWEST["width"], "wider than the window"
        self.page.set_viewport_size(before)

"""The booking widget on pages of another origin, through the real proxy to the sandbox."""

import gzip
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from playwright.sync_api import Browser, Route, expect
from redis import Redis

from tests.client import FIRST_SERVICE, JOHN, ZONE
from tests.e2e.demo_page import DESKTOP, NAME, NARROWEST
from tests.e2e.pages import FRONTEND, README
from tests.e2e.test_demo import book_elsewhere, hour, mailed_link, pending, written
from tests.e2e.test_widget_build import WIDGET
from tests.e2e.widget_page import POLICY, SEGMENT, Enter, ShopVisitor, Site, site
from tests.processes import Running, Sandbox, proxy_server

expect.set_options(timeout=30_000)

ALL_SERVICES = f'<videsk-booking segment="{SEGMENT}"></videsk-booking>'
ONE_AGENT = (
    f'<videsk-booking segment="{SEGMENT}" service="{FIRST_SERVICE}" user="{JOHN}"></videsk-booking>'
)
FIRST_CALENDAR_BYTES = 10_900
ALL_BYTES = 25_500
"""With gzip, in one language."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Site]:
    with site() as one:
        yield one


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox, redis_process: Running, shop: Site) -> Iterator[Running]:
    settings = {"CORS_ORIGINS": shop.origin, "REDIS_URL": redis_process.redis_url}
    with proxy_server(sandbox_process, **settings, HOURS_TTL="0", HOURS_STALE="0") as running:
        yield running


@pytest.fixture
def enter(chromium: Browser, sandbox: Sandbox, redis: Redis, server: Running, shop: Site) -> Iterator[Enter]:  # fmt: skip
    """Opens the page with this body for a new visitor."""
    visitors: list[ShopVisitor] = []

    def enter(
        body: str = ALL_SERVICES,
        locale: str = "en-US",
        zone: str = ZONE,
        query: str = "",
        policy: str = POLICY,
        has_clock: bool = False,
        provoked: tuple[str, ...] = (),
        **options: Any,
    ) -> ShopVisitor:
        options = {"viewport": DESKTOP, "reduced_motion": "reduce"} | options
        context = chromium.new_context(locale=locale, timezone_id=zone, **options)
        if has_clock:
            context.clock.install()
        language = locale[:2] if locale[:2] in {"es", "pt"} else "en"
        visitor = ShopVisitor(context.new_page(), shop.origin, server.url, language, ZoneInfo(zone), provoked, site=shop)  # fmt: skip
        visitors.append(visitor)
        shop.body, shop.policy = visitor.script() + body, policy.format(proxy=server.url)
        visitor.come(visitor.home + query)
        return visitor

    yield enter
    violations = [visitor.violations() for visitor in visitors]
    for visitor in visitors:
        visitor.page.context.close()
    for visitor in visitors:
        assert visitor.unprovoked() == []
        assert visitor.asked_of_others() == set()
    assert [each for each in violations if each] == []


def come_to_the_form(visitor: ShopVisitor, start: datetime) -> None:
    """From the calendar of ONE_AGENT."""
    expect(visitor.page.get_by_role("heading", level=2, name=visitor.texts["time"]["title"])).to_be_visible()  # fmt: skip
    visitor.choose_hour(start)
    visitor.sees(visitor.texts["details"]["title"])


# The journey


@pytest.mark.parametrize("locale", ["es-CL", "en-US", "pt-BR"])
def test_a_page_with_a_strict_policy_books(enter: Enter, sandbox: Sandbox, locale: str) -> None:
    visitor = enter(locale=locale)
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.choose_hour(hour())
    visitor.fill_in()
    visitor.examine()
    visitor.book()
    visitor.is_booked()
    visitor.examine()
    assert pending(sandbox) == [written(hour())]
    assert visitor.violations() == []
    assert visitor.heard() == ["ready", "slot-selected", "booking-submitted", "booked"]
    chosen = {"startAt": written(hour()), "timezone": ZONE, "service": FIRST_SERVICE, "user": JOHN}
    assert visitor.detail("slot-selected") == chosen
    assert visitor.detail("booking-submitted").items() >= chosen.items()
    assert visitor.detail("booked")["booking"]["startAt"] == written(hour())


def test_an_e_mailed_link_moves_and_cancels(enter: Enter, sandbox: Sandbox, server: Running) -> None:  # fmt: skip
    visitor = enter()
    link = mailed_link(server, visitor.home)
    visitor.come(link + "#faq")
    assert visitor.page.url == f"{visitor.home}#faq", "only the token has left the address"
    visitor.button("Reschedule").click()
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.choose_hour(hour(15))
    visitor.button("Move appointment").click()
    visitor.sees("Your appointment has been moved")
    assert visitor.heard() == ["ready", "slot-selected", "rescheduled"]
    visitor.link("Reschedule or cancel").click()
    visitor.button("Cancel appointment").click()
    visitor.button("Cancel appointment").click()
    visitor.button("Cancel appointment", visitor.page.get_by_role("dialog")).click()
    visitor.sees("Your appointment is canceled")
    assert visitor.detail("cancelled") == {"service": "Asesoría hipotecaria"}
    visitor.button("Book another appointment").click()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()
    assert pending(sandbox) == []


def test_the_page_can_stop_a_booking(enter: Enter, sandbox: Sandbox) -> None:
    visitor = enter(ONE_AGENT)
    visitor.page.evaluate(
        "document.addEventListener('videsk-booking-submitted', (event) => event.preventDefault())"
    )
    come_to_the_form(visitor, hour())
    visitor.fill_in()
    visitor.book()
    visitor.waits_for("booking-submitted")
    expect(visitor.button("Book appointment")).to_be_enabled()
    assert pending(sandbox) == []


def test_an_error_is_an_event(enter: Enter) -> None:
    visitor = enter(ONE_AGENT, provoked=("ERR_FAILED",))
    come_to_the_form(visitor, hour())
    visitor.fill_in()
    visitor.page.route("**/appointments", lambda route: route.abort())
    visitor.book()
    visitor.waits_for("error")
    error = visitor.detail("error")
    assert (error["status"], error["outcomeUnknown"]) == (0, True)


def test_a_reload_before_the_response_does_not_book_twice(enter: Enter, sandbox: Sandbox) -> None:
    visitor = enter(ONE_AGENT, provoked=("ERR_FAILED",))
    come_to_the_form(visitor, hour())
    visitor.fill_in()

    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    visitor.page.route("**/appointments", lose, times=3)  # the client sends it three times
    visitor.book()
    expect(visitor.notice()).to_contain_text("We do not know whether it went through")
    visitor.page.reload()
    expect(visitor.notice()).to_contain_text("We do not know whether it went through")
    expect(visitor.page.get_by_text("Juan Rivera")).to_be_visible()
    visitor.examine()
    visitor.button("Check again").click()
    visitor.is_booked()
    assert pending(sandbox) == [written(hour())]
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", level=2, name="When suits you?")).to_be_visible()


def test_what_was_refused_is_not_resumed(enter: Enter, sandbox: Sandbox) -> None:
    visitor = enter(ONE_AGENT, provoked=("409",))
    come_to_the_form(visitor, hour())
    visitor.fill_in()
    book_elsewhere(sandbox, hour())
    visitor.book()
    visitor.sees("When suits you?")
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", level=2, name="When suits you?")).to_be_visible()


@pytest.mark.parametrize("gone", ["more", "en"])
def test_a_script_that_is_gone_after_an_update_comes_with_the_page(enter: Enter, gone: str) -> None:
    visitor = enter("", provoked=("404",))
    visitor.page.route(re.compile(rf"/widget/v1/{gone}-"), lambda route: route.fulfill(status=404), times=1)  # fmt: skip
    visitor.embed(ONE_AGENT)
    if gone == "en":
        again = visitor.button("↻ Reload")
    else:
        expect(visitor.notice()).to_contain_text("Please reload the page.")
        visitor.examine()
        again = visitor.button("Reload")
    again.click()
    come_to_the_form(visitor, hour())


# What is shown stays true


def test_an_hour_that_is_taken_while_the_form_is_filled_in_is_announced(
    enter: Enter, sandbox: Sandbox
) -> None:
    visitor = enter(ONE_AGENT, has_clock=True)
    come_to_the_form(visitor, hour())
    visitor.fill_in()
    book_elsewhere(sandbox, hour())
    visitor.page.clock.fast_forward("00:21")
    expect(visitor.notice()).to_contain_text("2:00 PM was taken a moment ago")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    expect(visitor.button("Book appointment")).to_be_hidden()
    visitor.examine()
    visitor.button("Choose another time").click()
    expect(visitor.hour(hour())).to_have_count(0)
    visitor.hour(hour(15)).click()
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    visitor.book()
    visitor.is_booked()
    assert pending(sandbox) == [written(hour()), written(hour(15))]


def test_an_hour_on_screen_that_is_taken_is_marked(enter: Enter, sandbox: Sandbox) -> None:
    visitor = enter(ONE_AGENT, has_clock=True)
    visitor.turn_to(hour())
    visitor.day(hour()).click()
    visitor.hour(hour(15)).focus()
    book_elsewhere(sandbox, hour())
    visitor.page.clock.fast_forward("00:21")
    name = f"{visitor.written('time', hour())}, {visitor.written('day', hour())}, taken"
    taken = visitor.button(name)
    expect(taken).to_have_attribute("aria-disabled", "true")
    expect(visitor.said()).to_contain_text("2:00 PM was taken a moment ago")
    expect(visitor.hour(hour(15))).to_be_focused()
    visitor.examine()
    taken.click(force=True)
    visitor.hour(hour(15)).click()
    visitor.sees("Your details")


def test_a_hidden_tab_sends_nothing_and_is_current_on_return(enter: Enter, sandbox: Sandbox) -> None:  # fmt: skip
    visitor = enter(ONE_AGENT, has_clock=True)
    come_to_the_form(visitor, hour())
    visitor.page.wait_for_load_state("networkidle")
    show = """state => {
      Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    visitor.page.evaluate(show, "hidden")
    sent = len(visitor.asked)
    book_elsewhere(sandbox, hour())
    visitor.page.clock.fast_forward("05:00")
    assert visitor.asked[sent:] == []
    visitor.page.evaluate(show, "visible")
    expect(visitor.notice()).to_contain_text("2:00 PM was taken a moment ago")


# Attributes, properties, methods


def test_only_one_service_and_agent_are_offered(enter: Enter) -> None:
    visitor = enter(ONE_AGENT)
    visitor.turn_to(hour())
    assert visitor.page.get_by_role("button", name="Asesoría hipotecaria").count() == 0
    assert visitor.page.get_by_role("button", name="Back").count() == 0
    progress = visitor.page.get_by_role("navigation")
    assert progress.get_by_role("listitem").all_inner_texts() == ["Time", "Details"]


def test_fields_can_be_filled_in_beforehand(enter: Enter) -> None:
    """By the page, and by its address only where the page allows it."""
    prefill = """prefill='{"email": "ana@shop.example"}' prefill-query="name" """
    visitor = enter(ONE_AGENT.replace("segment=", f"{prefill} segment="), query="?name=Eva&email=x@evil.example")  # fmt: skip
    come_to_the_form(visitor, hour())
    expect(visitor.textbox("Nombre")).to_have_value("Eva")
    expect(visitor.textbox("Correo electrónico")).to_have_value("ana@shop.example")


def test_the_referrer_of_the_page_is_sent(enter: Enter, sandbox: Sandbox, shop: Site) -> None:
    visitor = enter(ONE_AGENT.replace("segment=", f'referrer="{shop.origin}/after" segment='))
    come_to_the_form(visitor, hour())
    visitor.fill_in()
    visitor.book()
    visitor.is_booked()
    assert visitor.detail("booked")["booking"]["rescheduleURL"].startswith(f"{shop.origin}/after?")


def test_the_dialog_opens_and_closes(enter: Enter) -> None:
    body = ONE_AGENT.replace("segment=", 'mode="dialog" segment=')
    visitor = enter(body)
    visitor.waits_for("ready")
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog).to_be_hidden()
    visitor.page.route("**/more-*", lambda _: None)
    visitor.embed(body)
    visitor.waits_for("ready")
    visitor.page.evaluate("document.querySelector('videsk-booking').open()")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box
    assert box["width"] > 900, "before the calendar's own styles"
    visitor.page.unroute_all()
    visitor.embed(body)
    visitor.page.evaluate("document.querySelector('videsk-booking').open()")
    come_to_the_form(visitor, hour())
    visitor.fill_in()
    visitor.examine()
    visitor.button("Close").click()
    expect(dialog).to_be_hidden()
    visitor.page.evaluate("document.querySelector('videsk-booking').open()")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)


def test_properties_are_attributes_and_may_be_set_before_the_script_comes(enter: Enter) -> None:
    visitor = enter("<section id='place'></section>")
    made = visitor.page.evaluate(
        """async ([service, user, src]) => {
          const one = document.createElement("videsk-booking");
          Object.assign(one, {service, user, firstDay: 3, hourCycle: "h23"});
          document.getElementById("place").append(one);
          await customElements.whenDefined("videsk-booking");
          return [one.getAttribute("first-day"), one.hourCycle, one.proxy];
        }""",
        [FIRST_SERVICE, JOHN, visitor.script()],
    )
    assert made == ["3", "h23", None]
    visitor.turn_to(hour())
    expect(visitor.page.get_by_role("columnheader").first).to_have_text("Wed")
    visitor.day(hour()).click()
    expect(visitor.page.get_by_role("button", name="14:00, ")).to_be_visible()


def test_inside_a_form_only_the_hour_is_chosen(enter: Enter, shop: Site, sandbox: Sandbox) -> None:
    shop.posted.clear()
    body = f'<form method="post">{ONE_AGENT.replace("segment=", "name=hour segment=")}<button>Continue</button></form>'
    visitor = enter(body, policy=POLICY)
    visitor.choose_hour(hour())
    expect(visitor.hour(hour())).to_have_attribute("aria-pressed", "true")
    visitor.examine()
    visitor.button("Continue").click()
    visitor.page.wait_for_load_state()
    assert shop.posted == [f"hour={written(hour()).replace(':', '%3A')}"]
    assert pending(sandbox) == []


def test_the_host_pages_own_history_is_kept(enter: Enter) -> None:
    visitor = enter(ONE_AGENT)
    visitor.waits_for("ready")
    visitor.page.evaluate("history.replaceState({...history.state, router: 7}, '')")
    come_to_the_form(visitor, hour())
    assert visitor.page.evaluate("history.state.router") == 7
    visitor.page.evaluate("location.hash = 'terms'")
    expect(visitor.textbox("Nombre")).to_be_visible()
    visitor.page.go_back()
    visitor.sees("Your details")


# Languages and zones


def test_the_visitor_can_choose_another_zone(enter: Enter) -> None:
    visitor = enter(ONE_AGENT)
    visitor.turn_to(hour())
    visitor.button("Change time zone").click()
    search = visitor.page.get_by_role("combobox", name="Time zone")
    expect(search).to_be_focused()
    visitor.examine()
    zones = visitor.page.locator("#zones option").evaluate_all("all => all.map(({value}) => value)")
    assert len(zones) > 400
    search.fill("asia/tokyo")
    expect(visitor.page.get_by_text("Times in your time zone: Asia/Tokyo")).to_be_visible()
    visitor.zone = ZoneInfo("Asia/Tokyo")
    visitor.choose_hour(hour())
    visitor.sees("Your details")
    assert visitor.detail("slot-selected")["timezone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("locale", "first", "two_o_clock"),
    [
        ("en-US", "Sun", "2:00 PM"),
        ("en-GB", "Mon", "14:00"),
        ("de-DE", "Mon", "14:00"),
        ("es-CL", "lun", "14:00"),
        ("pt-BR", "dom.", "14:00"),
        ("ar-EG", "Sat", "2:00 PM"),
    ],
)
def test_region_and_hour_cycle_are_the_visitors(
    enter: Enter, locale: str, first: str, two_o_clock: str
) -> None:
    visitor = enter(ONE_AGENT, locale)
    visitor.turn_to(hour())
    expect(visitor.page.get_by_role("columnheader").first).to_have_text(first)
    visitor.page.get_by_role("grid").locator(f"[data-day='{hour():%Y-%m-%d}']").click()
    name = re.compile("^" + two_o_clock.replace(" ", r"\s") + ", ")
    expect(visitor.page.get_by_role("button", name=name)).to_be_visible()


def test_another_language_comes_from_an_object_and_may_run_from_right_to_left(
    enter: Enter, chromium: Browser
) -> None:
    visitor = enter(ONE_AGENT.replace("segment=", 'locale="ar-EG" segment='))
    texts = """document.querySelector("videsk-booking").texts = {time: {title: "متى يناسبك؟", freeHours:
        {one: "موعد واحد", two: "موعدان", few: "{count} مواعيد", other: "{count} موعد"}}}"""
    visitor.page.evaluate(texts)
    expect(visitor.page.get_by_role("heading", level=2, name="متى يناسبك؟")).to_be_visible()
    frame = visitor.page.locator(".frame")
    expect(frame).to_have_attribute("dir", "rtl")
    expect(frame).to_have_attribute("lang", "ar-EG")
    grid = visitor.page.get_by_role("grid")
    expect(grid).not_to_have_attribute("aria-busy", "true")
    days = grid.get_by_role("row").nth(2).get_by_role("button")
    first, second = (days.nth(index).bounding_box() for index in (0, 1))
    assert first
    assert second
    assert first["x"] > second["x"]
    days.first.focus()
    visitor.page.keyboard.press("ArrowLeft")
    expect(days.nth(1)).to_be_focused()
    visitor.page.set_viewport_size(NARROWEST)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= NARROWEST["width"]


# What it costs


def test_its_size(enter: Enter, sandbox: Sandbox) -> None:
    """With gzip: until the calendar is on screen, and all that a visitor loads in a whole journey."""
    visitor = enter("")
    later = re.compile(r"/(more|\w+\.later)-")
    visitor.page.route(later, lambda _: None)
    visitor.asked.clear()
    visitor.embed(ONE_AGENT)
    expect(visitor.page.get_by_role("grid")).not_to_have_attribute("aria-busy", "true")
    until_calendar = {name for name in loaded(visitor) if not later.search(f"/{name}")}
    visitor.page.unroute_all()
    visitor.embed(ONE_AGENT)
    come_to_the_form(visitor, hour())
    visitor.fill_in()
    visitor.book()
    visitor.is_booked()
    visitor.link("Reschedule or cancel").click()
    expect(visitor.button("Reschedule")).to_be_visible()
    assert gzipped(until_calendar) <= FIRST_CALENDAR_BYTES
    assert gzipped(loaded(visitor) | until_calendar) <= ALL_BYTES


def loaded(visitor: ShopVisitor) -> set[str]:
    """The names of the widget's files."""
    return {url.rpartition("/")[2] for url in visitor.asked if "/widget/v1/" in url}


def gzipped(names: set[str]) -> int:
    return sum(len(gzip.compress((WIDGET / "dist" / name).read_bytes(), 9)) for name in names)


# What the documentation promises


def test_the_page_documents_every_attribute_event_and_part() -> None:
    source = {path.stem: path.read_text() for path in (WIDGET / "src").glob("*.ts")}
    text = FRONTEND.text.partition("## The booking widget")[2].partition("\n## ")[0]

    def documented(heading: str) -> set[str]:
        section = text.partition(f"### {heading}\n")[2].partition("\n### ")[0]
        return {name for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE) for name in re.findall("`([^`]+)`", row)}  # fmt: skip

    attributes = re.findall(r'"([\w-]+)"', source["attributes"].partition("export type")[0])
    assert documented("Attributes and properties") == set(attributes)
    assert documented("Events") == set(re.findall(r'"(videsk-[\w-]+)":', source["context"]))
    methods = set(re.findall(r"^  ([a-z]\w+)\(\): void {$", source["element"], re.MULTILINE))
    assert documented("Methods") == {f"{name}()" for name in methods if not name.endswith("Callback")}  # fmt: skip
    css = "".join((WIDGET / f"src/{name}.css").read_text() for name in ("style", "more"))
    assert documented("Appearance") == set(re.findall(r"var\((--videsk-[\w-]+)", css))
    parts = {part for code in source.values() for names in re.findall(r'part: (?:\w+ \? )?"([\w ]+)"(?: : "([\w ]+)")?', code) for name in names for part in name.split()}  # fmt: skip
    listed = re.findall(r"`(\w+)`", text.partition("\nParts: ")[2].partition("\n\n")[0])
    assert set(listed) == parts
    slots = {name for code in source.values() for name in re.findall(r'el\("slot", { name: "(\w+)"', code)}  # fmt: skip
    assert set(re.findall(r"`(\w+)`", text.partition("\nSlots: ")[2].partition("\n")[0])) == slots


@pytest.mark.parametrize("page", [README, FRONTEND], ids=["README", "docs/frontend"])
def test_the_snippet_of_the_docs_books(enter: Enter, sandbox: Sandbox, page: Any) -> None:
    snippet = page.blocks("html")[0][1]
    visitor = enter("")
    visitor.page.unroute_all()
    assert "https://booking.your-shop.example/" in snippet
    shown = enter(snippet.replace("https://booking.your-shop.example", visitor.proxy))
    shown.choose_service("Asesoría hipotecaria")
    shown.button("Juan Rivera").click()
    shown.choose_hour(hour())
    shown.fill_in()
    shown.book()
    shown.is_booked()


def test_a_page_can_pin_a_version(enter: Enter, server: Running) -> None:
    """The browser itself compares the script with its hash."""
    pins = requests.get(f"{server.url}/widget/v1/integrity.json", timeout=10).json()
    script = pins["script"]
    tag = f'<script type="module" crossorigin src="{server.url}/widget/v1/{script}" integrity="{{}}"></script>'
    visitor = enter("", provoked=("integrity",))
    visitor.site.body = tag.format(pins["integrity"][script]) + ALL_SERVICES
    visitor.come()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()
    visitor.site.body = tag.format(pins["integrity"]["videsk-booking.js"]) + ALL_SERVICES
    visitor.come()
    visitor.page.wait_for_load_state("networkidle")
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_have_count(0)

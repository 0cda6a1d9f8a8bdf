"""The booking widget on pages of another origin, with the real proxy and the sandbox."""

import gzip
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from playwright.sync_api import Browser, Route, ViewportSize, expect
from redis import Redis

from tests.client import FIRST_SERVICE, JOHN, ZONE
from tests.e2e.demo_page import DESKTOP, NAME, NARROWEST, RECORD_SHIFTS
from tests.e2e.pages import FRONTEND, README
from tests.e2e.test_demo import (
    book_elsewhere,
    booking_link,
    free_hour,
    hold_requests,
    pending_starts,
    videsk_instant,
)
from tests.e2e.test_widget_build import WIDGET
from tests.e2e.widget_page import POLICY, SEGMENT, OpenWidget, Site, WidgetVisitor, serve_site
from tests.processes import Sandbox, ServerProcess, proxy_server

expect.set_options(timeout=30_000)

ALL_SERVICES = f'<videsk-booking segment="{SEGMENT}"></videsk-booking>'
ONE_AGENT = (
    f'<videsk-booking segment="{SEGMENT}" service="{FIRST_SERVICE}" user="{JOHN}"></videsk-booking>'
)
FIRST_CALENDAR_BYTES = 11_150
ALL_BYTES = 26_250
"""Sizes with gzip, in one language."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Site]:
    with serve_site() as shop:
        yield shop


@pytest.fixture(scope="module")
def server(
    sandbox_process: Sandbox, redis_process: ServerProcess, shop: Site
) -> Iterator[ServerProcess]:
    settings = {"CORS_ORIGINS": shop.origin, "REDIS_URL": redis_process.redis_url}
    with proxy_server(sandbox_process, **settings, HOURS_TTL="0", HOURS_STALE="0") as server:
        yield server


@pytest.fixture
def open_widget(chromium: Browser, sandbox: Sandbox, redis: Redis, server: ServerProcess, shop: Site) -> Iterator[OpenWidget]:  # fmt: skip
    """Return a function that opens a page with this body as a new visitor."""
    visitors: list[WidgetVisitor] = []

    def open_widget(
        body: str = ALL_SERVICES,
        locale: str = "en-US",
        zone: str = ZONE,
        query: str = "",
        policy: str = POLICY,
        has_clock: bool = False,
        expected_messages: tuple[str, ...] = (),
        **options: Any,
    ) -> WidgetVisitor:
        options = {"viewport": DESKTOP, "reduced_motion": "reduce"} | options
        context = chromium.new_context(locale=locale, timezone_id=zone, **options)
        if has_clock:
            context.clock.install()
        language = locale[:2] if locale[:2] in {"es", "pt"} else "en"
        visitor = WidgetVisitor(context.new_page(), shop.origin, server.url, language, ZoneInfo(zone), expected_messages, site=shop)  # fmt: skip
        visitors.append(visitor)
        shop.body, shop.policy = visitor.script() + body, policy.format(proxy=server.url)
        visitor.open(visitor.page_url + query)
        return visitor

    yield open_widget
    violations = [visitor.violations() for visitor in visitors]
    for visitor in visitors:
        visitor.page.context.close()
    for visitor in visitors:
        assert visitor.unexpected_messages() == []
        assert visitor.third_party_requests() == set()
    assert [each for each in violations if each] == []


def go_to_form(visitor: WidgetVisitor, start: datetime) -> None:
    """Choose an hour in the calendar of ONE_AGENT, and expect the form."""
    expect(visitor.page.get_by_role("heading", level=2, name=visitor.texts["time"]["title"])).to_be_visible()  # fmt: skip
    visitor.choose_hour(start)
    visitor.expect_step(visitor.texts["details"]["title"])


# The booking flow


@pytest.mark.parametrize("locale", ["es-CL", "en-US", "pt-BR", "ar-EG"])
def test_a_page_with_a_strict_policy_books(
    open_widget: OpenWidget, sandbox: Sandbox, locale: str
) -> None:
    visitor = open_widget(locale=locale)
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.choose_hour(free_hour())
    visitor.fill_in_details()
    visitor.check_accessibility()
    visitor.book()
    visitor.expect_booked()
    visitor.check_accessibility()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    assert visitor.violations() == []
    assert visitor.events() == ["ready", "slot-selected", "booking-submitted", "booked"]
    chosen = {
        "startAt": videsk_instant(free_hour()),
        "timezone": ZONE,
        "service": FIRST_SERVICE,
        "user": JOHN,
    }
    assert visitor.detail("slot-selected") == chosen
    assert visitor.detail("booking-submitted").items() >= chosen.items()
    assert visitor.detail("booked")["booking"]["startAt"] == videsk_instant(free_hour())


def test_an_e_mailed_link_moves_and_cancels(open_widget: OpenWidget, sandbox: Sandbox, server: ServerProcess) -> None:  # fmt: skip
    visitor = open_widget()
    link = booking_link(server, visitor.page_url)
    visitor.open(link + "#faq")
    assert visitor.page.url == f"{visitor.page_url}#faq", "only the token is removed from the URL"
    visitor.button("Reschedule").click()
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.choose_hour(free_hour(15))
    visitor.button("Move appointment").click()
    visitor.expect_step("Your appointment has been moved")
    assert visitor.events() == ["ready", "slot-selected", "rescheduled"]
    visitor.link("Reschedule or cancel").click()
    visitor.button("Cancel appointment").click()
    visitor.button("Cancel appointment").click()
    visitor.button("Cancel appointment", visitor.page.get_by_role("dialog")).click()
    visitor.expect_step("Your appointment is canceled")
    assert visitor.detail("cancelled") == {"service": "Asesoría hipotecaria"}
    visitor.button("Book another appointment").click()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()
    assert pending_starts(sandbox) == []


def test_the_page_can_stop_a_booking(open_widget: OpenWidget, sandbox: Sandbox) -> None:
    visitor = open_widget(ONE_AGENT)
    visitor.page.evaluate(
        "document.addEventListener('videsk-booking-submitted', (event) => event.preventDefault())"
    )
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    visitor.book()
    visitor.wait_for_event("booking-submitted")
    expect(visitor.button("Book appointment")).to_be_enabled()
    assert pending_starts(sandbox) == []


def test_an_error_is_an_event(open_widget: OpenWidget) -> None:
    visitor = open_widget(ONE_AGENT, expected_messages=("ERR_FAILED",))
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    visitor.page.route("**/appointments", lambda route: route.abort())
    visitor.book()
    visitor.wait_for_event("error")
    error = visitor.detail("error")
    assert (error["status"], error["outcomeUnknown"]) == (0, True)


def test_a_reload_before_the_response_does_not_book_twice(
    open_widget: OpenWidget, sandbox: Sandbox
) -> None:
    visitor = open_widget(ONE_AGENT, expected_messages=("ERR_FAILED",))
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()

    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    visitor.page.route("**/appointments", lose, times=3)  # the client sends it three times
    visitor.book()
    expect(visitor.alert()).to_contain_text("We do not know whether it went through")
    visitor.page.reload()
    expect(visitor.alert()).to_contain_text("We do not know whether it went through")
    expect(visitor.page.get_by_text("Juan Rivera")).to_be_visible()
    visitor.check_accessibility()
    visitor.button("Check again").click()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", level=2, name="When suits you?")).to_be_visible()


def test_a_rejected_booking_is_not_resumed(open_widget: OpenWidget, sandbox: Sandbox) -> None:
    visitor = open_widget(ONE_AGENT, expected_messages=("409", "ERR_FAILED"))
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    book_elsewhere(sandbox, free_hour())
    visitor.page.route("**/hours*", lambda route: route.abort(), times=1)  # the check before it
    visitor.book()
    visitor.expect_step("When suits you?")
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", level=2, name="When suits you?")).to_be_visible()


@pytest.mark.parametrize("name", ["more", "en"])
def test_a_script_that_is_gone_after_an_update_is_replaced_by_a_reload(
    open_widget: OpenWidget, name: str
) -> None:
    visitor = open_widget("", expected_messages=("404",))
    pattern = re.compile(rf"/widget/v1/{name}-")
    visitor.page.route(pattern, lambda route: route.fulfill(status=404), times=1)
    visitor.embed(ONE_AGENT)
    if name == "en":
        reload = visitor.button("↻ Reload")
    else:
        expect(visitor.alert()).to_contain_text("Please reload the page.")
        visitor.check_accessibility()
        reload = visitor.button("Reload")
    reload.click()
    go_to_form(visitor, free_hour())


# What is shown stays current


def test_an_hour_that_is_taken_while_the_form_is_filled_in_is_announced(
    open_widget: OpenWidget, sandbox: Sandbox
) -> None:
    visitor = open_widget(ONE_AGENT, has_clock=True)
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    book_elsewhere(sandbox, free_hour())
    visitor.page.clock.fast_forward("00:21")
    expect(visitor.alert()).to_contain_text("2:00 PM was taken a moment ago")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    expect(visitor.button("Book appointment")).to_be_hidden()
    visitor.check_accessibility()
    visitor.button("Choose another time").click()
    expect(visitor.hour(free_hour())).to_have_count(0)
    visitor.hour(free_hour(15)).click()
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    visitor.book()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour()), videsk_instant(free_hour(15))]


def test_an_hour_that_was_taken_since_the_last_check_is_not_requested(
    open_widget: OpenWidget, sandbox: Sandbox
) -> None:
    visitor = open_widget(ONE_AGENT)
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    book_elsewhere(sandbox, free_hour())
    sandbox.clear_request_log()
    visitor.page.evaluate(
        """document.addEventListener("videsk-error", ({detail}) => (window.status = detail.status))"""
    )
    visitor.button("Book appointment").dblclick()
    visitor.expect_step("When suits you?")
    assert visitor.page.evaluate("window.status") == "409", "as if Videsk had rejected it"
    expect(visitor.alert()).to_contain_text(
        "2:00 PM was taken a moment ago. Nothing has been booked."
    )
    visitor.hour(free_hour(15)).click()
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    visitor.book()
    visitor.expect_booked()
    posts = [entry for entry in sandbox.request_log() if entry["method"] == "POST"]
    assert len(posts) == 1
    assert pending_starts(sandbox) == [videsk_instant(free_hour()), videsk_instant(free_hour(15))]


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "hangs"])
def test_a_booking_does_not_need_the_check_before_it(
    open_widget: OpenWidget, sandbox: Sandbox, fails: bool
) -> None:
    visitor = open_widget(ONE_AGENT, expected_messages=("ERR_FAILED",) if fails else ())
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    checks: list[Route] = []

    def hold(route: Route) -> None:
        checks.append(route)
        if fails:
            route.abort()

    visitor.page.route("**/hours*", hold)
    visitor.book()
    visitor.expect_booked()
    assert len(checks) == 1
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_a_reload_during_the_check_before_a_booking_loses_nothing(
    open_widget: OpenWidget, sandbox: Sandbox
) -> None:
    visitor = open_widget(ONE_AGENT)
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    with visitor.page.expect_request("**/hours*"):
        visitor.page.route("**/hours*", lambda route: None, times=1)
        visitor.book()
    visitor.page.evaluate("document.querySelector('videsk-booking').reload()")
    expect(visitor.alert()).to_contain_text("We do not know whether it went through")
    visitor.page.wait_for_timeout(2500)  # the check ends after two seconds
    assert pending_starts(sandbox) == [], "the element that was left sends nothing"
    visitor.button("Check again").click()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_a_taken_hour_after_an_unknown_outcome_does_not_claim_that_nothing_is_booked(
    open_widget: OpenWidget, sandbox: Sandbox
) -> None:
    visitor = open_widget(ONE_AGENT, expected_messages=("502",))
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    sandbox.fault("reset", method="POST", after=True, times=1)
    visitor.book()
    expect(visitor.alert()).to_contain_text("We do not know whether it went through")
    visitor.page.go_back()
    visitor.hour(free_hour(15)).click()
    visitor.expect_step("Your details")
    book_elsewhere(sandbox, free_hour(15))
    visitor.book()
    visitor.expect_step("When suits you?")
    expect(visitor.alert()).to_contain_text(
        "2:15 PM is taken, and an earlier attempt may have gone through."
    )


def test_an_error_is_about_the_booking_that_was_sent(
    open_widget: OpenWidget, sandbox: Sandbox
) -> None:
    """The visitor goes back while it is being sent, and chooses another agent."""
    visitor = open_widget(expected_messages=("409",))
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.choose_hour(free_hour())
    visitor.fill_in_details()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with visitor.page.expect_request("**/appointments"):
        visitor.page.route("**/appointments", hold, times=1)
        visitor.book()
    visitor.page.go_back()
    visitor.expect_step("When suits you?")
    visitor.page.go_back()
    visitor.expect_step("Who would you like to meet?")
    book_elsewhere(sandbox, free_hour())
    with visitor.page.expect_request("**/hours*"):  # those that are left on that day
        visitor.page.route("**/hours*", hold, times=1)
        held[0].continue_()
    visitor.button("Marcos Fuentes").click()
    visitor.expect_step("When suits you?")
    held[1].continue_()
    expect(visitor.alert()).to_contain_text("2:00 PM was taken a moment ago")
    expect(visitor.page.get_by_text("Juan Rivera")).to_be_visible()
    visitor.hour(free_hour(15)).click()
    visitor.book()
    visitor.expect_booked()
    assert visitor.detail("booking-submitted")["user"] == JOHN


def test_an_hour_on_screen_that_is_taken_is_marked(
    open_widget: OpenWidget, sandbox: Sandbox
) -> None:
    visitor = open_widget(ONE_AGENT, has_clock=True)
    visitor.go_to_month(free_hour())
    visitor.day(free_hour()).click()
    visitor.hour(free_hour(15)).focus()
    book_elsewhere(sandbox, free_hour())
    visitor.page.clock.fast_forward("00:21")
    name = f"{visitor.format('time', free_hour())}, {visitor.format('day', free_hour())}, taken"
    taken = visitor.button(name)
    expect(taken).to_have_attribute("aria-disabled", "true")
    expect(visitor.status_message()).to_contain_text("2:00 PM was taken a moment ago")
    expect(visitor.hour(free_hour(15))).to_be_focused()
    visitor.check_accessibility()
    taken.click(force=True)
    visitor.hour(free_hour(15)).click()
    visitor.expect_step("Your details")


def test_a_hidden_tab_sends_nothing_and_is_current_on_return(open_widget: OpenWidget, sandbox: Sandbox) -> None:  # fmt: skip
    visitor = open_widget(ONE_AGENT, has_clock=True)
    go_to_form(visitor, free_hour())
    visitor.page.wait_for_load_state("networkidle")
    show = """state => {
      Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    visitor.page.evaluate(show, "hidden")
    sent = len(visitor.sent_requests)
    book_elsewhere(sandbox, free_hour())
    visitor.page.clock.fast_forward("05:00")
    assert visitor.sent_requests[sent:] == []
    visitor.page.evaluate(show, "visible")
    expect(visitor.alert()).to_contain_text("2:00 PM was taken a moment ago")


# Attributes, properties, methods


def test_only_one_service_and_agent_are_offered(open_widget: OpenWidget) -> None:
    visitor = open_widget(ONE_AGENT)
    visitor.go_to_month(free_hour())
    assert visitor.page.get_by_role("button", name="Asesoría hipotecaria").count() == 0
    assert visitor.page.get_by_role("button", name="Back").count() == 0
    progress = visitor.page.get_by_role("navigation")
    assert progress.get_by_role("listitem").all_inner_texts() == ["Time", "Details"]


def test_fields_can_be_filled_in_beforehand(open_widget: OpenWidget) -> None:
    """The page can prefill fields. Its URL can too, for the fields in prefill-query."""
    prefill = """prefill='{"email": "ana@shop.example"}' prefill-query="name" """
    visitor = open_widget(ONE_AGENT.replace("segment=", f"{prefill} segment="), query="?name=Eva&email=x@evil.example")  # fmt: skip
    go_to_form(visitor, free_hour())
    expect(visitor.textbox("Nombre")).to_have_value("Eva")
    expect(visitor.textbox("Correo electrónico")).to_have_value("ana@shop.example")


def test_the_referrer_of_the_page_is_sent(
    open_widget: OpenWidget, sandbox: Sandbox, shop: Site
) -> None:
    visitor = open_widget(ONE_AGENT.replace("segment=", f'referrer="{shop.origin}/after" segment='))
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    visitor.book()
    visitor.expect_booked()
    assert visitor.detail("booked")["booking"]["rescheduleURL"].startswith(f"{shop.origin}/after?")


def test_the_dialog_opens_and_closes(open_widget: OpenWidget) -> None:
    body = ONE_AGENT.replace("segment=", 'mode="dialog" segment=')
    visitor = open_widget(body)
    visitor.wait_for_event("ready")
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog).to_be_hidden()
    visitor.page.route("**/more-*", lambda _: None)
    visitor.embed(body)
    visitor.wait_for_event("ready")
    visitor.page.evaluate("document.querySelector('videsk-booking').open()")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box
    assert box["width"] > 900, "before the calendar's styles have loaded"
    visitor.page.unroute_all()
    visitor.embed(body)
    visitor.page.evaluate("document.querySelector('videsk-booking').open()")
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    visitor.check_accessibility()
    visitor.button("Close").click()
    expect(dialog).to_be_hidden()
    visitor.page.evaluate("document.querySelector('videsk-booking').open()")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)


def test_properties_reflect_attributes_and_may_be_set_before_the_script_loads(
    open_widget: OpenWidget,
) -> None:
    visitor = open_widget("<section id='place'></section>")
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
    visitor.go_to_month(free_hour())
    expect(visitor.page.get_by_role("columnheader").first).to_have_text("Wed")
    visitor.day(free_hour()).click()
    expect(visitor.page.get_by_role("button", name="14:00, ")).to_be_visible()


def test_inside_a_form_only_the_hour_is_chosen(
    open_widget: OpenWidget, shop: Site, sandbox: Sandbox
) -> None:
    shop.posted.clear()
    body = f'<form method="post">{ONE_AGENT.replace("segment=", "name=hour segment=")}<button>Continue</button></form>'
    visitor = open_widget(body, policy=POLICY)
    visitor.choose_hour(free_hour())
    expect(visitor.hour(free_hour())).to_have_attribute("aria-pressed", "true")
    visitor.check_accessibility()
    visitor.button("Continue").click()
    visitor.page.wait_for_load_state()
    assert shop.posted == [f"hour={videsk_instant(free_hour()).replace(':', '%3A')}"]
    assert pending_starts(sandbox) == []


def test_the_history_of_the_host_page_is_kept(open_widget: OpenWidget) -> None:
    visitor = open_widget(ONE_AGENT)
    visitor.wait_for_event("ready")
    visitor.page.evaluate("history.replaceState({...history.state, router: 7}, '')")
    go_to_form(visitor, free_hour())
    assert visitor.page.evaluate("history.state.router") == 7
    visitor.page.evaluate("location.hash = 'terms'")
    expect(visitor.textbox("Nombre")).to_be_visible()
    visitor.page.go_back()
    visitor.expect_step("Your details")


# Languages and zones


def test_the_visitor_can_choose_another_zone(open_widget: OpenWidget) -> None:
    visitor = open_widget(ONE_AGENT)
    visitor.go_to_month(free_hour())
    visitor.button("Change time zone").click()
    search = visitor.page.get_by_role("combobox", name="Time zone")
    expect(search).to_be_focused()
    visitor.check_accessibility()
    zones = visitor.page.locator("#zones option").evaluate_all("all => all.map(({value}) => value)")
    assert len(zones) > 400
    search.fill("asia/tokyo")
    expect(visitor.page.get_by_text("Times in your time zone: Asia/Tokyo")).to_be_visible()
    visitor.zone = ZoneInfo("Asia/Tokyo")
    visitor.choose_hour(free_hour())
    visitor.expect_step("Your details")
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
    open_widget: OpenWidget, locale: str, first: str, two_o_clock: str
) -> None:
    visitor = open_widget(ONE_AGENT, locale)
    visitor.go_to_month(free_hour())
    expect(visitor.page.get_by_role("columnheader").first).to_have_text(first)
    visitor.page.get_by_role("grid").locator(f"[data-day='{free_hour():%Y-%m-%d}']").click()
    name = re.compile("^" + two_o_clock.replace(" ", r"\s") + ", ")
    expect(visitor.page.get_by_role("button", name=name)).to_be_visible()


def test_a_locale_that_the_page_sets_later_hides_the_menu_of_languages(
    open_widget: OpenWidget,
) -> None:
    visitor = open_widget(ONE_AGENT)
    menu = visitor.page.get_by_role("combobox")
    expect(menu).to_be_visible()
    visitor.page.evaluate("document.querySelector('videsk-booking').locale = 'pt-BR'")
    expect(visitor.page.locator(".frame")).to_have_attribute("lang", "pt-BR")
    expect(menu).to_have_count(0)


def test_custom_texts_can_be_right_to_left(open_widget: OpenWidget, chromium: Browser) -> None:
    visitor = open_widget(ONE_AGENT.replace("segment=", 'locale="ar-EG" segment='))
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


@pytest.mark.parametrize("size", [DESKTOP, NARROWEST], ids=["desktop", "phone"])
def test_little_moves_while_the_service_of_the_page_loads(
    open_widget: OpenWidget, size: ViewportSize
) -> None:
    visitor = open_widget("", viewport=size)
    visitor.page.add_init_script(RECORD_SHIFTS)
    answer = hold_requests(visitor, "**/api/services")
    visitor.embed(ONE_AGENT)
    expect(visitor.page.get_by_text(visitor.texts["loading"])).to_be_visible()
    visitor.page.wait_for_timeout(100)
    answer()
    expect(visitor.page.get_by_role("grid")).not_to_have_attribute("aria-busy", "true")
    visitor.page.wait_for_timeout(100)
    # Up to 0.1 is good: https://web.dev/articles/cls
    assert sum(visitor.page.evaluate("shifts.map(({ value }) => value)")) < 0.1


PIXEL = """(color) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""
"""Returns red, green and blue of a color in any notation."""


def test_the_accent_of_the_page_colors_all_that_is_green(open_widget: OpenWidget) -> None:
    visitor = open_widget(ONE_AGENT)
    visitor.page.evaluate(
        "document.querySelector('videsk-booking').style.setProperty('--videsk-accent', 'rgb(120, 0, 60)')"
    )
    visitor.go_to_month(free_hour())
    free = visitor.day(free_hour())
    expect(free).to_have_attribute("aria-disabled", "false")
    style = free.evaluate(
        "it => [getComputedStyle(it).color, getComputedStyle(it).backgroundColor]"
    )
    for color in style:
        red, green, blue = visitor.page.evaluate(PIXEL, color)
        assert red > blue > green, style


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (f'segment="{SEGMENT}" service="{JOHN}"', f"there is no service {JOHN}"),
        (f'service="{FIRST_SERVICE}" user="{JOHN}"', "the attribute segment is missing"),
    ],
)
def test_a_wrong_attribute_is_reported_in_the_console(
    open_widget: OpenWidget, attributes: str, message: str
) -> None:
    visitor = open_widget("", expected_messages=(message, "404"))
    with visitor.page.expect_console_message(lambda sent: message in sent.text):
        visitor.embed(f"<videsk-booking {attributes}></videsk-booking>")
        if "segment=" not in attributes:
            visitor.choose_hour(free_hour())


# Size


def test_the_size_of_the_widget(open_widget: OpenWidget, sandbox: Sandbox) -> None:
    """Check the size until the calendar is shown, and the size of a complete booking."""
    visitor = open_widget("")
    later = re.compile(r"/(more|\w+\.later)-")
    visitor.page.route(later, lambda _: None)
    visitor.sent_requests.clear()
    visitor.embed(ONE_AGENT)
    expect(visitor.page.get_by_role("grid")).not_to_have_attribute("aria-busy", "true")
    until_calendar = {name for name in loaded(visitor) if not later.search(f"/{name}")}
    visitor.page.unroute_all()
    visitor.embed(ONE_AGENT)
    go_to_form(visitor, free_hour())
    visitor.fill_in_details()
    visitor.book()
    visitor.expect_booked()
    visitor.link("Reschedule or cancel").click()
    expect(visitor.button("Reschedule")).to_be_visible()
    assert gzipped(until_calendar) <= FIRST_CALENDAR_BYTES
    assert gzipped(loaded(visitor) | until_calendar) <= ALL_BYTES


def loaded(visitor: WidgetVisitor) -> set[str]:
    """Return the names of the widget's files that were requested."""
    return {url.rpartition("/")[2] for url in visitor.sent_requests if "/widget/v1/" in url}


def gzipped(names: set[str]) -> int:
    return sum(len(gzip.compress((WIDGET / "dist" / name).read_bytes(), 9)) for name in names)


# Documentation


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
def test_the_snippet_of_the_docs_books(
    open_widget: OpenWidget, sandbox: Sandbox, page: Any
) -> None:
    snippet = page.blocks("html")[0][1]
    visitor = open_widget("")
    visitor.page.unroute_all()
    assert "https://booking.your-shop.example/" in snippet
    shown = open_widget(snippet.replace("https://booking.your-shop.example", visitor.proxy))
    shown.choose_service("Asesoría hipotecaria")
    shown.button("Juan Rivera").click()
    shown.choose_hour(free_hour())
    shown.fill_in_details()
    shown.book()
    shown.expect_booked()


def test_a_page_can_pin_a_version(open_widget: OpenWidget, server: ServerProcess) -> None:
    """The browser compares the script with its hash."""
    pins = requests.get(f"{server.url}/widget/v1/integrity.json", timeout=10).json()
    script = pins["script"]
    tag = f'<script type="module" crossorigin src="{server.url}/widget/v1/{script}" integrity="{{}}"></script>'
    visitor = open_widget("", expected_messages=("integrity",))
    visitor.site.body = tag.format(pins["integrity"][script]) + ALL_SERVICES
    visitor.open()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()
    visitor.site.body = tag.format(pins["integrity"]["videsk-booking.js"]) + ALL_SERVICES
    visitor.open()
    visitor.page.wait_for_load_state("networkidle")
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_have_count(0)

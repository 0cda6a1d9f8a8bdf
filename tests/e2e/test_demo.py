"""The booking page (frontend/demo/) in a real browser, with the real proxy and the sandbox.

Each test also checks that the browser logged no unexpected errors and called no third parties.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
from playwright.sync_api import Browser, Locator, Route, ViewportSize, expect
from redis import Redis

from tests.client import (
    FIRST_SERVICE,
    FORM,
    JOHN,
    OPEN_SERVICE,
    ZONE,
    Client,
    bearer,
    booking_body,
    working_day,
)
from tests.e2e.demo_page import (
    ACTIVE,
    DEMO,
    DESKTOP,
    EMAIL,
    FORMATS,
    NAME,
    PHONE,
    RECORD_SHIFTS,
    Visitor,
    page_for,
    texts_of,
)
from tests.e2e.node_tools import run, tool
from tests.processes import ROOT, Sandbox, ServerProcess, free_port, proxy_server, running_server

expect.set_options(timeout=30_000)

LANGUAGES = ("en", "es", "pt")
SOFIA = "63bdbf3b25ab497401602d10"
"""The first agent of the automatic service "Soporte técnico"."""

NewVisitor = Callable[..., Visitor]


def free_hour(minutes: int = 0, zone: str = ZONE) -> datetime:
    """Return the instant of 14:00 plus `minutes` on a working day in that zone. All agents are free."""
    begins = datetime.combine(date.fromisoformat(working_day()), time(14), ZoneInfo(zone))
    return (begins + timedelta(minutes=minutes)).astimezone(UTC)


def videsk_instant(instant: datetime) -> str:
    """Format an instant as Videsk does."""
    return f"{instant:%Y-%m-%dT%H:%M}:00.000Z"


@pytest.fixture(scope="module")
def settings(sandbox_process: Sandbox, redis_process: ServerProcess) -> dict[str, str]:
    return {
        "CORS_ORIGINS": sandbox_process.url,
        "REDIS_URL": redis_process.redis_url,
    }


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox, settings: dict[str, str]) -> Iterator[ServerProcess]:
    with proxy_server(sandbox_process, **settings) as server:
        yield server


@pytest.fixture
def new_visitor(
    chromium: Browser, sandbox: Sandbox, redis: Redis, server: ServerProcess
) -> Iterator[NewVisitor]:
    """Return a function that creates visitors, each with a new browser profile."""
    visitors: list[Visitor] = []

    def new_visitor(
        locale: str = "en-US",
        zone: str = ZONE,
        expected_messages: tuple[str, ...] = (),
        proxy: ServerProcess = server,
        size: ViewportSize = DESKTOP,
        **options: Any,
    ) -> Visitor:
        context = chromium.new_context(
            locale=locale, timezone_id=zone, reduced_motion="reduce",
            viewport=size, **options,
        )  # fmt: skip
        language = locale[:2] if locale[:2] in LANGUAGES else "en"
        visitor = Visitor(
            context.new_page(), sandbox.url, proxy.url, language, ZoneInfo(zone), expected_messages
        )
        visitors.append(visitor)
        return visitor

    yield new_visitor
    for visitor in visitors:
        visitor.page.context.close()
    for visitor in visitors:
        assert visitor.third_party_requests() == set()
        assert visitor.unexpected_messages() == []


def post_requests(visitor: Visitor) -> list[str]:
    return [requested for requested in visitor.sent_requests if requested.startswith("POST ")]


def pending_starts(sandbox: Sandbox) -> list[object]:
    """Return the starts of the appointments that are neither moved nor canceled."""
    return [each["startAt"] for each in sandbox.appointments() if each["status"] == "pending"]


def book_elsewhere(sandbox: Sandbox, start: datetime, agent: str = JOHN, service: str = FIRST_SERVICE) -> None:  # fmt: skip
    """Book the hour directly with Videsk, without the proxy."""
    response = requests.post(
        f"{sandbox.url}/public/video-contact-center/schedule/user/{agent}",
        json={"startAt": videsk_instant(start), "timezone": ZONE, "form": FORM, "referrer": "x", "service": service},
        headers=bearer(sandbox.keys["backend"]),
        timeout=10,
    )  # fmt: skip
    assert response.status_code == 201


# Copying the page


def test_a_copy_of_the_folder_alone_is_a_booking_page(
    chromium: Browser, sandbox: Sandbox, tmp_path: Path
) -> None:
    """As in docs/frontend.md: the folder is copied, served from another origin, and only the proxy's URL is edited."""
    shutil.copytree(DEMO, tmp_path / "booking")
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]  # fmt: skip
    with (
        running_server(command, port) as files,
        proxy_server(sandbox, CORS_ORIGINS=files.url) as server,
    ):
        (tmp_path / "booking" / "index.html").write_text(page_for(server.url))
        page = chromium.new_page()
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.goto(f"{files.url}/booking/")
        expect(page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()
        page.close()
    own = (f"{files.url}/booking/", f"{server.url}/api/", f"{server.url}/widget/v1/")
    assert {url for url in requested if not url.startswith(own)} == set()


# Booking


@pytest.mark.parametrize(
    ("service", "agent", "agents_zone"),
    [("Asesoría hipotecaria", "Juan Rivera", ZONE), ("Soporte técnico", None, "America/Bogota")],
)
@pytest.mark.dates
@pytest.mark.parametrize(("locale", "zone"), [("es-CL", ZONE), ("en-US", "Asia/Tokyo")])
def test_from_the_list_of_services_to_the_calendar_file(
    new_visitor: NewVisitor, sandbox: Sandbox, service: str, agent: str | None, agents_zone: str, locale: str, zone: str
) -> None:  # fmt: skip
    start = free_hour(zone=agents_zone)
    visitor = new_visitor(locale, zone).open()
    texts = visitor.texts
    # Both kinds of service have the same screens, so only those of one are checked.
    check_accessibility = visitor.check_accessibility if agent else lambda: None
    expect(visitor.page.get_by_role("heading", level=2, name=texts["services"]["title"])).to_be_visible()  # fmt: skip
    expect(visitor.page.get_by_role("button", name=service)).to_be_visible()
    check_accessibility()
    visitor.choose_service(service)
    if agent:
        visitor.expect_step(texts["agents"]["title"])
        check_accessibility()
        visitor.button(agent).click()
    visitor.expect_step(texts["time"]["title"])
    visitor.go_to_month(start)
    visitor.day(start).click()
    expect(visitor.hour(start)).to_be_visible()
    check_accessibility()
    visitor.hour(start).click()
    visitor.expect_step(texts["details"]["title"])
    visitor.fill_in_details()
    choice = visitor.page.get_by_role("region", name=texts["summary"]["label"])
    for chosen in (service, agent or "", *(visitor.format(what, start) for what in ("day", "time"))):  # fmt: skip
        expect(choice).to_contain_text(chosen)
    check_accessibility()
    visitor.book()
    visitor.expect_booked()
    check_accessibility()

    (appointment,) = sandbox.appointments()
    assert (appointment["startAt"], appointment["email"]) == (videsk_instant(start), EMAIL)
    end = datetime.fromisoformat(str(appointment["endAt"]))
    check_calendar_files(visitor, service, start, end)


def check_calendar_files(visitor: Visitor, service: str, start: datetime, end: datetime) -> None:
    """Check that the file and both links contain this service and these instants."""
    booked = visitor.texts["booked"]
    with visitor.page.expect_download() as download:
        visitor.link(booked["ics"]).click()
    assert download.value.suggested_filename == "appointment.ics"
    file = download.value.path().read_bytes()
    assert file.replace(b"\r\n", b"").count(b"\n") == 0
    assert max(map(len, file.split(b"\r\n"))) <= 75
    lines = file.decode().replace("\r\n ", "").split("\r\n")
    basic = [f"{instant:%Y%m%dT%H%M00Z}" for instant in (start, end)]
    assert [lines[0], lines[-2], lines[-1]] == ["BEGIN:VCALENDAR", "END:VCALENDAR", ""]
    assert {f"DTSTART:{basic[0]}", f"DTEND:{basic[1]}", f"SUMMARY:{service}"} <= set(lines)
    google, outlook = (
        parse_qs(urlsplit(visitor.link(booked[name]).get_attribute("href") or "").query)
        for name in ("google", "outlook")
    )
    assert (google["text"], google["dates"]) == ([service], ["/".join(basic)])
    assert (outlook["startdt"], outlook["enddt"]) == (
        [videsk_instant(start)],
        [videsk_instant(end)],
    )


def test_an_hour_that_was_just_taken(new_visitor: NewVisitor, sandbox: Sandbox) -> None:
    visitor = new_visitor(expected_messages=("409",))
    visitor.fill_in_booking(free_hour())
    book_elsewhere(sandbox, free_hour())
    visitor.book()
    visitor.expect_step("When suits you?")
    expect(visitor.alert()).to_contain_text(
        "2:00 PM was taken a moment ago. Nothing has been booked."
    )
    expect(visitor.hour(free_hour(15))).to_be_visible()
    expect(visitor.hour(free_hour())).to_have_count(0)
    visitor.check_accessibility()
    visitor.hour(free_hour(15)).click()
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    visitor.book()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour()), videsk_instant(free_hour(15))]


def double_click_mouse(visitor: Visitor) -> None:
    visitor.button("Book appointment").dblclick()


def press_enter_twice(visitor: Visitor) -> None:
    visitor.button("Book appointment").focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.press("Enter")


@pytest.mark.parametrize("double_click", [double_click_mouse, press_enter_twice])
def test_a_double_click_books_once(
    new_visitor: NewVisitor, sandbox: Sandbox, double_click: Callable[[Visitor], None]
) -> None:
    visitor = new_visitor()
    visitor.fill_in_booking(free_hour())
    sandbox.fault("delay", seconds=0.3, method="POST")
    double_click(visitor)
    expect(visitor.button("Booking…")).to_be_disabled()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    assert len(post_requests(visitor)) == 1


def test_booking_with_the_keyboard_only(new_visitor: NewVisitor, sandbox: Sandbox) -> None:
    start = free_hour()
    visitor = new_visitor().open()
    keys = visitor.page.keyboard
    visitor.tab_to(visitor.page.get_by_role("button", name="Asesoría hipotecaria"))
    keys.press("Enter")
    visitor.expect_step("Who would you like to meet?")
    visitor.tab_to(visitor.button("Juan Rivera"))
    keys.press("Enter")
    visitor.expect_step("When suits you?")
    grid = visitor.page.get_by_role("grid")
    soonest = visitor.page.get_by_role("region", name=visitor.texts["time"]["soonest"])
    for part in (grid, soonest):  # the script that fills the second has the keys of the first
        expect(part).not_to_have_attribute("aria-busy", "true")

    visitor.tab_to(grid.locator("[tabindex='0']"))
    focused = date.fromisoformat(str(visitor.page.evaluate(f"{ACTIVE}.dataset.day")))
    focused = next_month(focused)
    press_and_expect_day(visitor, "PageDown", focused)
    expect(visitor.status_message()).to_have_text(
        re.compile(rf"^\d+ days with available times in {focused:%B %Y}$")
    )
    sunday = focused - timedelta(days=focused.isoweekday() % 7)
    press_and_expect_day(visitor, "Home", sunday)
    press_and_expect_day(visitor, "End", sunday + timedelta(days=6))
    focused = sunday + timedelta(days=6)
    for key, days in (("ArrowDown", 7), ("ArrowRight", 1), ("ArrowUp", -7), ("ArrowLeft", -1)):
        focused += timedelta(days=days)
        press_and_expect_day(visitor, key, focused)
    target = start.astimezone(visitor.zone).date()
    while focused != target:
        key, days = ("ArrowRight", 1) if focused < target else ("ArrowLeft", -1)
        focused += timedelta(days=days)
        press_and_expect_day(visitor, key, focused)
    expect(visitor.day(start)).to_have_attribute("aria-disabled", "false")
    keys.press("Enter")
    expect(visitor.page.get_by_role("heading", level=3, name=f"{target:%A, %B} {target.day}")).to_be_focused()  # fmt: skip
    expect(visitor.status_message()).to_have_text(re.compile(r"^\d+ available times$"))
    visitor.tab_to(visitor.hour(start))
    keys.press("Enter")

    visitor.expect_step("Your details")
    visitor.tab_to(visitor.textbox("Correo electrónico"))
    keys.type("ana at home")
    keys.press("Enter")
    expect(visitor.textbox("Nombre")).to_be_focused()
    expect(visitor.textbox("Nombre")).to_have_accessible_description("Please fill this in.")
    visitor.check_accessibility()
    keys.type(NAME)
    keys.press("Enter")
    expect(visitor.textbox("Correo electrónico")).to_be_focused()
    keys.press("Control+A")
    keys.type(EMAIL)
    keys.press("Enter")
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(start)]


def press_and_expect_day(visitor: Visitor, key: str, to: date) -> None:
    """Press the key, and expect the focus on that day, whether it has available times or not."""
    visitor.page.keyboard.press(key)
    name = FORMATS["en"]["day"](datetime.combine(to, time()))
    expect(visitor.page.locator("videsk-booking :focus")).to_have_accessible_name(re.compile(f"^{name}(, no available times)?$"))  # fmt: skip


def next_month(day: date) -> date:
    """Return the same day of the next month, or its last day."""
    first = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def test_the_back_and_forward_buttons(new_visitor: NewVisitor, sandbox: Sandbox) -> None:
    visitor = new_visitor()
    visitor.fill_in_booking(free_hour())
    visitor.page.go_back()
    visitor.expect_step("When suits you?")
    expect(visitor.day(free_hour())).to_have_attribute("aria-pressed", "true")
    visitor.page.go_forward()
    visitor.expect_step("Your details")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    visitor.book()
    visitor.expect_booked()
    visitor.page.go_back()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


# While it loads


def hold_requests(visitor: Visitor, pattern: str) -> Callable[..., None]:
    """Hold requests to this URL. Return a function that responds to the first of them."""
    waiting: list[Route] = []

    def wait(route: Route) -> None:
        waiting.append(route)

    def respond(body: object = None, status: int = 200, **headers: str) -> None:
        while not waiting:
            visitor.page.wait_for_timeout(20)
        if body is None:
            return waiting.pop(0).continue_()
        cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*"}
        return waiting.pop(0).fulfill(status=status, json=body, headers=cors | headers)

    visitor.page.route(pattern, wait)
    return respond


def go_to_calendar(visitor: Visitor) -> None:
    """Choose the service and the agent."""
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.expect_step(visitor.texts["time"]["title"])


@pytest.mark.parametrize(("locale", "size"), [("en-US", DESKTOP), ("es-CL", PHONE)])
@pytest.mark.parametrize("soonest", ["three", "one", "none", "failed"])
def test_content_that_loads_later_causes_no_layout_shift(
    new_visitor: NewVisitor, locale: str, size: ViewportSize, soonest: str
) -> None:
    visitor = new_visitor(locale, expected_messages=("500",), size=size)
    answer_next, answer_dates = (
        hold_requests(visitor, "**/availability?*"),
        hold_requests(visitor, "**/dates?*"),
    )
    go_to_calendar(visitor.open())
    grid = visitor.page.get_by_role("grid")
    expect(visitor.page.get_by_text(visitor.texts["time"]["pickDay"])).to_be_visible()
    below = visitor.page.locator(".day")
    waiting = [grid.bounding_box(), position_of(below)]
    answer_dates([videsk_instant(noon_today(visitor))])
    expect(grid).not_to_have_attribute("aria-busy", "true")
    assert [grid.bounding_box(), position_of(below)] == waiting
    hours = [videsk_instant(free_hour(minutes)) for minutes in (0, 15, 30)]
    days: dict[str, Any] = {"three": {"day": hours}, "one": {"day": hours[:1]}, "none": {}}
    body = {"days": days[soonest]} if soonest in days else {}
    answer_next(body, status=500 if soonest == "failed" else 200)
    section = visitor.page.get_by_role("region", name=visitor.texts["time"]["soonest"])
    expect(section).not_to_have_attribute("aria-busy", "true")
    expect(section.get_by_role("button")).to_have_count({"three": 3, "one": 1}.get(soonest, 0))
    message = {"none": "soonestNone", "failed": "soonestFailed"}.get(soonest)
    if message:
        expect(section).to_contain_text(visitor.texts["time"][message])
    visitor.check_accessibility()
    assert [grid.bounding_box(), position_of(below)] == waiting


def go_past_an_empty_month(visitor: Visitor) -> tuple[Callable[..., None], str]:
    """Show a calendar whose first two months have no free days. Return what answers the next read of
    days, and the title of the first month.
    """
    answer_dates = hold_requests(visitor, "**/dates?*")
    go_to_calendar(visitor.open())
    title = visitor.page.locator("#month")
    first = title.text_content() or ""
    answer_dates([])
    expect(title).not_to_have_text(first)
    answer_dates([])
    expect(visitor.page.get_by_role("grid")).not_to_have_attribute("aria-busy", "true")
    return answer_dates, first


def test_a_current_month_without_free_days_is_skipped(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    answer_dates, first = go_past_an_empty_month(visitor)
    grid, title = (visitor.page.get_by_role("grid"), visitor.page.locator("#month"))
    expect(visitor.page.get_by_text(visitor.texts["time"]["lookIn"].split("{")[0])).to_be_visible()
    visitor.button(visitor.texts["time"]["previousMonth"]).click()
    expect(title).to_have_text(first)
    answer_dates([])
    expect(grid).not_to_have_attribute("aria-busy", "true")
    expect(title).to_have_text(first)


def test_a_month_that_was_reached_with_the_keyboard_is_not_skipped(
    new_visitor: NewVisitor,
) -> None:
    visitor = new_visitor()
    answer_dates, first = go_past_an_empty_month(visitor)
    grid, title = (visitor.page.get_by_role("grid"), visitor.page.locator("#month"))
    # The script that fills this region has the keys of the calendar.
    soonest = visitor.page.get_by_role("region", name=visitor.texts["time"]["soonest"])
    expect(soonest).not_to_have_attribute("aria-busy", "true")
    visitor.tab_to(grid.locator("[tabindex='0']"))
    visitor.page.keyboard.press("PageUp")
    expect(title).to_have_text(first)
    visitor.page.keyboard.press("Tab")
    answer_dates([])
    expect(grid).not_to_have_attribute("aria-busy", "true")
    expect(title).to_have_text(first)


def test_on_a_phone_the_hours_of_the_chosen_day_are_at_the_top(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(size=PHONE)
    go_to_calendar(visitor.open())
    visitor.go_to_month(free_hour())
    visitor.day(free_hour()).click()
    heading = visitor.page.locator(".day h3")
    expect(heading).to_be_focused()
    visitor.page.wait_for_function("() => scrollY > 0")
    assert 0 <= position_of(heading)[1] < PHONE["height"] / 5


def test_on_a_phone_the_hours_above_the_month_are_on_the_screen(
    new_visitor: NewVisitor, sandbox: Sandbox
) -> None:
    """They are above it after the chosen hour was taken."""
    visitor = new_visitor(expected_messages=("409",), size=PHONE)
    visitor.fill_in_booking(free_hour())
    book_elsewhere(sandbox, free_hour())
    visitor.book()
    expect(visitor.alert()).to_contain_text("was taken")
    grid = visitor.page.get_by_role("grid")
    visitor.button("Next month").click()
    expect(grid).not_to_have_attribute("aria-busy", "true")
    grid.locator("[aria-disabled=false]").last.click()
    heading = visitor.page.locator(".day h3")
    expect(heading).to_be_focused()
    visitor.page.wait_for_timeout(100)
    assert 0 <= position_of(heading)[1] < PHONE["height"] - 40


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_first_screen_appears_without_a_layout_shift(
    new_visitor: NewVisitor, size: ViewportSize
) -> None:
    visitor = new_visitor(size=size)
    visitor.page.add_init_script(RECORD_SHIFTS)
    answer = hold_requests(visitor, "**/api/services")
    visitor.open()
    expect(visitor.page.get_by_text(visitor.texts["loading"])).to_be_visible()
    visitor.page.wait_for_timeout(100)
    answer()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()
    expect(visitor.page.get_by_role("combobox", name=visitor.texts["language"])).to_be_visible()
    visitor.page.wait_for_timeout(100)
    assert visitor.page.evaluate("shifts.map(({ value }) => value)") == []


@pytest.mark.dates
def test_the_next_hours_are_spread_over_two_days(new_visitor: NewVisitor, proxy: Client) -> None:
    visitor = new_visitor()
    go_to_calendar(visitor.open())
    hours = visitor.page.locator(".soonest [data-hour]")
    expect(hours).to_have_count(3)
    names = hours.evaluate_all("all => all.map(({dataset}) => dataset.hour)")
    instants = [datetime.fromisoformat(name) for name in names]
    gaps = [after - before for before, after in pairwise(instants)]
    assert min(gaps) >= timedelta(hours=3)
    assert len({instant.astimezone(visitor.zone).date() for instant in instants}) == 2
    query = {"date": f"{instants[0]:%Y-%m}", "timezone": ZONE, "days": "2"}
    days = proxy.get(f"/api/users/{JOHN}/availability?{urlencode(query)}").json()["days"]
    assert names[0] == next(iter(days.values()))[0]
    hours.last.click()
    visitor.expect_step(visitor.texts["details"]["title"])


def noon_today(visitor: Visitor) -> datetime:
    """Return an instant in the month that is shown first, unless that has no free day."""
    return datetime.now(visitor.zone).replace(hour=12, minute=0).astimezone(UTC)


def position_of(locator: Locator) -> tuple[float, float]:
    """Return the position of the upper left corner on the screen."""
    box = locator.bounding_box()
    assert box
    return box["x"], box["y"]


def test_the_first_free_day_opens_without_taking_the_focus(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    answer_dates, answer_hours = (
        hold_requests(visitor, "**/dates?*"),
        hold_requests(visitor, "**/hours?*"),
    )
    go_to_calendar(visitor.open())
    noon = noon_today(visitor)
    answer_dates([videsk_instant(noon)])
    answer_hours([videsk_instant(noon)])
    expect(visitor.hour(noon)).to_be_visible()
    expect(visitor.day(noon)).to_have_attribute("aria-pressed", "true")
    visitor.expect_step("When suits you?")


def test_tab_stops_at_a_day_with_hours(new_visitor: NewVisitor) -> None:
    """The tab stop is right even if the available days load after the month is shown."""
    visitor = new_visitor()
    answer_dates = hold_requests(visitor, "**/dates?*")
    go_to_calendar(visitor.open())
    answer_dates([videsk_instant(noon_today(visitor))])
    visitor.button("Next month").click()
    day = next_month(datetime.now(visitor.zone).date()).replace(day=20)
    answer_dates([f"{day}T12:00:00.000Z"])
    stop = visitor.page.get_by_role("grid").locator("[tabindex='0']")
    expect(stop).to_have_attribute("data-day", str(day))
    expect(stop).to_have_attribute("aria-disabled", "false")


def test_a_focused_day_keeps_the_focus_when_available_days_load(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    answer_dates = hold_requests(visitor, "**/dates?*")
    go_to_calendar(visitor.open())
    visitor.tab_to(visitor.page.get_by_role("grid").locator("[tabindex='0']"))
    focused = visitor.page.evaluate(f"{ACTIVE}.dataset.day")
    answer_dates([])
    expect(visitor.page.get_by_role("grid")).not_to_have_attribute("aria-busy", "true")
    assert visitor.page.evaluate(f"{ACTIVE}.dataset.day") == focused


@pytest.mark.parametrize("locale", ["en-US", "es-CL"])
def test_loading_is_visible_without_animation(new_visitor: NewVisitor, locale: str) -> None:
    """With reduced motion, a text and the style of the days show that something is loading."""
    visitor = new_visitor(locale)
    answer_services, answer_dates = (
        hold_requests(visitor, "**/services"),
        hold_requests(visitor, "**/dates?*"),
    )
    visitor.open()
    loading = visitor.page.get_by_role("main").get_by_text(visitor.texts["loading"])
    assert height_of(loading) > 10
    visitor.check_accessibility()
    answer_services()
    go_to_calendar(visitor)
    looking = visitor.page.get_by_text(visitor.texts["time"]["loadingDays"])
    assert height_of(looking) > 10
    snapshot = "it => getComputedStyle(it).backgroundColor"
    day = visitor.page.get_by_role("grid").get_by_role("button").first
    assert day.evaluate("it => getComputedStyle(it.parentElement).animationName") == "none"
    while_loading = day.evaluate(snapshot)
    visitor.check_accessibility()
    answer_dates([videsk_instant(free_hour())])
    expect(looking).to_have_count(0)
    assert day.evaluate(snapshot) != while_loading


def height_of(locator: Locator) -> float:
    """Return the height on the screen. A text only for screen readers has a height of one pixel."""
    box = locator.first.bounding_box()
    assert box
    return box["height"]


# Errors


def test_without_a_network_nothing_is_lost(new_visitor: NewVisitor, sandbox: Sandbox) -> None:
    visitor = new_visitor()
    visitor.fill_in_booking(free_hour())
    visitor.page.context.set_offline(True)
    visitor.book()
    expect(visitor.alert()).to_contain_text("You seem to be offline")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    expect(visitor.textbox("Correo electrónico")).to_have_value(EMAIL)
    visitor.check_accessibility()
    visitor.page.context.set_offline(False)
    visitor.button("Try again").click()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_a_response_lost_between_proxy_and_videsk_does_not_book_twice(
    new_visitor: NewVisitor, sandbox: Sandbox
) -> None:
    visitor = new_visitor(expected_messages=("502", "409"))
    visitor.fill_in_booking(free_hour())
    sandbox.fault("reset", method="POST", after=True, times=1)
    visitor.book()
    expect(visitor.alert()).to_contain_text("We do not know whether it went through")
    visitor.check_accessibility()
    # The proxy does not know the outcome either, so its response to this key does not change.
    expect(visitor.button("Check again")).to_have_count(0)
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    visitor.button("No e-mail came: do it again").click()
    visitor.expect_step("When suits you?")
    expect(visitor.alert()).to_contain_text(
        "is taken, and an earlier attempt may have gone through"
    )
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_a_request_whose_response_was_lost_is_retried(
    new_visitor: NewVisitor, sandbox: Sandbox
) -> None:
    visitor = new_visitor(expected_messages=("ERR_FAILED",))
    visitor.fill_in_booking(free_hour())

    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    visitor.page.route("**/appointments", lose, times=1)
    visitor.book()
    visitor.expect_booked()
    assert len(post_requests(visitor)) == 2
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_a_lost_response_can_be_checked(new_visitor: NewVisitor, sandbox: Sandbox) -> None:
    visitor = new_visitor(expected_messages=("ERR_FAILED",))
    visitor.fill_in_booking(free_hour())

    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    # The client tries three times.
    visitor.page.route("**/appointments", lose, times=3)
    visitor.book()
    expect(visitor.alert()).to_contain_text("We do not know whether it went through")
    visitor.button("Check again").click()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


@pytest.mark.parametrize(
    ("locale", "title"),
    [
        ("en-US", "We cannot reach the booking service"),
        ("es-CL", "No pudimos conectarnos al servicio de reservas"),
    ],
)
def test_an_unreachable_proxy_is_explained(
    new_visitor: NewVisitor, locale: str, title: str
) -> None:
    visitor = new_visitor(locale, expected_messages=("ERR_FAILED",))
    visitor.page.route("**/api/services", lambda route: route.abort())
    visitor.open()
    expect(visitor.alert()).to_contain_text(title)
    visitor.check_accessibility()
    visitor.page.unroute("**/api/services")
    visitor.button(visitor.texts["tryAgain"]).click()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "source", "title"),
    [
        (429, "proxy", "Too many requests from this connection"),
        (429, "videsk", "Many people are booking right now"),
        (503, "proxy", "Many people are booking right now"),
    ],
)
def test_too_many_requests_of_one_client_are_rejected_with_the_reason(
    new_visitor: NewVisitor, status: int, source: str, title: str
) -> None:
    visitor = new_visitor(expected_messages=(str(status),))
    answer_services = hold_requests(visitor, "**/api/services")
    visitor.open()
    answer_services({}, status, **{"X-Error-Source": source, "Retry-After": "42"})
    expect(visitor.alert()).to_contain_text(title)
    seconds = visitor.alert().get_by_text(re.compile(r"Wait \d+ seconds, then try again\."))
    expect(seconds).to_have_count(int(source == "proxy" and status == 429))
    expect(visitor.page.get_by_role("button", name=re.compile(r"^Try again in \d+ s$"))).to_be_disabled()  # fmt: skip


@pytest.fixture(scope="module")
def strict_server(sandbox_process: Sandbox, settings: dict[str, str]) -> Iterator[ServerProcess]:
    with proxy_server(sandbox_process, **settings, BOOKING_RATE_LIMIT="1/minute") as server:
        yield server


def test_a_rate_limited_visitor_can_retry_after_the_wait(
    new_visitor: NewVisitor, sandbox: Sandbox, strict_server: ServerProcess, redis: Redis
) -> None:
    visitor = new_visitor(proxy=strict_server, expected_messages=("429",))
    visitor.page.clock.install()
    visitor.fill_in_booking(free_hour())
    assert Client(strict_server.url).post("/api/appointment/cancel", {}).status_code == 401
    visitor.book()
    expect(visitor.alert()).to_contain_text("Too many requests from this connection")
    expect(visitor.alert()).to_contain_text(re.compile(r"Wait \d+ seconds, then try again\."))
    waiting = visitor.page.get_by_role("button", name=re.compile(r"^Try again in \d+ s$"))
    expect(waiting).to_be_disabled()
    visitor.check_accessibility()
    # A minute passes: for the proxy, which counts in Redis, and for the page.
    redis.flushall()
    visitor.page.clock.fast_forward("01:00")
    visitor.button("Try again").click()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_a_failing_videsk(new_visitor: NewVisitor, sandbox: Sandbox) -> None:
    """Videsk fails three times, after which the client stops retrying the read."""
    visitor = new_visitor(expected_messages=("502",))
    sandbox.fault("status", status=500, path="/services", times=3)
    visitor.open()
    expect(visitor.alert()).to_contain_text("That did not work")
    visitor.check_accessibility()
    visitor.button("Try again").click()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()


# Moving and canceling


same_or_other_browser = pytest.mark.parametrize("same_browser", [True, False], ids=["same browser", "another browser"])  # fmt: skip


def booking_link(server: ServerProcess, page: str) -> str:
    """Book an hour on that page, and return the link in the e-mail."""
    booking = booking_body(videsk_instant(free_hour()), EMAIL) | {"referrer": page}
    booked = Client(server.url).post(f"/api/users/{JOHN}/appointments", booking)
    return str(booked.json()["rescheduleURL"])


def open_booking_link(
    new_visitor: NewVisitor, server: ServerProcess, *, same_browser: bool
) -> Visitor:
    """Follow the link of a booking, with the browser that booked or with another one."""
    customer = new_visitor(expected_messages=("401",))
    if same_browser:
        customer.fill_in_booking(free_hour())
        customer.book()
        customer.expect_booked()
        customer.link("Reschedule or cancel").click()
    else:
        customer.open(booking_link(server, customer.page_url))
    expect(customer.button("Reschedule")).to_be_visible()
    expect(customer.page.get_by_text("Juan Rivera")).to_have_count(int(same_browser))
    assert customer.page.url == customer.page_url, "the token is removed from the URL"
    return customer


@same_or_other_browser
def test_moving(
    new_visitor: NewVisitor, sandbox: Sandbox, server: ServerProcess, *, same_browser: bool
) -> None:
    customer = open_booking_link(new_visitor, server, same_browser=same_browser)
    (old_link,) = (
        requested[4:] for requested in customer.sent_requests if "v-schedule-auth" in requested
    )
    customer.check_accessibility()
    customer.button("Reschedule").click()
    if not same_browser:
        customer.expect_step("Which service is it for?")
        customer.choose_service("Asesoría hipotecaria")
        customer.expect_step("Who is it with?")
        customer.button("Juan Rivera").click()
        customer.go_to_month(free_hour())
        customer.day(free_hour()).click()
    expect(customer.page.get_by_role("heading", level=2, name="Choose a new time")).to_be_visible()
    customer.hour(free_hour(30)).click()
    customer.expect_step("Move your appointment?")
    customer.check_accessibility()
    customer.button("Move appointment").click()
    customer.expect_step("Your appointment has been moved")
    assert [(each["startAt"], each["status"]) for each in sandbox.appointments()] == [
        (videsk_instant(free_hour()), "rescheduled"), (videsk_instant(free_hour(30)), "pending"),
    ]  # fmt: skip

    customer.open(old_link)
    customer.button("Cancel appointment").click()
    confirm_cancellation(customer)
    expect(customer.alert()).to_contain_text("This link no longer works")
    customer.check_accessibility()
    assert pending_starts(sandbox) == [videsk_instant(free_hour(30))]


def test_a_taken_hour_is_that_of_the_move_that_was_sent(
    new_visitor: NewVisitor, sandbox: Sandbox, server: ServerProcess
) -> None:
    """The customer goes back while it is being sent, and chooses another hour."""
    customer = open_booking_link(new_visitor, server, same_browser=True)
    customer.expected_messages += ("409",)
    customer.button("Reschedule").click()
    customer.hour(free_hour(30)).click()
    customer.expect_step("Move your appointment?")
    book_elsewhere(sandbox, free_hour(30))
    answer_move = hold_requests(customer, "**/reschedule")
    customer.button("Move appointment").click()
    customer.page.go_back()
    customer.expect_step("Choose a new time")
    customer.hour(free_hour(15)).click()
    customer.expect_step("Move your appointment?")
    answer_move()
    expect(customer.alert()).to_contain_text("2:30 PM was taken a moment ago")
    expect(customer.hour(free_hour(15))).to_be_visible()


def test_moving_an_appointment_with_an_automatically_chosen_agent(
    new_visitor: NewVisitor, sandbox: Sandbox
) -> None:
    """The page also lists hours of other agents, and a conflict when moving offers no alternatives."""
    service, start = "63bdbf49394aad976d4aa43d", free_hour(zone="America/Bogota")
    busy, free = start + timedelta(minutes=20), start + timedelta(minutes=40)
    customer = new_visitor(expected_messages=("409",)).open()
    customer.choose_service("Soporte técnico")
    customer.choose_hour(start)
    customer.fill_in_details()
    customer.book()
    customer.expect_booked()
    assert [each["user"] for each in sandbox.appointments()] == [SOFIA]
    book_elsewhere(sandbox, busy, SOFIA, service)
    customer.link("Reschedule or cancel").click()
    customer.button("Reschedule").click()
    customer.hour(busy).click()
    customer.button("Move appointment").click()
    customer.expect_step("Choose a new time")
    expect(customer.alert()).to_contain_text("was taken a moment ago")
    expect(customer.hour(free)).to_be_visible()
    expect(customer.hour(busy)).to_have_count(0)
    customer.hour(free).click()
    customer.button("Move appointment").click()
    customer.expect_step("Your appointment has been moved")
    assert pending_starts(sandbox) == [videsk_instant(busy), videsk_instant(free)]


@same_or_other_browser
def test_cancelling(
    new_visitor: NewVisitor, sandbox: Sandbox, server: ServerProcess, *, same_browser: bool
) -> None:
    customer = open_booking_link(new_visitor, server, same_browser=same_browser)
    customer.button("Cancel appointment").click()
    customer.expect_step("Cancel this appointment?")
    customer.textbox("Reason (optional)").fill("No time")
    customer.check_accessibility()
    customer.button("Cancel appointment").click()
    dialog = customer.page.get_by_role("dialog", name="Cancel this appointment?")
    expect(customer.button("Keep appointment", dialog)).to_be_focused()
    customer.check_accessibility()
    customer.button("Keep appointment", dialog).click()
    expect(dialog).to_be_hidden()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    confirm_cancellation(customer)
    customer.expect_step("Your appointment is canceled")
    customer.check_accessibility()
    assert [each["status"] for each in sandbox.appointments()] == ["canceled"]
    assert customer.page.url == customer.page_url


def test_the_link_in_spanish(new_visitor: NewVisitor, server: ServerProcess) -> None:
    customer = new_visitor("es-CL")
    texts = customer.open(booking_link(server, customer.page_url)).texts["modify"]
    customer.button(texts["reschedule"]).click()
    customer.expect_step(texts["whichService"])
    customer.check_accessibility()
    customer.page.go_back()
    customer.expect_step(texts["title"])
    customer.check_accessibility()
    customer.button(texts["cancel"]).click()
    customer.expect_step(texts["reallyCancel"])
    customer.button(texts["cancel"]).click()
    customer.check_accessibility()


def confirm_cancellation(customer: Visitor) -> None:
    """Confirm the cancellation, from the step with the reason."""
    expect(customer.textbox("Reason (optional)")).to_be_visible()
    customer.button("Cancel appointment").click()
    customer.button("Cancel appointment", customer.page.get_by_role("dialog")).click()


def test_joining(new_visitor: NewVisitor, server: ServerProcess) -> None:
    """Open the link to join before the appointment and at its time."""
    visitor = new_visitor(expected_messages=("401",))
    proxy = Client(server.url)
    later = proxy.book("users", JOHN, videsk_instant(free_hour()), referrer=visitor.page_url).json()
    soon = proxy.get(f"/api/services/{OPEN_SERVICE}/next?timezone=UTC&limit=1").json()[0]
    now = proxy.book("services", OPEN_SERVICE, soon, referrer=visitor.page_url).json()
    visitor.open(later["joinURL"])
    expect(visitor.page.get_by_text("Your appointment opens here")).to_be_visible()
    visitor.check_accessibility()
    visitor.open(now["joinURL"])
    expect(visitor.page.get_by_text("your appointment is open")).to_be_visible()
    visitor.check_accessibility()
    assert visitor.page.url == visitor.page_url


# Languages and looks


@pytest.mark.parametrize(
    ("locale", "language", "title"),
    [
        ("es-CL", "es", "¿En qué podemos ayudarte?"),
        ("en-GB", "en", "What can we help you with?"),
        ("pt-BR", "pt", "Como podemos ajudar você?"),
        ("de-DE", "en", "What can we help you with?"),
    ],
)
def test_the_page_uses_the_browsers_language(
    new_visitor: NewVisitor, locale: str, language: str, title: str
) -> None:
    visitor = new_visitor(locale).open()
    expect(visitor.page.get_by_role("heading", level=2, name=title)).to_be_visible()
    region = locale[-2:]
    expect(visitor.page.locator(".frame")).to_have_attribute("lang", f"{language}-{region}")


def test_the_language_can_be_changed_and_is_stored(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.fill_in_booking(free_hour())
    visitor.page.get_by_role("combobox", name="Language").select_option("Español")
    expect(visitor.page.get_by_role("heading", level=2, name="Tus datos")).to_be_visible()
    expect(visitor.page.locator(".frame")).to_have_attribute("lang", "es-US")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    visitor.page.reload()
    title = visitor.page.get_by_role("heading", level=2, name="¿En qué podemos ayudarte?")
    expect(title).to_be_visible()
    visitor.page.get_by_role("combobox", name="Idioma").select_option("English")
    expect(visitor.page.locator(".frame")).to_have_attribute("lang", "en-US")


@pytest.mark.parametrize("language", ["es", "pt"])
def test_all_languages_have_the_same_texts(new_visitor: NewVisitor, language: str) -> None:
    page = new_visitor().page
    english, other = (dict(flatten_texts("", texts_of(page, each))) for each in ("en", language))
    assert len(english) > 90
    assert english.keys() == other.keys()
    assert all(text.strip() for text in (*english.values(), *other.values()))
    placeholders = {name: set(re.findall(r"{\w+}", english[name])) for name in english}
    assert placeholders == {name: set(re.findall(r"{\w+}", other[name])) for name in other}


def flatten_texts(above: str, texts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each text with its path, such as `booked.title`."""
    for name, text in texts.items():
        if isinstance(text, dict):
            yield from flatten_texts(f"{above}{name}.", text)
        else:
            yield above + name, text


@pytest.mark.parametrize(
    ("name", "locale", "size", "scheme", "last_step"),
    [
        ("desktop", "en-US", DESKTOP, "light", "time"),
        ("phone", "en-US", PHONE, "light", "time"),
        ("dark", "en-US", DESKTOP, "dark", "details"),
        ("spanish", "es-CL", DESKTOP, "light", "booked"),
    ],
)
def test_screenshots(
    new_visitor: NewVisitor, tmp_path: Path, name: str, locale: str, size: ViewportSize, scheme: str, last_step: str
) -> None:  # fmt: skip
    """Save it to the folder SCREENSHOTS, which is how docs/screenshots for the README are made."""
    visitor = new_visitor(locale, size=size, color_scheme=scheme).open()
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.go_to_month(free_hour())
    visitor.day(free_hour()).click()
    expect(visitor.hour(free_hour())).to_be_visible()
    if last_step != "time":
        visitor.hour(free_hour()).click()
        visitor.fill_in_details()
    if last_step == "booked":
        visitor.book()
        visitor.expect_booked()
    visitor.page.evaluate("scrollTo(0, 0)")
    picture = Path(os.environ.get("SCREENSHOTS", tmp_path), f"{name}.png")
    visitor.page.screenshot(path=picture)
    assert 20_000 < picture.stat().st_size < 150_000, "blank, or too large for the repository"


# Types


def test_the_widget_passes_the_type_checker() -> None:
    run(tool("tsc"), "--project", str(ROOT / "frontend/widget"))

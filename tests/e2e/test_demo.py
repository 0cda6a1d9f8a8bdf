"""The booking page (frontend/demo/) in a real browser: whole journeys through the real proxy to the sandbox.

Every visitor's browser is held to it that it complained of nothing and asked nobody else.
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
from urllib.parse import parse_qs, urlsplit
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
    booking_of,
    working_day,
)
from tests.e2e.demo_page import (
    ACTIVE,
    DEMO,
    DESKTOP,
    EMAIL,
    NAME,
    PHONE,
    WRITTEN,
    Visitor,
    page_for,
    texts_of,
)
from tests.e2e.node_tools import run, tool
from tests.processes import ROOT, Running, Sandbox, free_port, proxy_server, running

expect.set_options(timeout=30_000)

LANGUAGES = ("en", "es", "pt")
SOFIA = "63bdbf3b25ab497401602d10"
"""The first agent of the automatic service "Soporte técnico"."""

Visit = Callable[..., Visitor]


def hour(minutes: int = 0, zone: str = ZONE) -> datetime:
    """Two o'clock, and so many minutes, of a working day of that zone's agents: all have it free."""
    begins = datetime.combine(date.fromisoformat(working_day()), time(14), ZoneInfo(zone))
    return (begins + timedelta(minutes=minutes)).astimezone(UTC)


def written(instant: datetime) -> str:
    """As Videsk writes it."""
    return f"{instant:%Y-%m-%dT%H:%M}:00.000Z"


@pytest.fixture(scope="module")
def settings(sandbox_process: Sandbox, redis_process: Running) -> dict[str, str]:
    return {
        "CORS_ORIGINS": sandbox_process.url,
        "REDIS_URL": redis_process.redis_url,
    }


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox, settings: dict[str, str]) -> Iterator[Running]:
    with proxy_server(sandbox_process, **settings) as running:
        yield running


@pytest.fixture
def visit(chromium: Browser, sandbox: Sandbox, redis: Redis, server: Running) -> Iterator[Visit]:
    """Makes visitors, each with a browser profile of their own."""
    visitors: list[Visitor] = []

    def arrive(
        locale: str = "en-US",
        zone: str = ZONE,
        provoked: tuple[str, ...] = (),
        proxy: Running = server,
        size: ViewportSize = DESKTOP,
        **options: Any,
    ) -> Visitor:
        context = chromium.new_context(
            locale=locale, timezone_id=zone, reduced_motion="reduce",
            viewport=size, **options,
        )  # fmt: skip
        language = locale[:2] if locale[:2] in LANGUAGES else "en"
        visitor = Visitor(
            context.new_page(), sandbox.url, proxy.url, language, ZoneInfo(zone), provoked
        )
        visitors.append(visitor)
        return visitor

    yield arrive
    for visitor in visitors:
        visitor.page.context.close()
    for visitor in visitors:
        assert visitor.asked_of_others() == set()
        assert visitor.unprovoked() == []


def posts(visitor: Visitor) -> list[str]:
    return [asked for asked in visitor.asked if asked.startswith("POST ")]


def pending(sandbox: Sandbox) -> list[object]:
    """The starts of the appointments that stand."""
    return [each["startAt"] for each in sandbox.appointments() if each["status"] == "pending"]


def book_elsewhere(sandbox: Sandbox, start: datetime, agent: str = JOHN, service: str = FIRST_SERVICE) -> None:  # fmt: skip
    """Somebody who does not come through the proxy takes the hour."""
    answer = requests.post(
        f"{sandbox.url}/public/video-contact-center/schedule/user/{agent}",
        json={"startAt": written(start), "timezone": ZONE, "form": FORM, "referrer": "x", "service": service},
        headers=bearer(sandbox.keys["backend"]),
        timeout=10,
    )  # fmt: skip
    assert answer.status_code == 201


# Copying it


def test_a_copy_of_the_folder_alone_is_a_booking_page(
    chromium: Browser, sandbox: Sandbox, tmp_path: Path
) -> None:
    """As docs/frontend.md says: copied, served as files from an origin of its own, and only the proxy's address edited."""
    shutil.copytree(DEMO, tmp_path / "booking")
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]  # fmt: skip
    with (
        running(command, port) as files,
        proxy_server(sandbox, CORS_ORIGINS=files.url) as server,
    ):
        (tmp_path / "booking" / "index.html").write_text(page_for(server.url))
        page = chromium.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{files.url}/booking/")
        expect(page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()
        page.close()
    own = (f"{files.url}/booking/", f"{server.url}/api/", f"{server.url}/widget/v1/")
    assert {url for url in asked if not url.startswith(own)} == set()


# Booking


@pytest.mark.parametrize(
    ("service", "agent", "agents_zone"),
    [("Asesoría hipotecaria", "Juan Rivera", ZONE), ("Soporte técnico", None, "America/Bogota")],
)
@pytest.mark.dates
@pytest.mark.parametrize(("locale", "zone"), [("es-CL", ZONE), ("en-US", "Asia/Tokyo")])
def test_from_the_services_to_the_customers_calendar(
    visit: Visit, sandbox: Sandbox, service: str, agent: str | None, agents_zone: str, locale: str, zone: str
) -> None:  # fmt: skip
    start = hour(zone=agents_zone)
    visitor = visit(locale, zone).come()
    texts = visitor.texts
    # Both kinds of service have the same screens: those of one are examined.
    examine = visitor.examine if agent else lambda: None
    expect(visitor.page.get_by_role("heading", level=2, name=texts["services"]["title"])).to_be_visible()  # fmt: skip
    expect(visitor.page.get_by_role("button", name=service)).to_be_visible()
    examine()
    visitor.choose_service(service)
    if agent:
        visitor.sees(texts["agents"]["title"])
        examine()
        visitor.button(agent).click()
    visitor.sees(texts["time"]["title"])
    visitor.turn_to(start)
    visitor.day(start).click()
    expect(visitor.hour(start)).to_be_visible()
    examine()
    visitor.hour(start).click()
    visitor.sees(texts["details"]["title"])
    visitor.fill_in()
    choice = visitor.page.get_by_role("region", name=texts["summary"]["label"])
    for chosen in (service, agent or "", *(visitor.written(what, start) for what in ("day", "time"))):  # fmt: skip
        expect(choice).to_contain_text(chosen)
    examine()
    visitor.book()
    visitor.is_booked()
    examine()

    (appointment,) = sandbox.appointments()
    assert (appointment["startAt"], appointment["email"]) == (written(start), EMAIL)
    end = datetime.fromisoformat(str(appointment["endAt"]))
    take_to_the_calendar(visitor, service, start, end)


def take_to_the_calendar(visitor: Visitor, service: str, start: datetime, end: datetime) -> None:
    """The file and both links are of that service and of these instants."""
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
    assert (outlook["startdt"], outlook["enddt"]) == ([written(start)], [written(end)])


def test_an_hour_taken_meanwhile(visit: Visit, sandbox: Sandbox) -> None:
    visitor = visit(provoked=("409",))
    visitor.choose_all(hour())
    book_elsewhere(sandbox, hour())
    visitor.book()
    visitor.sees("When suits you?")
    expect(visitor.notice()).to_contain_text(
        "2:00 PM was taken a moment ago. Nothing has been booked."
    )
    expect(visitor.hour(hour(15))).to_be_visible()
    expect(visitor.hour(hour())).to_have_count(0)
    visitor.examine()
    visitor.hour(hour(15)).click()
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    visitor.book()
    visitor.is_booked()
    assert pending(sandbox) == [written(hour()), written(hour(15))]


def twice_by_mouse(visitor: Visitor) -> None:
    visitor.button("Book appointment").dblclick()


def twice_by_enter(visitor: Visitor) -> None:
    visitor.button("Book appointment").focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.press("Enter")


@pytest.mark.parametrize("twice", [twice_by_mouse, twice_by_enter])
def test_a_double_click_books_once(
    visit: Visit, sandbox: Sandbox, twice: Callable[[Visitor], None]
) -> None:
    visitor = visit()
    visitor.choose_all(hour())
    sandbox.fault("delay", seconds=0.3, method="POST")
    twice(visitor)
    expect(visitor.button("Booking…")).to_be_disabled()
    visitor.is_booked()
    assert pending(sandbox) == [written(hour())]
    assert len(posts(visitor)) == 1


def test_without_a_mouse(visit: Visit, sandbox: Sandbox) -> None:
    start = hour()
    visitor = visit().come()
    keys = visitor.page.keyboard
    visitor.tab_to(visitor.page.get_by_role("button", name="Asesoría hipotecaria"))
    keys.press("Enter")
    visitor.sees("Who would you like to meet?")
    visitor.tab_to(visitor.button("Juan Rivera"))
    keys.press("Enter")
    visitor.sees("When suits you?")
    grid = visitor.page.get_by_role("grid")
    expect(grid).not_to_have_attribute("aria-busy", "true")

    visitor.tab_to(grid.locator("[tabindex='0']"))
    here = date.fromisoformat(str(visitor.page.evaluate(f"{ACTIVE}.dataset.day")))
    here = next_month(here)
    walk(visitor, "PageDown", here)
    expect(visitor.said()).to_have_text(
        re.compile(rf"^\d+ days with available times in {here:%B %Y}$")
    )
    sunday = here - timedelta(days=here.isoweekday() % 7)
    walk(visitor, "Home", sunday)
    walk(visitor, "End", sunday + timedelta(days=6))
    here = sunday + timedelta(days=6)
    for key, days in (("ArrowDown", 7), ("ArrowRight", 1), ("ArrowUp", -7), ("ArrowLeft", -1)):
        here += timedelta(days=days)
        walk(visitor, key, here)
    there = start.astimezone(visitor.zone).date()
    while here != there:
        key, days = ("ArrowRight", 1) if here < there else ("ArrowLeft", -1)
        here += timedelta(days=days)
        walk(visitor, key, here)
    expect(visitor.day(start)).to_have_attribute("aria-disabled", "false")
    keys.press("Enter")
    expect(visitor.page.get_by_role("heading", level=3, name=f"{there:%A, %B} {there.day}")).to_be_focused()  # fmt: skip
    expect(visitor.said()).to_have_text(re.compile(r"^\d+ available times$"))
    visitor.tab_to(visitor.hour(start))
    keys.press("Enter")

    visitor.sees("Your details")
    visitor.tab_to(visitor.textbox("Correo electrónico"))
    keys.type("ana at home")
    keys.press("Enter")
    expect(visitor.textbox("Nombre")).to_be_focused()
    expect(visitor.textbox("Nombre")).to_have_accessible_description("Please fill this in.")
    visitor.examine()
    keys.type(NAME)
    keys.press("Enter")
    expect(visitor.textbox("Correo electrónico")).to_be_focused()
    keys.press("Control+A")
    keys.type(EMAIL)
    keys.press("Enter")
    visitor.is_booked()
    assert pending(sandbox) == [written(start)]


def walk(visitor: Visitor, key: str, to: date) -> None:
    """The key leads to that day, be it free or not."""
    visitor.page.keyboard.press(key)
    name = WRITTEN["en"]["day"](datetime.combine(to, time()))
    expect(visitor.page.locator("videsk-booking :focus")).to_have_accessible_name(re.compile(f"^{name}(, no available times)?$"))  # fmt: skip


def next_month(day: date) -> date:
    """The same day of the next month, or its last."""
    first = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def test_the_browsers_own_back_button(visit: Visit, sandbox: Sandbox) -> None:
    visitor = visit()
    visitor.choose_all(hour())
    visitor.page.go_back()
    visitor.sees("When suits you?")
    expect(visitor.day(hour())).to_have_attribute("aria-pressed", "true")
    visitor.page.go_forward()
    visitor.sees("Your details")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    visitor.book()
    visitor.is_booked()
    visitor.page.go_back()
    visitor.is_booked()
    assert pending(sandbox) == [written(hour())]


# While it loads


def hold(visitor: Visitor, pattern: str) -> Callable[..., None]:
    """Lets requests of this address wait for an answer; the function returned gives it to the first."""
    waiting: list[Route] = []

    def wait(route: Route) -> None:
        waiting.append(route)

    def answer(body: object = None, status: int = 200, **headers: str) -> None:
        while not waiting:
            visitor.page.wait_for_timeout(20)
        if body is None:
            return waiting.pop(0).continue_()
        cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*"}
        return waiting.pop(0).fulfill(status=status, json=body, headers=cors | headers)

    visitor.page.route(pattern, wait)
    return answer


def come_to_the_calendar(visitor: Visitor) -> None:
    """From the services."""
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.sees(visitor.texts["time"]["title"])


@pytest.mark.parametrize(("locale", "size"), [("en-US", DESKTOP), ("es-CL", PHONE)])
@pytest.mark.parametrize("soonest", ["three", "one", "none", "failed"])
def test_nothing_jumps_when_something_comes_later(
    visit: Visit, locale: str, size: ViewportSize, soonest: str
) -> None:
    visitor = visit(locale, provoked=("500",), size=size)
    answer_next, answer_dates = hold(visitor, "**/availability?*"), hold(visitor, "**/dates?*")
    come_to_the_calendar(visitor.come())
    grid = visitor.page.get_by_role("grid")
    expect(visitor.page.get_by_text(visitor.texts["time"]["pickDay"])).to_be_visible()
    below = visitor.page.locator(".day")
    waiting = [grid.bounding_box(), corner_of(below)]
    answer_dates()
    expect(grid).not_to_have_attribute("aria-busy", "true")
    assert [grid.bounding_box(), corner_of(below)] == waiting
    hours = [written(hour(minutes)) for minutes in (0, 15, 30)]
    days: dict[str, Any] = {"three": {"day": hours}, "one": {"day": hours[:1]}, "none": {}}
    body = {"days": days[soonest]} if soonest in days else {}
    answer_next(body, status=500 if soonest == "failed" else 200)
    section = visitor.page.get_by_role("region", name=visitor.texts["time"]["soonest"])
    expect(section).not_to_have_attribute("aria-busy", "true")
    expect(section.get_by_role("button")).to_have_count({"three": 3, "one": 1}.get(soonest, 0))
    said = {"none": "soonestNone", "failed": "soonestFailed"}.get(soonest)
    if said:
        expect(section).to_contain_text(visitor.texts["time"][said])
    visitor.examine()
    assert [grid.bounding_box(), corner_of(below)] == waiting


@pytest.mark.dates
def test_the_next_hours_are_a_choice(visit: Visit, proxy: Client) -> None:
    """Not three in a row, but spread over two days."""
    visitor = visit()
    come_to_the_calendar(visitor.come())
    hours = visitor.page.locator(".soonest [data-hour]")
    expect(hours).to_have_count(3)
    names = hours.evaluate_all("all => all.map(({dataset}) => dataset.hour)")
    instants = [datetime.fromisoformat(name) for name in names]
    gaps = [after - before for before, after in pairwise(instants)]
    assert min(gaps) >= timedelta(hours=3)
    assert len({instant.astimezone(visitor.zone).date() for instant in instants}) == 2
    days = proxy.get(f"/api/users/{JOHN}/availability?date={instants[0]:%Y-%m}&timezone={ZONE}&days=2").json()["days"]  # fmt: skip
    assert names[0] == next(iter(days.values()))[0]
    hours.last.click()
    visitor.sees(visitor.texts["details"]["title"])


def corner_of(locator: Locator) -> tuple[float, float]:
    """Where it begins on the screen."""
    box = locator.bounding_box()
    assert box
    return box["x"], box["y"]


def test_the_first_free_day_is_open_without_taking_the_focus(visit: Visit) -> None:
    visitor = visit()
    answer_dates, answer_hours = hold(visitor, "**/dates?*"), hold(visitor, "**/hours?*")
    come_to_the_calendar(visitor.come())
    noon = datetime.now(visitor.zone).replace(hour=12, minute=0).astimezone(UTC)
    answer_dates([written(noon)])
    answer_hours([written(noon)])
    expect(visitor.hour(noon)).to_be_visible()
    expect(visitor.day(noon)).to_have_attribute("aria-pressed", "true")
    visitor.sees("When suits you?")


def test_tab_stops_at_a_day_with_hours(visit: Visit) -> None:
    """Also when the days come later than the month."""
    visitor = visit()
    answer_dates = hold(visitor, "**/dates?*")
    come_to_the_calendar(visitor.come())
    answer_dates()
    visitor.button("Next month").click()
    day = next_month(datetime.now(visitor.zone).date()).replace(day=20)
    answer_dates([f"{day}T12:00:00.000Z"])
    stop = visitor.page.get_by_role("grid").locator("[tabindex='0']")
    expect(stop).to_have_attribute("data-day", str(day))
    expect(stop).to_have_attribute("aria-disabled", "false")


def test_a_day_that_has_the_focus_keeps_it_when_the_days_come(visit: Visit) -> None:
    visitor = visit()
    answer_dates = hold(visitor, "**/dates?*")
    come_to_the_calendar(visitor.come())
    visitor.tab_to(visitor.page.get_by_role("grid").locator("[tabindex='0']"))
    focused = visitor.page.evaluate(f"{ACTIVE}.dataset.day")
    answer_dates([])
    expect(visitor.page.get_by_role("grid")).not_to_have_attribute("aria-busy", "true")
    assert visitor.page.evaluate(f"{ACTIVE}.dataset.day") == focused


@pytest.mark.parametrize("locale", ["en-US", "es-CL"])
def test_loading_is_seen_without_motion(visit: Visit, locale: str) -> None:
    """By words, and by days that look neither free nor without hours."""
    visitor = visit(locale)
    answer_services, answer_dates = hold(visitor, "**/services"), hold(visitor, "**/dates?*")
    visitor.come()
    loading = visitor.page.get_by_role("main").get_by_text(visitor.texts["loading"])
    assert height_of(loading) > 10
    visitor.examine()
    answer_services()
    come_to_the_calendar(visitor)
    looking = visitor.page.get_by_text(visitor.texts["time"]["loadingDays"])
    assert height_of(looking) > 10
    snapshot = "it => getComputedStyle(it).backgroundColor"
    day = visitor.page.get_by_role("grid").get_by_role("button").first
    assert day.evaluate("it => getComputedStyle(it.parentElement).animationName") == "none"
    while_loading = day.evaluate(snapshot)
    visitor.examine()
    answer_dates([])
    expect(looking).to_have_count(0)
    assert day.evaluate(snapshot) != while_loading


def height_of(locator: Locator) -> float:
    """On the screen; a text for the ear alone has one pixel."""
    box = locator.first.bounding_box()
    assert box
    return box["height"]


# What goes wrong


def test_without_a_network_nothing_is_lost(visit: Visit, sandbox: Sandbox) -> None:
    visitor = visit()
    visitor.choose_all(hour())
    visitor.page.context.set_offline(True)
    visitor.book()
    expect(visitor.notice()).to_contain_text("You seem to be offline")
    expect(visitor.textbox("Nombre")).to_have_value(NAME)
    expect(visitor.textbox("Correo electrónico")).to_have_value(EMAIL)
    visitor.examine()
    visitor.page.context.set_offline(False)
    visitor.button("Try again").click()
    visitor.is_booked()
    assert pending(sandbox) == [written(hour())]


def test_an_answer_lost_behind_the_proxy_is_never_booked_twice(
    visit: Visit, sandbox: Sandbox
) -> None:
    visitor = visit(provoked=("502", "409"))
    visitor.choose_all(hour())
    sandbox.fault("reset", method="POST", after=True, times=1)
    visitor.book()
    expect(visitor.notice()).to_contain_text("We do not know whether it went through")
    visitor.examine()
    # The proxy itself is in doubt: what it answers to this key does not change any more.
    expect(visitor.button("Check again")).to_have_count(0)
    assert pending(sandbox) == [written(hour())]
    visitor.button("No e-mail came: do it again").click()
    visitor.sees("When suits you?")
    expect(visitor.notice()).to_contain_text("is taken, perhaps by your own first attempt")
    assert pending(sandbox) == [written(hour())]


def test_a_request_whose_response_was_lost_is_retried(visit: Visit, sandbox: Sandbox) -> None:
    visitor = visit(provoked=("ERR_FAILED",))
    visitor.choose_all(hour())

    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    visitor.page.route("**/appointments", lose, times=1)
    visitor.book()
    visitor.is_booked()
    assert len(posts(visitor)) == 2
    assert pending(sandbox) == [written(hour())]


def test_an_answer_that_stays_lost_can_be_checked_for(visit: Visit, sandbox: Sandbox) -> None:
    visitor = visit(provoked=("ERR_FAILED",))
    visitor.choose_all(hour())

    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    # The client sends it three times.
    visitor.page.route("**/appointments", lose, times=3)
    visitor.book()
    expect(visitor.notice()).to_contain_text("We do not know whether it went through")
    visitor.button("Check again").click()
    visitor.is_booked()
    assert pending(sandbox) == [written(hour())]


@pytest.mark.parametrize(
    ("locale", "title"),
    [
        ("en-US", "We cannot reach the booking service"),
        ("es-CL", "No pudimos conectarnos al servicio de reservas"),
    ],
)
def test_an_unreachable_proxy_is_not_the_visitors_fault(
    visit: Visit, locale: str, title: str
) -> None:
    visitor = visit(locale, provoked=("ERR_FAILED",))
    visitor.page.route("**/api/services", lambda route: route.abort())
    visitor.come()
    expect(visitor.notice()).to_contain_text(title)
    visitor.examine()
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
    visit: Visit, status: int, source: str, title: str
) -> None:
    visitor = visit(provoked=(str(status),))
    answer_services = hold(visitor, "**/api/services")
    visitor.come()
    answer_services({}, status, **{"X-Error-Source": source, "Retry-After": "42"})
    expect(visitor.notice()).to_contain_text(title)
    seconds = visitor.notice().get_by_text(re.compile(r"Wait \d+ seconds, then try again\."))
    expect(seconds).to_have_count(int(source == "proxy" and status == 429))
    expect(visitor.page.get_by_role("button", name=re.compile(r"^Try again in \d+ s$"))).to_be_disabled()  # fmt: skip


@pytest.fixture(scope="module")
def strict_server(sandbox_process: Sandbox, settings: dict[str, str]) -> Iterator[Running]:
    with proxy_server(sandbox_process, **settings, BOOKING_RATE_LIMIT="1/minute") as running:
        yield running


def test_too_many_wait_for_their_turn(
    visit: Visit, sandbox: Sandbox, strict_server: Running, redis: Redis
) -> None:
    visitor = visit(proxy=strict_server, provoked=("429",))
    visitor.page.clock.install()
    visitor.choose_all(hour())
    assert Client(strict_server.url).post("/api/appointment/cancel", {}).status_code == 401
    visitor.book()
    expect(visitor.notice()).to_contain_text("Too many requests from this connection")
    expect(visitor.notice()).to_contain_text(re.compile(r"Wait \d+ seconds, then try again\."))
    waiting = visitor.page.get_by_role("button", name=re.compile(r"^Try again in \d+ s$"))
    expect(waiting).to_be_disabled()
    visitor.examine()
    # A minute passes: for the proxy, which counts in Redis, and for the page.
    redis.flushall()
    visitor.page.clock.fast_forward("01:00")
    visitor.button("Try again").click()
    visitor.is_booked()
    assert pending(sandbox) == [written(hour())]


def test_a_failing_videsk(visit: Visit, sandbox: Sandbox) -> None:
    """Often enough that the client gives up: it tries a read three times."""
    visitor = visit(provoked=("502",))
    sandbox.fault("status", status=500, path="/services", times=3)
    visitor.come()
    expect(visitor.notice()).to_contain_text("That did not work")
    visitor.examine()
    visitor.button("Try again").click()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()


# Moving and canceling


both_browsers = pytest.mark.parametrize("knows", [True, False], ids=["same browser", "another browser"])  # fmt: skip


def mailed_link(server: Running, page: str) -> str:
    """Of a booking made on that page."""
    booking = booking_of(written(hour()), EMAIL) | {"referrer": page}
    booked = Client(server.url).post(f"/api/users/{JOHN}/appointments", booking)
    return str(booked.json()["rescheduleURL"])


def at_the_link(visit: Visit, server: Running, *, knows: bool) -> Visitor:
    """Somebody who follows the link of a booking, with the browser that booked or with another."""
    customer = visit(provoked=("401",))
    if knows:
        customer.choose_all(hour())
        customer.book()
        customer.is_booked()
        customer.link("Reschedule or cancel").click()
    else:
        customer.come(mailed_link(server, customer.home))
    expect(customer.button("Reschedule")).to_be_visible()
    expect(customer.page.get_by_text("Juan Rivera")).to_have_count(int(knows))
    assert customer.page.url == customer.home, "the token has left the address"
    return customer


@both_browsers
def test_moving(visit: Visit, sandbox: Sandbox, server: Running, *, knows: bool) -> None:
    customer = at_the_link(visit, server, knows=knows)
    (old_link,) = (asked[4:] for asked in customer.asked if "v-schedule-auth" in asked)
    customer.examine()
    customer.button("Reschedule").click()
    if not knows:
        customer.sees("Which service is it for?")
        customer.choose_service("Asesoría hipotecaria")
        customer.sees("Who is it with?")
        customer.button("Juan Rivera").click()
        customer.turn_to(hour())
        customer.day(hour()).click()
    expect(customer.page.get_by_role("heading", level=2, name="Choose a new time")).to_be_visible()
    customer.hour(hour(30)).click()
    customer.sees("Move your appointment?")
    customer.examine()
    customer.button("Move appointment").click()
    customer.sees("Your appointment has been moved")
    assert [(each["startAt"], each["status"]) for each in sandbox.appointments()] == [
        (written(hour()), "rescheduled"), (written(hour(30)), "pending"),
    ]  # fmt: skip

    customer.come(old_link)
    customer.button("Cancel appointment").click()
    confirm_cancelling(customer)
    expect(customer.notice()).to_contain_text("This link no longer works")
    customer.examine()
    assert pending(sandbox) == [written(hour(30))]


def test_moving_where_the_service_chose_the_agent(visit: Visit, sandbox: Sandbox) -> None:
    """It lists also what other agents have free. A conflict of a move names no alternatives."""
    service, start = "63bdbf49394aad976d4aa43d", hour(zone="America/Bogota")
    busy, free = start + timedelta(minutes=20), start + timedelta(minutes=40)
    customer = visit(provoked=("409",)).come()
    customer.choose_service("Soporte técnico")
    customer.choose_hour(start)
    customer.fill_in()
    customer.book()
    customer.is_booked()
    assert [each["user"] for each in sandbox.appointments()] == [SOFIA]
    book_elsewhere(sandbox, busy, SOFIA, service)
    customer.link("Reschedule or cancel").click()
    customer.button("Reschedule").click()
    customer.hour(busy).click()
    customer.button("Move appointment").click()
    customer.sees("Choose a new time")
    expect(customer.notice()).to_contain_text("was taken a moment ago")
    expect(customer.hour(free)).to_be_visible()
    expect(customer.hour(busy)).to_have_count(0)
    customer.hour(free).click()
    customer.button("Move appointment").click()
    customer.sees("Your appointment has been moved")
    assert pending(sandbox) == [written(busy), written(free)]


@both_browsers
def test_cancelling(visit: Visit, sandbox: Sandbox, server: Running, *, knows: bool) -> None:
    customer = at_the_link(visit, server, knows=knows)
    customer.button("Cancel appointment").click()
    customer.sees("Cancel this appointment?")
    customer.textbox("Reason (optional)").fill("No time")
    customer.examine()
    customer.button("Cancel appointment").click()
    dialog = customer.page.get_by_role("dialog", name="Cancel this appointment?")
    expect(customer.button("Keep appointment", dialog)).to_be_focused()
    customer.examine()
    customer.button("Keep appointment", dialog).click()
    expect(dialog).to_be_hidden()
    assert pending(sandbox) == [written(hour())]
    confirm_cancelling(customer)
    customer.sees("Your appointment is canceled")
    customer.examine()
    assert [each["status"] for each in sandbox.appointments()] == ["canceled"]
    assert customer.page.url == customer.home


def test_the_link_in_spanish(visit: Visit, server: Running) -> None:
    customer = visit("es-CL")
    texts = customer.come(mailed_link(server, customer.home)).texts["modify"]
    customer.button(texts["reschedule"]).click()
    customer.sees(texts["whichService"])
    customer.examine()
    customer.page.go_back()
    customer.sees(texts["title"])
    customer.examine()
    customer.button(texts["cancel"]).click()
    customer.sees(texts["reallyCancel"])
    customer.button(texts["cancel"]).click()
    customer.examine()


def confirm_cancelling(customer: Visitor) -> None:
    """From the step that asks for the reason."""
    expect(customer.textbox("Reason (optional)")).to_be_visible()
    customer.button("Cancel appointment").click()
    customer.button("Cancel appointment", customer.page.get_by_role("dialog")).click()


def test_joining(visit: Visit, server: Running) -> None:
    """The link to join: before its time, and at it."""
    visitor = visit(provoked=("401",))
    proxy = Client(server.url)
    later = proxy.book("users", JOHN, written(hour()), referrer=visitor.home).json()
    soon = proxy.get(f"/api/services/{OPEN_SERVICE}/next?timezone=UTC&limit=1").json()[0]
    now = proxy.book("services", OPEN_SERVICE, soon, referrer=visitor.home).json()
    visitor.come(later["joinURL"])
    expect(visitor.page.get_by_text("Your appointment opens here")).to_be_visible()
    visitor.examine()
    visitor.come(now["joinURL"])
    expect(visitor.page.get_by_text("your appointment is open")).to_be_visible()
    visitor.examine()
    assert visitor.page.url == visitor.home


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
def test_it_speaks_the_browsers_language(
    visit: Visit, locale: str, language: str, title: str
) -> None:
    visitor = visit(locale).come()
    expect(visitor.page.get_by_role("heading", level=2, name=title)).to_be_visible()
    region = locale[-2:]
    expect(visitor.page.locator(".frame")).to_have_attribute("lang", f"{language}-{region}")


def test_the_language_can_be_changed_and_is_stored(visit: Visit) -> None:
    visitor = visit()
    visitor.choose_all(hour())
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
def test_all_languages_have_the_same_texts(visit: Visit, language: str) -> None:
    page = visit().page
    english, other = (dict(named("", texts_of(page, each))) for each in ("en", language))
    assert len(english) > 90
    assert english.keys() == other.keys()
    assert all(text.strip() for text in (*english.values(), *other.values()))
    placeholders = {name: set(re.findall(r"{\w+}", english[name])) for name in english}
    assert placeholders == {name: set(re.findall(r"{\w+}", other[name])) for name in other}


def named(above: str, texts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each text with the way to it: `booked.title`."""
    for name, text in texts.items():
        if isinstance(text, dict):
            yield from named(f"{above}{name}.", text)
        else:
            yield above + name, text


@pytest.mark.parametrize(
    ("name", "locale", "size", "scheme", "until"),
    [
        ("desktop", "en-US", DESKTOP, "light", "time"),
        ("phone", "en-US", PHONE, "light", "time"),
        ("dark", "en-US", DESKTOP, "dark", "details"),
        ("spanish", "es-CL", DESKTOP, "light", "booked"),
    ],
)
def test_a_picture(
    visit: Visit, tmp_path: Path, name: str, locale: str, size: ViewportSize, scheme: str, until: str
) -> None:  # fmt: skip
    """Taken into the folder that SCREENSHOTS names, as docs/screenshots: those of the README."""
    visitor = visit(locale, size=size, color_scheme=scheme).come()
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.turn_to(hour())
    visitor.day(hour()).click()
    expect(visitor.hour(hour())).to_be_visible()
    if until != "time":
        visitor.hour(hour()).click()
        visitor.fill_in()
    if until == "booked":
        visitor.book()
        visitor.is_booked()
    visitor.page.evaluate("scrollTo(0, 0)")
    picture = Path(os.environ.get("SCREENSHOTS", tmp_path), f"{name}.png")
    visitor.page.screenshot(path=picture)
    assert 20_000 < picture.stat().st_size < 150_000, "blank, or too large for the repository"


# What it is written in


def test_its_types_are_right() -> None:
    run(tool("tsc"), "--project", str(ROOT / "frontend/widget"))

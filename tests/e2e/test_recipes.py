"""The recipes of docs/frontend.md, unchanged: with React and Vue in a real browser, and in Node."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.client import AUTOMATIC_SERVICE, FORM, OPEN_SERVICE, working_day
from tests.e2e.http_server import Handler, http_server
from tests.e2e.node_tools import CLIENT, node, run, tool
from tests.e2e.pages import FRONTEND
from tests.processes import Sandbox, ServerProcess, proxy_server

expect.set_options(timeout=30_000)

DAY = {"tsx": "day", "vue": "date"}
"""The name of each recipe's property with the day, or the first day."""
BAD_FORM = [*FORM[:-1], {**FORM[-1], "value": "ana at home"}]
PATH = "/reservas/"
EXAMPLE_PROXY = "https://booking.your-shop.example"

both_frameworks = pytest.mark.parametrize("kind", ["tsx", "vue"], ids=["React", "Vue"])


class Serve(Handler):
    def respond(self) -> None:
        self.reply(200, b'<!doctype html><link rel="icon" href="data:,"><div id="page"></div>')


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Serve a page on another origin than the proxy's, and yield the origin."""
    with http_server(Serve) as origin:
        yield origin


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox, origin: str) -> Iterator[ServerProcess]:
    ttls = dict.fromkeys(("SERVICES_TTL", "DATES_TTL", "HOURS_TTL"), "0")
    with proxy_server(sandbox_process, CORS_ORIGINS=origin, **ttls) as server:
        yield server


@dataclass
class RecipePage:
    """A page with a recipe's component."""

    page: Page
    day: str
    """The name of the property with the day."""

    def show(self, service: str, form: object = FORM) -> None:
        properties = {"service": service, self.day: working_day(), "form": form}
        self.page.evaluate("properties => window.show(properties)", properties)

    def hours(self) -> Locator:
        return self.page.get_by_role("button")

    def says(self, text: str) -> None:
        expect(self.page.get_by_role("status")).to_contain_text(text)


Open = Callable[[str], RecipePage]


@pytest.fixture(scope="module")
def bundle(
    server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function that bundles a recipe once for all tests, and returns the file."""

    @cache
    def bundle(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        recipe, bundled = folder / f"recipe.{kind}", folder / "bundle.js"
        recipe.write_text(
            dict(FRONTEND.blocks("tsx", "vue"))[kind].replace(EXAMPLE_PROXY, server.url)
        )
        tool("esbuild")
        run(node(), str(CLIENT / "tests" / "bundle.mjs"), str(recipe), str(bundled))
        return bundled

    return bundle


@pytest.fixture
def open_page(
    chromium: Browser, sandbox: Sandbox, bundle: Callable[[str], Path], origin: str
) -> Iterator[Open]:
    context = chromium.new_context()
    complaints: list[str] = []

    def open_page(kind: str) -> RecipePage:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(origin + PATH)
        page.add_script_tag(path=bundle(kind), type="module")
        page.wait_for_function("() => window.show !== undefined")
        return RecipePage(page, DAY[kind])

    yield open_page
    context.close()
    assert complaints == []


@both_frameworks
def test_a_corrected_form_is_booked_at_the_same_hour(
    open_page: Open, sandbox: Sandbox, kind: str
) -> None:
    shop = open_page(kind)
    shop.show(AUTOMATIC_SERVICE, BAD_FORM)
    shop.hours().first.click()
    shop.says("The value is no email")
    shop.show(AUTOMATIC_SERVICE)
    shop.hours().first.click()
    shop.says("Booked: ")
    assert len(sandbox.appointments()) == 1


@both_frameworks
def test_the_links_in_e_mails_lead_to_the_page(
    open_page: Open, sandbox: Sandbox, origin: str, kind: str
) -> None:
    """Across origins, browsers send only the origin of the page as Referer."""
    shop = open_page(kind)
    shop.show(AUTOMATIC_SERVICE)
    shop.hours().first.click()
    shop.says("Booked: ")
    posts = [entry for entry in sandbox.request_log() if entry["method"] == "POST"]
    assert [json.loads(str(entry["body"]))["referrer"] for entry in posts] == [origin + PATH]


@both_frameworks
def test_a_lost_response_does_not_book_twice(open_page: Open, sandbox: Sandbox, kind: str) -> None:
    shop = open_page(kind)

    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    # The client tries three times.
    shop.page.route("**/appointments", lose, times=3)
    shop.show(AUTOMATIC_SERVICE)
    shop.hours().first.click()
    shop.says("Please look for our e-mail")
    shop.hours().first.click()
    shop.says("Booked: ")
    assert len(sandbox.appointments()) == 1


def hold_requests(page: Page, pattern: str) -> Callable[[], Route]:
    """Hold requests to this URL. Return a function that waits for the first of them."""
    waiting: list[Route] = []

    def wait(route: Route) -> None:
        waiting.append(route)

    def first() -> Route:
        while not waiting:
            page.wait_for_timeout(20)
        return waiting[0]

    page.route(pattern, wait)
    return first


@both_frameworks
def test_another_service_does_not_show_the_hours_of_the_previous_one(
    open_page: Open, kind: str
) -> None:
    """Neither while its hours load, nor if they fail to load. An error is cleared with its service."""
    shop = open_page(kind)
    first_held = hold_requests(shop.page, f"**/{OPEN_SERVICE}/**")
    shop.show(AUTOMATIC_SERVICE)
    expect(shop.hours().first).to_be_visible()
    shop.show(OPEN_SERVICE)
    expect(shop.hours()).to_have_count(0)
    failure = {"message": "It failed."}
    first_held().fulfill(status=500, json=failure, headers={"Access-Control-Allow-Origin": "*"})
    shop.says("It failed.")
    expect(shop.hours()).to_have_count(0)
    shop.show(AUTOMATIC_SERVICE)
    expect(shop.hours().first).to_be_visible()
    expect(shop.page.get_by_text("It failed.")).to_have_count(0)


@both_frameworks
@pytest.mark.parametrize("shown_next", [AUTOMATIC_SERVICE, OPEN_SERVICE], ids=["stays", "leaves"])
def test_a_conflict_shows_the_free_hours(open_page: Open, kind: str, shown_next: str) -> None:
    """They are not shown if the page shows another service by then."""
    shop = open_page(kind)
    conflict = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Link",
        "Link": f'</api/services/{AUTOMATIC_SERVICE}/hours?free>; rel="alternate"',
    }
    first_held = hold_requests(shop.page, "**/hours?free")
    shop.page.route(
        "**/appointments",
        lambda route: route.fulfill(status=409, headers=conflict, json={"message": "Taken."}),
    )
    shop.show(AUTOMATIC_SERVICE)
    shop.hours().first.click()
    shop.says("Taken.")
    shop.show(shown_next)
    if shown_next == OPEN_SERVICE:
        expect(shop.page.get_by_text("Taken.")).to_have_count(0)
        expect(shop.hours().first).to_be_visible()
    first_held().fulfill(headers=conflict, json=["2000-01-01T12:34:00.000Z"])
    expect(shop.hours().first).to_be_enabled()
    is_shown = shop.page.get_by_role("button", name=":34").count() == 1
    assert is_shown == (shown_next == AUTOMATIC_SERVICE)


# A mobile app


@pytest.fixture
def run_app(sandbox: Sandbox, server: ServerProcess, tmp_path: Path) -> Callable[[str], Any]:
    """Return a function that runs JavaScript after the recipe, and returns the variable `result`."""

    def run_app(lines: str) -> Any:
        recipe = FRONTEND.blocks("ts")[-1][1]
        source, bundle = tmp_path / "app.ts", tmp_path / "app.mjs"
        source.write_text(
            recipe.replace(EXAMPLE_PROXY, server.url).replace(
                '"videsk-proxy-client"', f'"{CLIENT}/dist/index.js"'
            )
            + f"""
            const kept: Record<string, string> = {{}};
            const storage: Storage = {{
              getItem: async (name) => kept[name] ?? null,
              setItem: async (name, text) => void (kept[name] = text),
              removeItem: async (name) => void delete kept[name],
            }};
            const service = "{AUTOMATIC_SERVICE}";
            const day = {{ date: "{working_day()}", timezone: "UTC" }};
            const [startAt = "", another = ""] = await videsk.hours("services", service, day);
            const [good, bad] = {json.dumps([FORM, BAD_FORM])};
            const booking = {{ startAt, timezone: "UTC", form: good }};
            const realFetch = globalThis.fetch;
            let sent = 0;
            /** The answers to the next requests are lost. */
            function lose(count: number) {{
              globalThis.fetch = async (...request) => {{
                const answer = await realFetch(...request);
                if (sent++ < count) throw new TypeError("lost");
                return answer;
              }};
            }}
            const outcome = (promise: Promise<any>) =>
              promise.then((it) => it?.startAt ?? "nothing", (error) => error.outcomeUnknown ? "unknown" : error.status);
            let result: unknown;
            {lines}
            console.log(JSON.stringify({{ result, kept: Object.keys(kept), startAt, another }}));
            """
        )
        run(
            tool("esbuild"),
            str(source),
            "--bundle",
            "--format=esm",
            "--platform=node",
            f"--outfile={bundle}",
        )
        return json.loads(run(node(), str(bundle)))

    return run_app


def test_an_app_books_a_corrected_form_at_the_same_hour(
    run_app: Callable[[str], Any], sandbox: Sandbox
) -> None:
    done = run_app("""
      result = [
        await outcome(book(storage, service, { ...booking, form: bad })),
        await outcome(book(storage, service, booking)),
      ];
    """)
    assert done["result"] == [400, done["startAt"]]
    assert done["kept"] == []


def test_an_app_that_lost_the_response_books_once(
    run_app: Callable[[str], Any], sandbox: Sandbox
) -> None:
    """Whether the app is opened again or the customer presses the button again."""
    done = run_app("""
      lose(3);
      result = [await outcome(book(storage, service, booking)), await outcome(book(storage, service, booking))];
      sent = 0;
      result.push(await outcome(book(storage, service, { ...booking, startAt: another })));
      result.push(await outcome(resume(storage)), await outcome(resume(storage)));
    """)
    start, another = done["startAt"], done["another"]
    assert done["result"] == ["unknown", start, "unknown", another, "nothing"]
    assert done["kept"] == []
    assert sorted(str(each["startAt"]) for each in sandbox.appointments()) == [start, another]
    referrers = {
        json.loads(str(entry["body"]))["referrer"]
        for entry in sandbox.request_log()
        if entry["method"] == "POST"
    }
    assert referrers == {"our-app"}

"""The captcha in the booking widget: all three providers, under the policy that docs/frontend.md names."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Route, expect
from redis import Redis

from tests.client import FIRST_SERVICE, JOHN, ZONE
from tests.e2e.captcha_pages import ORIGINS, serve_captchas
from tests.e2e.captcha_provider import CaptchaProvider, captcha_provider
from tests.e2e.demo_page import DESKTOP, NAME, PHONE
from tests.e2e.pages import FRONTEND
from tests.e2e.test_demo import book_elsewhere, free_hour, pending_starts, videsk_instant
from tests.e2e.widget_page import POLICY, SEGMENT, Site, WidgetVisitor, serve_site
from tests.processes import Sandbox, ServerProcess, proxy_server

expect.set_options(timeout=30_000)

NAMES = {"turnstile": "Turnstile", "hcaptcha": "hCaptcha", "recaptcha": "reCAPTCHA"}
WIDGET = (
    f'<videsk-booking segment="{SEGMENT}" service="{FIRST_SERVICE}" user="{JOHN}"></videsk-booking>'
)
TRUE = {"success": True}
Enter = Callable[..., "Customer"]


def policy_for(provider: str, proxy: str) -> str:
    """Return the strict policy, with what the documentation adds for the provider."""
    row = re.search(rf"^\| \[{NAMES[provider]}\].*\| `(.+)` \|$", FRONTEND.text, re.MULTILINE)
    assert row
    directives: dict[str, str] = {}
    for directive in f"{POLICY.format(proxy=proxy)}; {row[1]}".split(";"):
        name, _, sources = directive.strip().partition(" ")
        directives[name] = f"{directives.get(name, '')} {sources}".strip()
    if "connect-src" in directives:
        directives["connect-src"] += f" {proxy}"
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


class Customer(WidgetVisitor):
    """A visitor on a page with a captcha."""

    def captcha(self, kind: str = "checkbox") -> Locator:
        frame = self.page.frame_locator(f"iframe[title$='{kind}']")
        return frame.get_by_role("checkbox", name="I am human")

    def solve(self, provider: str) -> None:
        """Turnstile passes without a click."""
        if provider != "turnstile":
            self.captcha().check()

    def stand_in(self, expression: str) -> Any:
        return self.page.evaluate(f"window.captchaStandIn.{expression}")

    def go_to_form(self) -> None:
        self.choose_hour(free_hour())
        self.expect_step(self.texts["details"]["title"])
        self.fill_in_details()

    def gets_a_token(self, number: int = 1) -> None:
        self.page.wait_for_function("number => window.captchaStandIn?.tokens?.length === number", arg=number)  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Iterator[Site]:
    with serve_site() as one:
        yield one


@pytest.fixture(scope="module")
def one_provider() -> Iterator[CaptchaProvider]:
    with captcha_provider() as provider:
        yield provider


@pytest.fixture
def provider(one_provider: CaptchaProvider) -> CaptchaProvider:
    """It confirms each token a single time."""
    one_provider.respond_with(TRUE)
    one_provider.requests_received.clear()
    one_provider.single_use = True
    return one_provider


@pytest.fixture(scope="module")
def proxy_with(
    sandbox_process: Sandbox,
    redis_process: ServerProcess,
    shop: Site,
    one_provider: CaptchaProvider,
) -> Iterator[Callable[[str], ServerProcess]]:
    """Returns the proxy with a provider's captcha; with "", that of Videsk."""
    started: dict[str, ServerProcess] = {}
    with ExitStack() as ends:

        def start(name: str) -> ServerProcess:
            settings = {"CORS_ORIGINS": shop.origin, "REDIS_URL": redis_process.redis_url, "HOURS_TTL": "0", "HOURS_STALE": "0"}  # fmt: skip
            if name:
                settings |= {
                    "CAPTCHA_PROVIDER": name,
                    "CAPTCHA_SECRET": "s3cr3t-of-the-captcha",
                    "CAPTCHA_SITE_KEY": f"key-of-{name}",
                    "CAPTCHA_VERIFY_URL": f"{one_provider.url}/siteverify",
                }
            else:
                settings["VIDESK_API_KEY"] = sandbox_process.keys["public"]
            if name not in started:
                started[name] = ends.enter_context(proxy_server(sandbox_process, **settings))
            return started[name]

        yield start


@pytest.fixture
def enter(
    chromium: Browser, sandbox: Sandbox, redis: Redis, provider: CaptchaProvider, shop: Site,
    proxy_with: Callable[[str], ServerProcess],
) -> Iterator[Enter]:  # fmt: skip
    """Opens the page for a new customer. `setup`: of the stand-in."""
    customers: list[Customer] = []

    def enter(
        name: str = "turnstile",
        body: str = WIDGET,
        setup: str = "{}",
        expected_messages: tuple[str, ...] = (),
        **options: Any,
    ) -> Customer:
        proxy = proxy_with(name)
        options = {"viewport": DESKTOP, "reduced_motion": "reduce"} | options
        context = chromium.new_context(locale="en-US", timezone_id=ZONE, **options)
        customer = Customer(context.new_page(), shop.origin, proxy.url, "en", ZoneInfo(ZONE), expected_messages, site=shop)  # fmt: skip
        customer.page.add_init_script(f"window.captchaStandIn = {setup}")
        serve_captchas(customer.page)
        customers.append(customer)
        shop.body, shop.policy = customer.script() + body, policy_for(name or "turnstile", proxy.url)  # fmt: skip
        customer.open()
        return customer

    yield enter
    allowed = tuple(ORIGINS.values())
    violations = [customer.violations() for customer in customers]
    for customer in customers:
        customer.page.context.close()
        assert customer.unexpected_messages() == []
        assert {
            url for url in customer.third_party_requests() if not url.startswith(allowed)
        } == set()
    assert [each for each in violations if each] == []


def tokens_verified(provider: CaptchaProvider) -> list[str]:
    return [form["response"] for _, form in provider.requests_received]


@pytest.mark.parametrize("name", NAMES)
def test_a_customer_books_with_a_captcha(
    enter: Enter, provider: CaptchaProvider, sandbox: Sandbox, name: str
) -> None:
    customer = enter(name)
    customer.choose_hour(free_hour())
    assert customer.third_party_requests() == set(), "nothing of the provider before the form"
    customer.expect_step("Your details")
    customer.fill_in_details()
    group = customer.page.get_by_role("group", name="Security check")
    expect(group).to_be_visible()
    expect(customer.captcha()).to_be_visible()
    customer.check_accessibility()
    customer.solve(name)
    customer.gets_a_token()
    customer.book()
    customer.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    assert tokens_verified(provider) == customer.stand_in("tokens")
    (rendered,) = customer.stand_in("rendered")
    assert rendered.items() >= {"sitekey": f"key-of-{name}", "theme": "light", "size": "normal", "language": "en"}.items()  # fmt: skip
    assert customer.stand_in("loads") == 1


def test_pressing_the_button_first_books_once_the_captcha_is_solved(enter: Enter, sandbox: Sandbox) -> None:  # fmt: skip
    customer = enter("hcaptcha", color_scheme="dark", viewport=PHONE | {"width": 320})
    customer.go_to_form()
    expect(customer.captcha()).to_be_visible()
    customer.book()
    expect(customer.alert()).to_have_text("Please complete the security check. Then your booking is sent.")  # fmt: skip
    customer.check_accessibility()
    customer.textbox("Nombre").fill("Eva Soto")
    assert pending_starts(sandbox) == []
    customer.captcha().check()
    customer.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    assert customer.stand_in("rendered")[0]["size"] == "compact"


def test_leaving_the_form_takes_the_booking_back(enter: Enter, sandbox: Sandbox) -> None:
    customer = enter("hcaptcha")
    customer.go_to_form()
    customer.book()
    customer.button("Back").click()
    customer.hour(free_hour()).click()
    expect(customer.textbox("Nombre")).to_have_value(NAME)
    customer.captcha().check()
    customer.gets_a_token()
    customer.page.wait_for_load_state("networkidle")
    assert pending_starts(sandbox) == []
    customer.book()
    customer.expect_booked()


@pytest.mark.parametrize("name", NAMES)
def test_a_booking_that_failed_is_tried_again_with_a_new_token(
    enter: Enter, provider: CaptchaProvider, sandbox: Sandbox, name: str
) -> None:
    customer = enter(name, expected_messages=("409", "422", "ERR_FAILED"))
    customer.go_to_form()
    customer.solve(name)
    customer.gets_a_token(1)
    sandbox.fault("status", method="POST", status=422, body={}, times=1)
    customer.book()
    expect(customer.alert()).to_contain_text("That was not accepted")
    customer.solve(name)
    customer.gets_a_token(2)
    book_elsewhere(sandbox, free_hour())
    customer.page.route("**/hours*", lambda route: route.abort(), times=1)  # the check before it
    customer.button("Try again").click()
    customer.expect_step("When suits you?")
    customer.hour(free_hour(15)).click()
    customer.solve(name)
    customer.gets_a_token(3)
    customer.book()
    customer.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour()), videsk_instant(free_hour(15))]
    assert tokens_verified(provider) == customer.stand_in("tokens")
    assert customer.stand_in("loads") == 1


@pytest.mark.parametrize("name", ["turnstile", "recaptcha"])
def test_an_expired_token_is_renewed(enter: Enter, provider: CaptchaProvider, name: str) -> None:
    customer = enter(name)
    customer.go_to_form()
    customer.solve(name)
    customer.gets_a_token()
    customer.stand_in("expire()")
    customer.book()
    if name != "turnstile":
        expect(customer.alert()).to_contain_text("Please complete the security check")
    customer.solve(name)
    customer.expect_booked()
    assert tokens_verified(provider) == customer.stand_in("tokens.slice(1)")


def test_a_token_that_has_expired_unnoticed_is_renewed_and_the_booking_sent(
    enter: Enter, provider: CaptchaProvider, sandbox: Sandbox
) -> None:
    customer = enter(expected_messages=("422",))
    customer.go_to_form()
    customer.gets_a_token()
    provider.requests_received.append(("/siteverify", {"secret": "s3cr3t-of-the-captcha", "response": customer.stand_in("tokens[0]")}))  # fmt: skip
    customer.book()
    customer.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_a_captcha_that_is_never_accepted_is_explained(
    enter: Enter, provider: CaptchaProvider
) -> None:
    customer = enter(expected_messages=("422",))
    provider.reject("invalid-input-response")
    customer.go_to_form()
    customer.book()
    expect(customer.alert().last).to_contain_text("The security check was not accepted")
    assert len(provider.requests_received) == 2, "it is renewed once"
    customer.check_accessibility()
    provider.respond_with(TRUE)
    customer.button("Try again").click()
    customer.expect_booked()


def lose(route: Route) -> None:
    assert route.fetch().status == 201
    route.abort()


def test_a_lost_response_is_found_with_the_token_that_was_sent(
    enter: Enter, provider: CaptchaProvider, sandbox: Sandbox
) -> None:
    customer = enter(expected_messages=("ERR_FAILED",))
    customer.go_to_form()
    customer.gets_a_token()
    customer.page.route("**/appointments", lose, times=3)
    customer.book()
    expect(customer.alert()).to_contain_text("We do not know whether it went through")
    customer.gets_a_token(2)
    customer.button("Check again").click()
    customer.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    assert len(provider.requests_received) == 1


@pytest.mark.parametrize("reloads", [False, True])
def test_an_attempt_that_was_not_made_is_made_with_a_new_token(
    enter: Enter, provider: CaptchaProvider, sandbox: Sandbox, redis: Redis, reloads: bool
) -> None:
    """The proxy has confirmed the token, Videsk has refused the booking, and neither response came."""
    customer = enter(expected_messages=("ERR_FAILED", "422"))
    customer.go_to_form()
    customer.gets_a_token()
    sandbox.fault("status", method="POST", status=503, body={}, times=3)

    def lose(route: Route) -> None:
        assert route.fetch().status == 503
        route.abort()

    customer.page.route("**/appointments", lose, times=3)
    customer.book()
    expect(customer.alert()).to_contain_text("We do not know whether it went through")
    assert redis.delete(*redis.keys("*captcha:*")) == 1, "a minute later"
    if reloads:
        customer.page.reload()
    customer.button("Check again").click()
    customer.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    assert len(set(tokens_verified(provider))) == 2


@pytest.mark.parametrize("name", ["hcaptcha", "recaptcha"])
def test_a_challenge_opens_above_the_dialog(enter: Enter, sandbox: Sandbox, name: str) -> None:
    body = WIDGET.replace("segment=", 'mode="dialog" segment=')
    customer = enter(name, body, setup="{pictures: true}")
    customer.page.evaluate("document.querySelector('videsk-booking').open()")
    scripts: list[Route] = []

    def hold(route: Route) -> None:
        scripts.append(route)

    customer.page.route("**/api.js*", hold)
    with customer.page.expect_request("**/api.js*"):
        customer.go_to_form()
    scripts[0].fallback()
    expect(customer.captcha()).to_be_visible()
    expect(customer.textbox("Correo electrónico")).to_be_focused()
    customer.captcha().check()
    customer.captcha("pictures").click()  # the frame goes with it
    customer.gets_a_token()
    box = customer.page.get_by_role("dialog").bounding_box()
    assert box
    assert 900 < box["width"] <= DESKTOP["width"]
    customer.book()
    customer.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_a_blocked_script_is_explained_and_can_be_loaded_again(enter: Enter) -> None:
    customer = enter(expected_messages=("ERR_FAILED", "404"))
    customer.page.route("**/captcha-*", lambda route: route.fulfill(status=404), times=1)
    customer.choose_hour(free_hour())
    expect(customer.alert()).to_contain_text("Please reload the page.")
    customer.page.route("**/api.js*", lambda route: route.abort(), times=1)
    customer.button("Reload").click()
    customer.go_to_form()
    expect(customer.alert()).to_contain_text("The security check cannot be loaded.")
    customer.check_accessibility()
    customer.button("Try again").click()
    customer.gets_a_token()
    expect(customer.alert()).to_be_hidden()
    customer.stand_in("fail()")
    expect(customer.alert()).to_contain_text("The security check cannot be loaded.")
    customer.stand_in("expire()")
    customer.gets_a_token(2)
    customer.book()
    customer.expect_booked()


def test_with_a_public_key_videsks_own_captcha_comes_when_it_is_needed(enter: Enter, sandbox: Sandbox) -> None:  # fmt: skip
    customer = enter("", setup="{token: 'captcha-ok'}", expected_messages=("400",))
    customer.go_to_form()
    customer.book()
    customer.expect_booked()
    assert customer.stand_in("rendered")[0]["sitekey"] == "1x00000000000000000000AA"
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]


def test_the_page_can_name_another_site_key(enter: Enter) -> None:
    customer = enter(body=WIDGET.replace("segment=", 'captcha-site-key="of-the-page" segment='))
    customer.go_to_form()
    customer.gets_a_token()
    assert customer.stand_in("rendered")[0]["sitekey"] == "of-the-page"
    # Starting again removes the captcha.
    assert customer.page.locator("iframe").count() == 1
    customer.page.evaluate("document.querySelector('videsk-booking').reload()")
    expect(customer.page.get_by_role("grid")).not_to_have_attribute("aria-busy", "true")
    expect(customer.page.locator("iframe")).to_have_count(0)
    expect(customer.page.locator("[slot='captcha']")).to_have_count(0)

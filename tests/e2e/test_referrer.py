"""The `referrer` of a booking: links in e-mails lead there, with a token in them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest
import requests

from tests.client import FIRST_SERVICE, JOHN, Client
from tests.days import YEAR
from tests.processes import Sandbox, proxy_server

SHOP, PAGE = "https://shop.example", "https://shop.example/book?step=2"
LOCAL, EVIL = "http://localhost:3000", "https://evil.example"
START = f"{YEAR}-05-06T14:00:00.000Z"
KINDS = {"users": JOHN, "services": FIRST_SERVICE}

OURS = [SHOP, PAGE, f"{SHOP}:443/", "HTTPS://SHOP.EXAMPLE/Page", f"{SHOP}/@evil.example", f"{LOCAL}/"]  # fmt: skip
CAMPAIGNS = [
    "spring",
    "spring sale: all",
    "e-mail / newsletter",
    "shop.example",
    "ñandú 50 %",
    "/page",
]
FOREIGN = [
    EVIL, f"{EVIL}/{SHOP}", f"{SHOP}.evil.example", f"{SHOP}@evil.example", f"{SHOP}:443@evil.example",
    "https://user:pass@shop.example", f"{EVIL}#@shop.example", f"{SHOP}:8443", "http://shop.example",
    "//evil.example", "//shop.example", "\t//evil.example", "/\t/evil.example", "\\\\evil.example",
    "/\\evil.example", "https:evil.example", "https:/evil.example", "ht\ntps:evil.example",
    f"{SHOP}\\@evil.example", f"{SHOP}\t.evil.example", f" {SHOP}", f"{SHOP}%2eevil.example",
    f"{SHOP}。evil.example", f"{SHOP}\u200b.evil.example", f"{SHOP}./",
    "://shop.example", f"see {EVIL}", f"spring\n{EVIL}",
]  # fmt: skip
SCHEMES = [
    "javascript:alert(1)", " JAVASCRIPT:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "ftp:evil",
    "mailto:a@evil.example", "campaign:2026", "javascript://shop.example/%0aalert(1)",
]  # fmt: skip
SCHEME_REFUSED = (
    "must be a URL whose origin is in REFERRER_ORIGINS, or a campaign's name that does not start "
    "with a word and a colon, such as javascript: or campaign:"
)
TOO_LONG = "must have at most 2048 characters"
IN_A_HEADER = [url for url in FOREIGN if url.isascii() and url.isprintable() and url == url.strip()]

SETTINGS = {
    "none": {"DEFAULT_REFERRER": ""},
    "default": {"DEFAULT_REFERRER": "spring"},
    "any": {"DEFAULT_REFERRER": "", "REFERRER_ORIGINS": "*"},
    "other": {"DEFAULT_REFERRER": "", "REFERRER_ORIGINS": "https://mail.example"},
}


@pytest.fixture(scope="module")
def proxies(sandbox_process: Sandbox) -> Iterator[dict[str, str]]:
    """Of each of SETTINGS the URL."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                proxy_server(sandbox_process, CORS_ORIGINS=f"{SHOP},{LOCAL}", **settings)
            ).url
            for name, settings in SETTINGS.items()
        }


def book(url: str, *, kind: str = "users", named: str | None = None, referer: str | None = None, origin: str | None = None) -> requests.Response:  # fmt: skip
    headers = {"Idempotency-Key": uuid4().hex, "Referer": referer, "Origin": origin}
    sent = {name: text for name, text in headers.items() if text is not None}
    body = {} if named is None else {"referrer": named}
    return Client(url).book(kind, KINDS[kind], START, sent, **body)


def referrers_sent(sandbox: Sandbox) -> list[str]:
    """The referrers that have reached Videsk."""
    return [json.loads(str(e["body"]))["referrer"] for e in sandbox.request_log() if e["body"]]


def assert_refused(response: requests.Response, sandbox: Sandbox, why: str) -> None:
    body = response.json()
    assert (response.status_code, body["name"]) == (400, "BadRequest")
    assert '"referrer"' in body["message"]
    assert body["errors"] == {"referrer": [why]}
    assert response.headers["X-Error-Source"] == "proxy"
    assert sandbox.request_log() == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("named", "referer", "origin", "reaches"),
    [
        ("autumn", PAGE, SHOP, "autumn"),
        (PAGE, f"{LOCAL}/", LOCAL, PAGE),
        (None, PAGE, LOCAL, PAGE),
        (None, None, LOCAL, LOCAL),
        (None, f"{EVIL}/", LOCAL, LOCAL),
        (None, f"{EVIL}/", EVIL, "spring"),
        (None, "about:blank", "null", "spring"),
        (None, "", "", "spring"),
        (None, None, None, "spring"),
    ],
)
def test_body_goes_before_referer_before_origin_before_the_default(
    proxies: dict[str, str],
    sandbox: Sandbox,
    kind: str,
    named: str | None,
    referer: str | None,
    origin: str | None,
    reaches: str,
) -> None:
    response = book(proxies["default"], kind=kind, named=named, referer=referer, origin=origin)
    assert response.status_code == 201
    assert referrers_sent(sandbox) == [reaches]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("header", [None, "", "null", "about:blank", f"{EVIL}/", "spring"])
def test_without_any_it_is_required(
    proxies: dict[str, str], sandbox: Sandbox, kind: str, header: str | None
) -> None:
    response = book(proxies["none"], kind=kind, referer=header, origin=header)
    assert_refused(response, sandbox, "is required")


@pytest.mark.parametrize("named", OURS + CAMPAIGNS)
def test_an_allowed_page_and_a_campaigns_name_reach_videsk_unchanged(
    proxies: dict[str, str], sandbox: Sandbox, named: str
) -> None:
    assert book(proxies["none"], named=named, referer=f"{EVIL}/").status_code == 201
    assert referrers_sent(sandbox) == [named]


@pytest.mark.parametrize("named", FOREIGN)
def test_a_foreign_url_in_the_body_is_refused_though_all_else_is_good(
    proxies: dict[str, str], sandbox: Sandbox, named: str
) -> None:
    response = book(proxies["default"], named=named, referer=PAGE, origin=SHOP)
    assert_refused(response, sandbox, "must be a URL whose origin is in REFERRER_ORIGINS")


@pytest.mark.parametrize("setting", ["default", "any"])
@pytest.mark.parametrize("named", SCHEMES)
def test_what_starts_with_a_scheme_is_refused(
    proxies: dict[str, str], sandbox: Sandbox, setting: str, named: str
) -> None:
    response = book(proxies[setting], named=named, referer=PAGE, origin=SHOP)
    assert_refused(response, sandbox, SCHEME_REFUSED)


@pytest.mark.parametrize("named", ["x" * 2049, "x" * 60_000, PAGE.ljust(2049, "x")])
def test_a_long_referrer_is_refused(proxies: dict[str, str], sandbox: Sandbox, named: str) -> None:
    assert_refused(book(proxies["default"], named=named, referer=PAGE), sandbox, TOO_LONG)


def test_a_long_header_is_passed_over(proxies: dict[str, str], sandbox: Sandbox) -> None:
    assert book(proxies["none"], referer=PAGE.ljust(2049, "x"), origin=LOCAL).status_code == 201
    assert referrers_sent(sandbox) == [LOCAL]


@pytest.mark.parametrize("url", IN_A_HEADER)
def test_a_foreign_url_in_a_header_is_passed_over(
    proxies: dict[str, str], sandbox: Sandbox, url: str
) -> None:
    assert book(proxies["none"], referer=url, origin=LOCAL).status_code == 201
    assert referrers_sent(sandbox) == [LOCAL]
    sandbox.reset()
    assert_refused(book(proxies["none"], referer=url, origin=url), sandbox, "is required")


def test_two_referers_are_not_an_allowed_page(proxies: dict[str, str], sandbox: Sandbox) -> None:
    """However a server joins them, no part of a stranger's goes on."""
    book(proxies["default"], referer=f"{PAGE}, {EVIL}/")
    book(proxies["default"], referer=f"{EVIL}/, {PAGE}")
    assert set(referrers_sent(sandbox)) == {"spring"}


@pytest.mark.parametrize("url", [f"{EVIL}/page", "//evil.example", "http://[::1]:9/", PAGE])
def test_with_an_asterisk_any_page_may_be_named(
    proxies: dict[str, str], sandbox: Sandbox, url: str
) -> None:
    assert book(proxies["any"], named=url).status_code == 201
    assert referrers_sent(sandbox) == [url]


def test_with_an_asterisk_a_header_still_has_to_be_a_url(
    proxies: dict[str, str], sandbox: Sandbox
) -> None:
    assert book(proxies["any"], referer="null", origin=EVIL).status_code == 201
    assert referrers_sent(sandbox) == [EVIL]


def test_origins_of_referrers_may_be_others_than_those_of_pages(
    proxies: dict[str, str], sandbox: Sandbox
) -> None:
    why = "must be a URL whose origin is in REFERRER_ORIGINS"
    assert_refused(book(proxies["other"], named=PAGE), sandbox, why)
    assert_refused(book(proxies["other"], referer=PAGE, origin=SHOP), sandbox, "is required")
    assert book(proxies["other"], named="https://mail.example/a").status_code == 201
    assert referrers_sent(sandbox) == ["https://mail.example/a"]

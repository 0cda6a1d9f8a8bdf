"""The `referrer` of a booking. Links in e-mails lead to it and contain a token."""

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
LOCAL, OTHER_ORIGIN = "http://localhost:3000", "https://evil.example"
START = f"{YEAR}-05-06T14:00:00.000Z"
KINDS = {"users": JOHN, "services": FIRST_SERVICE}

ALLOWED_URLS = [SHOP, PAGE, f"{SHOP}:443/", "HTTPS://SHOP.EXAMPLE/Page", f"{SHOP}/@evil.example", f"{LOCAL}/"]  # fmt: skip
CAMPAIGN_NAMES = [
    "spring",
    "spring sale: all",
    "e-mail / newsletter",
    "shop.example",
    "ñandú 50 %",
    "/page",
]
FOREIGN_URLS = [
    OTHER_ORIGIN, f"{OTHER_ORIGIN}/{SHOP}", f"{SHOP}.evil.example", f"{SHOP}@evil.example", f"{SHOP}:443@evil.example",
    "https://user:pass@shop.example", f"{OTHER_ORIGIN}#@shop.example", f"{SHOP}:8443", "http://shop.example",
    "//evil.example", "//shop.example", "\t//evil.example", "/\t/evil.example", "\\\\evil.example",
    "/\\evil.example", "https:evil.example", "https:/evil.example", "ht\ntps:evil.example",
    f"{SHOP}\\@evil.example", f"{SHOP}\t.evil.example", f" {SHOP}", f"{SHOP}%2eevil.example",
    f"{SHOP}。evil.example", f"{SHOP}\u200b.evil.example", f"{SHOP}./",
    "://shop.example", f"see {OTHER_ORIGIN}", f"spring\n{OTHER_ORIGIN}",
]  # fmt: skip
OTHER_SCHEMES = [
    "javascript:alert(1)", " JAVASCRIPT:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "ftp:evil",
    "mailto:a@evil.example", "campaign:2026", "javascript://shop.example/%0aalert(1)",
]  # fmt: skip
SCHEME_ERROR = (
    "must be a URL whose origin is in REFERRER_ORIGINS, or a campaign's name that does not start "
    "with a word and a colon, such as javascript: or campaign:"
)
TOO_LONG = "must have at most 2048 characters"
FOREIGN_HEADERS = [
    url for url in FOREIGN_URLS if url.isascii() and url.isprintable() and url == url.strip()
]

SETTINGS = {
    "none": {"DEFAULT_REFERRER": ""},
    "default": {"DEFAULT_REFERRER": "spring"},
    "any": {"DEFAULT_REFERRER": "", "REFERRER_ORIGINS": "*"},
    "other": {"DEFAULT_REFERRER": "", "REFERRER_ORIGINS": "https://mail.example"},
}


@pytest.fixture(scope="module")
def proxies(sandbox_process: Sandbox) -> Iterator[dict[str, str]]:
    """Start a proxy for each of SETTINGS, and yield their URLs by name."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                proxy_server(sandbox_process, CORS_ORIGINS=f"{SHOP},{LOCAL}", **settings)
            ).url
            for name, settings in SETTINGS.items()
        }


def book(url: str, *, kind: str = "users", referrer: str | None = None, referer: str | None = None, origin: str | None = None) -> requests.Response:  # fmt: skip
    headers = {"Idempotency-Key": uuid4().hex, "Referer": referer, "Origin": origin}
    sent = {name: text for name, text in headers.items() if text is not None}
    body = {} if referrer is None else {"referrer": referrer}
    return Client(url).book(kind, KINDS[kind], START, sent, **body)


def referrers_sent(sandbox: Sandbox) -> list[str]:
    """Return the referrers that reached Videsk."""
    return [json.loads(str(e["body"]))["referrer"] for e in sandbox.request_log() if e["body"]]


def assert_rejected(response: requests.Response, sandbox: Sandbox, message: str) -> None:
    body = response.json()
    assert (response.status_code, body["name"]) == (400, "BadRequest")
    assert '"referrer"' in body["message"]
    assert body["errors"] == {"referrer": [message]}
    assert response.headers["X-Error-Source"] == "proxy"
    assert sandbox.request_log() == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("referrer", "referer", "origin", "expected"),
    [
        ("autumn", PAGE, SHOP, "autumn"),
        (PAGE, f"{LOCAL}/", LOCAL, PAGE),
        (None, PAGE, LOCAL, PAGE),
        (None, None, LOCAL, LOCAL),
        (None, f"{OTHER_ORIGIN}/", LOCAL, LOCAL),
        (None, f"{OTHER_ORIGIN}/", OTHER_ORIGIN, "spring"),
        (None, "about:blank", "null", "spring"),
        (None, "", "", "spring"),
        (None, None, None, "spring"),
    ],
)
def test_precedence_is_body_then_referer_then_origin_then_default(
    proxies: dict[str, str],
    sandbox: Sandbox,
    kind: str,
    referrer: str | None,
    referer: str | None,
    origin: str | None,
    expected: str,
) -> None:
    response = book(
        proxies["default"], kind=kind, referrer=referrer, referer=referer, origin=origin
    )
    assert response.status_code == 201
    assert referrers_sent(sandbox) == [expected]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("header", [None, "", "null", "about:blank", f"{OTHER_ORIGIN}/", "spring"])
def test_without_any_source_the_referrer_is_required(
    proxies: dict[str, str], sandbox: Sandbox, kind: str, header: str | None
) -> None:
    response = book(proxies["none"], kind=kind, referer=header, origin=header)
    assert_rejected(response, sandbox, "is required")


@pytest.mark.parametrize("referrer", ALLOWED_URLS + CAMPAIGN_NAMES)
def test_allowed_pages_and_campaign_names_reach_videsk_unchanged(
    proxies: dict[str, str], sandbox: Sandbox, referrer: str
) -> None:
    assert book(proxies["none"], referrer=referrer, referer=f"{OTHER_ORIGIN}/").status_code == 201
    assert referrers_sent(sandbox) == [referrer]


@pytest.mark.parametrize("referrer", FOREIGN_URLS)
def test_a_foreign_url_in_the_body_is_rejected_despite_an_allowed_header(
    proxies: dict[str, str], sandbox: Sandbox, referrer: str
) -> None:
    response = book(proxies["default"], referrer=referrer, referer=PAGE, origin=SHOP)
    assert_rejected(response, sandbox, "must be a URL whose origin is in REFERRER_ORIGINS")


@pytest.mark.parametrize("setting", ["default", "any"])
@pytest.mark.parametrize("referrer", OTHER_SCHEMES)
def test_other_schemes_are_rejected(
    proxies: dict[str, str], sandbox: Sandbox, setting: str, referrer: str
) -> None:
    response = book(proxies[setting], referrer=referrer, referer=PAGE, origin=SHOP)
    assert_rejected(response, sandbox, SCHEME_ERROR)


@pytest.mark.parametrize("referrer", ["x" * 2049, "x" * 60_000, PAGE.ljust(2049, "x")])
def test_a_long_referrer_is_rejected(
    proxies: dict[str, str], sandbox: Sandbox, referrer: str
) -> None:
    assert_rejected(book(proxies["default"], referrer=referrer, referer=PAGE), sandbox, TOO_LONG)


def test_a_long_header_is_ignored(proxies: dict[str, str], sandbox: Sandbox) -> None:
    assert book(proxies["none"], referer=PAGE.ljust(2049, "x"), origin=LOCAL).status_code == 201
    assert referrers_sent(sandbox) == [LOCAL]


@pytest.mark.parametrize("url", FOREIGN_HEADERS)
def test_a_foreign_url_in_a_header_is_ignored(
    proxies: dict[str, str], sandbox: Sandbox, url: str
) -> None:
    assert book(proxies["none"], referer=url, origin=LOCAL).status_code == 201
    assert referrers_sent(sandbox) == [LOCAL]
    sandbox.reset()
    assert_rejected(book(proxies["none"], referer=url, origin=url), sandbox, "is required")


def test_two_referers_are_not_an_allowed_page(proxies: dict[str, str], sandbox: Sandbox) -> None:
    """No part of the other origin is forwarded, however the server joins the two headers."""
    book(proxies["default"], referer=f"{PAGE}, {OTHER_ORIGIN}/")
    book(proxies["default"], referer=f"{OTHER_ORIGIN}/, {PAGE}")
    assert set(referrers_sent(sandbox)) == {"spring"}


@pytest.mark.parametrize("url", [f"{OTHER_ORIGIN}/page", "//evil.example", "http://[::1]:9/", PAGE])
def test_with_an_asterisk_any_page_may_be_named(
    proxies: dict[str, str], sandbox: Sandbox, url: str
) -> None:
    assert book(proxies["any"], referrer=url).status_code == 201
    assert referrers_sent(sandbox) == [url]


def test_with_an_asterisk_a_header_still_has_to_be_a_url(
    proxies: dict[str, str], sandbox: Sandbox
) -> None:
    assert book(proxies["any"], referer="null", origin=OTHER_ORIGIN).status_code == 201
    assert referrers_sent(sandbox) == [OTHER_ORIGIN]


def test_referrer_origins_can_differ_from_cors_origins(
    proxies: dict[str, str], sandbox: Sandbox
) -> None:
    message = "must be a URL whose origin is in REFERRER_ORIGINS"
    assert_rejected(book(proxies["other"], referrer=PAGE), sandbox, message)
    assert_rejected(book(proxies["other"], referer=PAGE, origin=SHOP), sandbox, "is required")
    assert book(proxies["other"], referrer="https://mail.example/a").status_code == 201
    assert referrers_sent(sandbox) == ["https://mail.example/a"]

"""Which pages are allowed as referrer. Links in e-mails lead to it and contain a token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from web.referrers import Referrers, is_url

SHOP = "https://shop.example"
PAGE = f"{SHOP}/book?step=2#form"
REFERRERS = Referrers((SHOP, "http://localhost:3000"), None)
ANY_ORIGIN = Referrers(("*",), None)

ALLOWED_URLS = (
    SHOP,
    PAGE,
    f"{SHOP}:443/",
    "HTTPS://SHOP.EXAMPLE/Page",
    f"{SHOP}?next=https://evil.example",
    f"{SHOP}/@evil.example",
    "http://localhost:3000/",
)
FOREIGN_URLS = (
    "https://evil.example",
    "https://evil.example/https://shop.example",
    "https://shop.example.evil.example",
    "https://shop.example@evil.example",
    "https://shop.example:443@evil.example",
    "https://user:pass@shop.example",
    "https://evil.example#@shop.example",
    "https://shop.example:8443",
    "http://shop.example",
    "http://localhost:3001",
    "http://localhost",
    "//evil.example",
    "//shop.example",
    " //evil.example",
    "\t//evil.example",
    "\x01//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "https:evil.example",
    "HTTPS:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "ht\ntps:evil.example",
    "ht\ttps://evil.example",
    " https:evil.example",
    "https://shop.example\\@evil.example",
    "https://shop.example\t.evil.example",
    "https://shop.example\n@evil.example",
    " https://shop.example",
    "https://shop.example/a b",
    "https://shop.example%2eevil.example",
    "ftp://shop.example",
    "://shop.example",
    "see https://evil.example",
    "spring\nhttps://evil.example",
    "spring:\\\\evil.example",
)
CAMPAIGN_NAMES = (
    "spring",
    "spring sale: everything",
    "50%: sale",
    "e-mail / newsletter",
    "a//b",
    "shop.example",
    "/page",
    "ñandú: sale",
    "javascript",
    "x" * 2048,
    "ñandú 50 %",
    "null",
    "httpsale",
)


OTHER_SCHEMES = (
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "\tjavascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript\r:alert(1)",
    "\x01javascript:alert(1)",
    "\u00a0javascript:alert(1)",
    "\u200bjavascript:alert(1)",
    "\ufeffjavascript:alert(1)",
    "javascript: alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "ftp:evil",
    "mailto:evil@evil.example",
    "tel:123",
    "blob:x",
    "about:blank",
    "view-source:x",
    "git+ssh:x",
    "x.y:z",
    "a1:",
    "spring: sale",
    "campaign:2026",
    "utm:spring:2026",
    "localhost:3000/page",
    "C:\\temp",
)
SCRIPT_URLS = (
    "javascript://shop.example/%0aalert(1)",
    "JAVASCRIPT://shop.example/%0aalert(1)",
    "\tjavascript://shop.example/%0aalert(1)",
    "java\nscript://shop.example/%0aalert(1)",
    "vbscript://shop.example/",
    "data://text/html,x",
)
"""These are rejected although they contain `://`."""

REJECTED_SCHEMES = [
    "must be a URL whose origin is in REFERRER_ORIGINS, or a campaign's name that does not start "
    "with a word and a colon, such as javascript: or campaign:"
]
ALWAYS_ALLOWED = (
    REFERRERS,
    Referrers(("*",), None),
    Referrers((), None),
    Referrers((SHOP, "javascript://shop.example"), None),
)


@pytest.mark.parametrize("referrers", ALWAYS_ALLOWED, ids=["ours", "any", "none", "odd"])
@pytest.mark.parametrize("referrer", OTHER_SCHEMES + SCRIPT_URLS)
def test_text_with_a_scheme_is_never_a_campaign_name(referrers: Referrers, referrer: str) -> None:
    with pytest.raises(ValidationError) as caught:
        referrers.choose(referrer, [PAGE])
    assert caught.value.messages == {"referrer": REJECTED_SCHEMES}


@pytest.mark.parametrize("url", [f"{SHOP}/{'x' * 2048}", "x" * 2049, "ñ" * 2049])
def test_a_referrer_has_at_most_2048_characters(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ANY_ORIGIN.choose(url, [])
    assert caught.value.messages == {"referrer": ["must have at most 2048 characters"]}
    assert REFERRERS.choose(None, [url, SHOP]) == SHOP
    longest = PAGE.ljust(2048, "x")
    assert REFERRERS.choose(longest, []) == longest == REFERRERS.choose(None, [longest])


@pytest.mark.parametrize("referrer", ALLOWED_URLS + CAMPAIGN_NAMES)
def test_an_allowed_page_and_a_campaigns_name_are_forwarded_unchanged(referrer: str) -> None:
    assert REFERRERS.choose(referrer, ["https://evil.example"]) == referrer


@pytest.mark.parametrize("referrer", FOREIGN_URLS)
def test_a_foreign_url_in_the_body_is_rejected_even_with_an_allowed_header(referrer: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Referrers((SHOP,), "spring").choose(referrer, [PAGE])
    assert caught.value.messages == {
        "referrer": ["must be a URL whose origin is in REFERRER_ORIGINS"]
    }


@pytest.mark.parametrize("referrer", FOREIGN_URLS)
def test_a_foreign_url_in_a_header_is_ignored(referrer: str) -> None:
    assert REFERRERS.choose(None, [referrer, SHOP]) == SHOP
    assert Referrers((SHOP,), "spring").choose(None, [referrer, referrer]) == "spring"


@pytest.mark.parametrize(
    "header", [None, "", "null", *OTHER_SCHEMES, *SCRIPT_URLS, *CAMPAIGN_NAMES]
)
def test_a_header_without_a_url_is_ignored(header: str | None) -> None:
    assert REFERRERS.choose(None, [header, SHOP]) == SHOP


def test_precedence_is_referer_then_origin_then_default() -> None:
    referrers = Referrers((SHOP,), "spring")
    assert referrers.choose("autumn", [PAGE, SHOP]) == "autumn"
    assert referrers.choose(None, [PAGE, SHOP]) == PAGE
    assert referrers.choose(None, [None, SHOP]) == SHOP
    assert referrers.choose(None, [None, None]) == "spring"


@pytest.mark.parametrize("headers", [[], [None, None], ["", "null"], ["https://evil.example"]])
def test_without_any_referrer_one_is_required(headers: list[str | None]) -> None:
    with pytest.raises(ValidationError) as caught:
        REFERRERS.choose(None, headers)
    assert caught.value.messages == {"referrer": ["is required"]}


@pytest.mark.parametrize("referrer", ALLOWED_URLS + FOREIGN_URLS + CAMPAIGN_NAMES)
def test_with_an_asterisk_every_referrer_is_allowed_without_origins_no_url(referrer: str) -> None:
    assert ANY_ORIGIN.choose(referrer, []) == referrer
    assert (Referrers((), None).find_problem(referrer) is None) == (referrer in CAMPAIGN_NAMES)


def test_with_an_asterisk_a_header_still_has_to_be_a_url() -> None:
    assert ANY_ORIGIN.choose(None, ["null", "https://any.example/"]) == "https://any.example/"


@given(
    before=st.text(st.characters(max_codepoint=0x20)),
    slashes=st.lists(st.sampled_from("/\\"), min_size=2, max_size=2),
    between=st.text(st.sampled_from("\t\n\r")),
    scheme=st.sampled_from(["", "https:", "HTTP:"]),
)
def test_text_that_browsers_parse_as_a_url_is_never_a_campaign_name(
    before: str, slashes: list[str], between: str, scheme: str
) -> None:
    referrer = f"{before}{scheme}{slashes[0]}{between}{slashes[1]}evil.example"
    assert is_url(referrer)
    assert REFERRERS.find_problem(referrer)

"""Which page a booking may come from: e-mailed links lead there, with a token in them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from web.referrers import Referrers, is_url

SHOP = "https://shop.example"
PAGE = f"{SHOP}/book?step=2#form"
REFERRERS = Referrers((SHOP, "http://localhost:3000"), None)
ANYWHERE = Referrers(("*",), None)

OURS = (
    SHOP,
    PAGE,
    f"{SHOP}:443/",
    "HTTPS://SHOP.EXAMPLE/Page",
    f"{SHOP}?next=https://evil.example",
    f"{SHOP}/@evil.example",
    "http://localhost:3000/",
)
FOREIGN = (
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
    "javascript://shop.example/%0aalert(1)",
    "ftp://shop.example",
    "://shop.example",
    "see https://evil.example",
    "spring\nhttps://evil.example",
    "spring:\\\\evil.example",
)
CAMPAIGNS = (
    "spring",
    "spring: sale",
    "utm:spring:2026",
    "e-mail / newsletter",
    "a//b",
    "shop.example",
    "/page",
    "C:\\temp",
    "ñandú 50 %",
    "null",
    "httpsale",
)


@pytest.mark.parametrize("referrer", OURS + CAMPAIGNS)
def test_a_page_of_ours_and_a_campaigns_name_go_on_as_they_came(referrer: str) -> None:
    assert REFERRERS.choose(referrer, ["https://evil.example"]) == referrer


@pytest.mark.parametrize("referrer", FOREIGN)
def test_a_foreign_url_in_the_body_is_refused_though_a_header_is_good(referrer: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Referrers((SHOP,), "spring").choose(referrer, [PAGE])
    assert caught.value.messages == {"referrer": ["must be a URL of an origin in REFERRER_ORIGINS"]}


@pytest.mark.parametrize("referrer", FOREIGN)
def test_a_foreign_url_in_a_header_is_passed_over(referrer: str) -> None:
    assert REFERRERS.choose(None, [referrer, SHOP]) == SHOP
    assert Referrers((SHOP,), "spring").choose(None, [referrer, referrer]) == "spring"


@pytest.mark.parametrize("header", [None, "", "null", "about:blank", *CAMPAIGNS])
def test_a_header_without_a_url_is_passed_over(header: str | None) -> None:
    assert REFERRERS.choose(None, [header, SHOP]) == SHOP


def test_the_referer_goes_before_the_origin_and_both_before_the_default() -> None:
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


@pytest.mark.parametrize("referrer", OURS + FOREIGN + CAMPAIGNS)
def test_with_an_asterisk_every_referrer_is_allowed_without_origins_no_url(referrer: str) -> None:
    assert ANYWHERE.choose(referrer, []) == referrer
    assert Referrers((), None).allows(referrer) == (referrer in CAMPAIGNS)


def test_with_an_asterisk_a_header_still_has_to_be_a_url() -> None:
    assert ANYWHERE.choose(None, ["null", "https://any.example/"]) == "https://any.example/"


@settings(deadline=None, derandomize=True)
@given(
    before=st.text(st.characters(max_codepoint=0x20)),
    slashes=st.lists(st.sampled_from("/\\"), min_size=2, max_size=2),
    between=st.text(st.sampled_from("\t\n\r")),
    scheme=st.sampled_from(["", "https:", "HTTP:"]),
)
def test_what_a_browser_takes_for_another_host_is_never_a_campaign(
    before: str, slashes: list[str], between: str, scheme: str
) -> None:
    referrer = f"{before}{scheme}{slashes[0]}{between}{slashes[1]}evil.example"
    assert is_url(referrer)
    assert not REFERRERS.allows(referrer)

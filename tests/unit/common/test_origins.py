"""Origins are parsed strictly: ambiguous text has no origin."""

import pytest

from common.origins import origin_of, parse_origin

ORIGINS = pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.EXAMPLE", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("https://shop.example:80", "https://shop.example:80"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
NEITHER_ORIGIN_NOR_URL = (
    "",
    "null",
    "*",
    "shop.example",
    "//shop.example",
    "https:shop.example",
    "https:/shop.example",
    "https:///shop.example",
    "https://",
    "https://:443",
    " https://shop.example",
    "\thttps://shop.example",
    "https://shop.example ",
    "https://shop.example\n",
    "https://shop.exa\tmple",
    "https://shop.exa\nmple",
    "ht\ntps://shop.example",
    "https:/\t/shop.example",
    "https:\\\\shop.example",
    "https://shop.example\\",
    "https://shop.example\0",
    "https://shop.example\x7f",
    "https://user@shop.example",
    "https://user:pass@shop.example",
    "https://@shop.example",
    "https://shop.example:443@evil.example",
    "https://shop.example@evil.example",
    "https://*.shop.example",
    "https://.*shop.example",
    "https://shop.example,https://evil.example",
    "https://shop.example%2eevil.example",
    "https://shop.example。evil.example",
    "https://shöp.example",
    "https://shop.example:",
    "https://shop.example:port",
    "https://shop.example:443443",
    "https://shop.example:-1",
    "https://[::1",
    "https://::1",
    "1https://shop.example",
)


@ORIGINS
def test_an_origin_is_normalized_to_lower_case_without_the_default_port(
    text: str, origin: str
) -> None:
    assert parse_origin(text) == origin


@ORIGINS
@pytest.mark.parametrize(
    "rest", ["", "/", "/page?a=b#c", "?next=https://evil.example", "#@evil.example", "/@evil", "//"]
)
def test_a_url_has_the_origin_at_its_start(text: str, origin: str, rest: str) -> None:
    assert origin_of(text + rest) == origin


@pytest.mark.parametrize("text", NEITHER_ORIGIN_NOR_URL)
def test_malformed_text_is_neither_an_origin_nor_a_url(text: str) -> None:
    assert parse_origin(text) is None
    assert origin_of(text) is None
    assert origin_of(f"{text}/page") is None


@pytest.mark.parametrize("rest", ["/", "/page", "?", "#", "/page?a=b#c"])
def test_a_url_of_an_origin_is_not_itself_an_origin(rest: str) -> None:
    assert parse_origin(f"https://shop.example{rest}") is None


@pytest.mark.parametrize(
    "odd", ["\\", "\t", "\n", "\r", " ", "\0", "\x1f", "\x7f", "\u2028", "\xa0"]
)
def test_a_url_with_a_forbidden_character_has_no_origin(odd: str) -> None:
    for url in (
        f"https://shop.example/{odd}",
        f"https://shop.example/?a={odd}b",
        f"https://{odd}a",
    ):
        assert origin_of(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.evil.example/",
        "https://evil.example/https://shop.example",
        "https://evil.example?https://shop.example",
        "https://evil.example#@shop.example",
        "https://xshop.example/",
        "https://shop.example./",
        "https://shop.example:8443/",
        "http://shop.example/",
    ],
)
def test_a_look_alike_url_has_another_origin(url: str) -> None:
    assert origin_of(url) not in {None, "https://shop.example"}

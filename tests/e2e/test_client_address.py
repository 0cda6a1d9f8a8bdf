"""The client address for rate limits comes from trusted proxies, not from the client's headers."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.client import Client
from tests.processes import Sandbox, proxy_server

CALLS, POSTS = 4, 2
ALLOWED, REJECTED = 401, 429
UNUSED_ADDRESSES = map("203.0.113.{}".format, count(1))
"""Addresses that have not been used yet."""

ROUTER = "10.1.2.3"
"""The address of the outer of two trusted proxies, as the inner one sees it."""

FORGED = [
    "192.0.2.{}", "192.0.2.{}, 192.0.2.{}", "192.0.2.{}:80", "2001:db8:{}::1", "unknown{}", "{},,",
    '"{}"', '"{}', '{}"', "\\{}", '"\\"{}', "192.0.2.{};", "for=192.0.2.{}",
]  # fmt: skip
"""Values of X-Forwarded-For that a client may forge, a different one for each call."""


@pytest.fixture(scope="module")
def proxy_urls(sandbox_process: Sandbox) -> Iterator[list[str]]:
    """Return the URLs of proxies with no, one and two trusted proxies."""
    limits = {"CLIENT_RATE_LIMIT": f"{CALLS}/minute", "BOOKING_RATE_LIMIT": f"{POSTS}/minute"}
    with (
        proxy_server(sandbox_process, TRUSTED_PROXIES="0", **limits) as none,
        proxy_server(sandbox_process, TRUSTED_PROXIES="1", **limits) as instance,
        proxy_server(sandbox_process, TRUSTED_PROXIES="2", **limits) as two,
    ):
        yield [none.url, instance.url, two.url]


def statuses(
    url: str, addresses: list[str], method: str = "GET", path: str = "/api/appointment"
) -> list[int]:
    """Return the status of a call for each X-Forwarded-For. The calls do not reach Videsk."""
    calls = [{"X-Forwarded-For": address} for address in addresses]
    return [Client(url).call(method, path, headers=headers).status_code for headers in calls]


def test_without_a_trusted_proxy_the_header_is_ignored(proxy_urls: list[str]) -> None:
    seen = statuses(proxy_urls[0], [next(UNUSED_ADDRESSES) for _ in range(CALLS)])
    assert ALLOWED in seen, "the address may already have used some calls of this minute"
    assert statuses(proxy_urls[0], [form.format(1, 1) for form in FORGED]) == [REJECTED] * len(
        FORGED
    )
    names = ("X-Real-IP", "Forwarded", "X_Forwarded_For", "True-Client-IP", "CF-Connecting-IP")
    for name in names:
        response = Client(proxy_urls[0]).get(
            "/api/appointment", headers={name: next(UNUSED_ADDRESSES)}
        )
        assert response.status_code == REJECTED, name


@pytest.mark.parametrize("form", FORGED)
@pytest.mark.parametrize("proxies", [1, 2])
def test_forged_addresses_before_the_real_one_are_ignored(
    proxy_urls: list[str], proxies: int, form: str
) -> None:
    address = next(UNUSED_ADDRESSES)
    forwarded = [address] if proxies == 1 else [address, ROUTER]
    forged = [", ".join([form.format(number, number), *forwarded]) for number in range(CALLS + 1)]
    seen = statuses(proxy_urls[proxies], forged)
    assert seen == [ALLOWED] * CALLS + [REJECTED], f"X-Forwarded-For: {forged[0]}"
    assert statuses(proxy_urls[proxies], [", ".join(forwarded)]) == [REJECTED]


@pytest.mark.parametrize("proxies", [1, 2])
def test_a_client_over_its_limit_gets_no_more_calls_by_forging(
    proxy_urls: list[str], proxies: int
) -> None:
    address = next(UNUSED_ADDRESSES)
    forwarded = ", ".join([address] if proxies == 1 else [address, ROUTER])
    assert statuses(proxy_urls[proxies], [forwarded] * (CALLS + 1)) == [ALLOWED] * CALLS + [
        REJECTED
    ]
    let_in = [
        form
        for form in FORGED
        if statuses(proxy_urls[proxies], [f"{form.format(1, 1)}, {forwarded}"]) != [REJECTED]
    ]
    assert let_in == [], "these forged values allowed more calls"


@pytest.mark.parametrize("proxies", [1, 2])
def test_a_client_does_not_use_up_the_limit_of_another(proxy_urls: list[str], proxies: int) -> None:
    victim, attacker = next(UNUSED_ADDRESSES), next(UNUSED_ADDRESSES)
    router = [] if proxies == 1 else [ROUTER]
    forged = ", ".join([victim, attacker, *router])
    assert statuses(proxy_urls[proxies], [forged] * (CALLS + 1))[-1] == REJECTED
    assert statuses(proxy_urls[proxies], [", ".join([victim, *router])]) == [ALLOWED]


def test_the_number_of_trusted_proxies_selects_the_entry_from_the_right(
    proxy_urls: list[str],
) -> None:
    address = next(UNUSED_ADDRESSES)
    after_one = [f"{other}, {address}" for other in ("192.0.2.1", "192.0.2.2", "a", "b", "c")]
    assert statuses(proxy_urls[1], after_one) == [ALLOWED] * CALLS + [REJECTED]
    after_two = [f"x, {address}, {router}" for router in ("10.0.0.1", "10.0.0.2", "c", "d", "e")]
    assert statuses(proxy_urls[2], after_two) == [ALLOWED] * CALLS + [REJECTED]
    assert statuses(proxy_urls[2], [f"{address}, {next(UNUSED_ADDRESSES)}, {ROUTER}"]) == [ALLOWED]


@pytest.mark.parametrize(
    ("form", "address"), [("{}:{}", ""), ("[{}]:{}", "2001:db8:99:1::1")], ids=["IPv4", "IPv6"]
)
@pytest.mark.parametrize("proxies", [1, 2])
def test_a_port_after_the_address_is_ignored(
    proxy_urls: list[str], proxies: int, form: str, address: str
) -> None:
    address = address.replace("::1", f"::{proxies}") if ":" in address else next(UNUSED_ADDRESSES)
    router = "" if proxies == 1 else f", {ROUTER}:80"
    ports = [form.format(address, 40_000 + number) + router for number in range(CALLS)]
    assert statuses(proxy_urls[proxies], ports) == [ALLOWED] * CALLS
    bare = address + router
    bracketed = f"[{address}]{router}" if ":" in address else bare
    assert statuses(proxy_urls[proxies], [bare, bracketed]) == [REJECTED, REJECTED]


POST = ("POST", "/api/appointment/cancel")


def test_addresses_of_one_ipv6_network_share_the_limit_of_posts(proxy_urls: list[str]) -> None:
    same = ["2001:db8:1:1::1", "2001:db8:1:1:ffff:ffff:ffff:ffff", "2001:DB8:1:1:0:0:0:9"]
    assert statuses(proxy_urls[1], same, *POST) == [ALLOWED, ALLOWED, REJECTED]
    others = ["2001:db8:1:2::1", "2001:db8:2:1::1", "2001:db8::1", "::1"]
    assert statuses(proxy_urls[1], others, *POST) == [ALLOWED] * 4


def test_ipv4_addresses_share_no_limit_in_any_notation(proxy_urls: list[str]) -> None:
    assert (
        statuses(proxy_urls[1], ["100.64.0.1", "100.64.0.2", "100.64.0.3"], *POST) == [ALLOWED] * 3
    )
    mapped = ["::ffff:100.64.1.1", "100.64.1.1", "::FFFF:6440:0101", "::ffff:100.64.1.2"]
    assert statuses(proxy_urls[1], mapped, *POST) == [ALLOWED, ALLOWED, REJECTED, ALLOWED]

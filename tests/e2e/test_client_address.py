"""The address of a client, for the limits: from trusted proxies, not from the client's own headers."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.client import Client
from tests.processes import Sandbox, proxy_server

CALLS, POSTS = 4, 2
FREE, OVER = 401, 429
NEW = map("203.0.113.{}".format, count(1))
"""Addresses without calls so far."""

ROUTER = "10.1.2.3"
"""Of two trusted proxies the farther one, as the nearer one has seen it."""

FORGED = [
    "192.0.2.{}", "192.0.2.{}, 192.0.2.{}", "192.0.2.{}:80", "2001:db8:{}::1", "unknown{}", "{},,",
    '"{}"', '"{}', '{}"', "\\{}", '"\\"{}', "192.0.2.{};", "for=192.0.2.{}",
]  # fmt: skip
"""What a client may send as its own X-Forwarded-For, another one each time."""


@pytest.fixture(scope="module")
def behind(sandbox_process: Sandbox) -> Iterator[list[str]]:
    """Without a trusted proxy, behind one, and behind two."""
    limits = {"CLIENT_RATE_LIMIT": f"{CALLS}/minute", "BOOKING_RATE_LIMIT": f"{POSTS}/minute"}
    with (
        proxy_server(sandbox_process, TRUSTED_PROXIES="0", **limits) as none,
        proxy_server(sandbox_process, TRUSTED_PROXIES="1", **limits) as one,
        proxy_server(sandbox_process, TRUSTED_PROXIES="2", **limits) as two,
    ):
        yield [none.url, one.url, two.url]


def statuses(
    url: str, addresses: list[str], method: str = "GET", path: str = "/api/appointment"
) -> list[int]:
    """Of a call for each X-Forwarded-For; none of them comes to Videsk."""
    calls = [{"X-Forwarded-For": address} for address in addresses]
    return [Client(url).call(method, path, headers=headers).status_code for headers in calls]


def test_without_a_trusted_proxy_the_header_is_ignored(behind: list[str]) -> None:
    seen = statuses(behind[0], [next(NEW) for _ in range(CALLS)])
    assert FREE in seen, "the connection's address may have called in this minute before"
    assert statuses(behind[0], [form.format(1, 1) for form in FORGED]) == [OVER] * len(FORGED)
    names = ("X-Real-IP", "Forwarded", "X_Forwarded_For", "True-Client-IP", "CF-Connecting-IP")
    for name in names:
        response = Client(behind[0]).get("/api/appointment", headers={name: next(NEW)})
        assert response.status_code == OVER, name


@pytest.mark.parametrize("form", FORGED)
@pytest.mark.parametrize("proxies", [1, 2])
def test_what_the_client_forges_before_its_own_address_does_not_help(
    behind: list[str], proxies: int, form: str
) -> None:
    address = next(NEW)
    forwarded = [address] if proxies == 1 else [address, ROUTER]
    forged = [", ".join([form.format(number, number), *forwarded]) for number in range(CALLS + 1)]
    seen = statuses(behind[proxies], forged)
    assert seen == [FREE] * CALLS + [OVER], f"X-Forwarded-For: {forged[0]}"
    assert statuses(behind[proxies], [", ".join(forwarded)]) == [OVER]


@pytest.mark.parametrize("proxies", [1, 2])
def test_a_client_over_its_limit_has_no_second_one_by_forging(
    behind: list[str], proxies: int
) -> None:
    address = next(NEW)
    forwarded = ", ".join([address] if proxies == 1 else [address, ROUTER])
    assert statuses(behind[proxies], [forwarded] * (CALLS + 1)) == [FREE] * CALLS + [OVER]
    let_in = [
        form
        for form in FORGED
        if statuses(behind[proxies], [f"{form.format(1, 1)}, {forwarded}"]) != [OVER]
    ]
    assert let_in == [], "each of these got a call more"


@pytest.mark.parametrize("proxies", [1, 2])
def test_a_client_does_not_use_up_what_is_anothers(behind: list[str], proxies: int) -> None:
    victim, attacker = next(NEW), next(NEW)
    router = [] if proxies == 1 else [ROUTER]
    forged = ", ".join([victim, attacker, *router])
    assert statuses(behind[proxies], [forged] * (CALLS + 1))[-1] == OVER
    assert statuses(behind[proxies], [", ".join([victim, *router])]) == [FREE]


def test_the_entry_that_counts_is_the_last_but_for_each_further_trusted_proxy(
    behind: list[str],
) -> None:
    address = next(NEW)
    after_one = [f"{other}, {address}" for other in ("192.0.2.1", "192.0.2.2", "a", "b", "c")]
    assert statuses(behind[1], after_one) == [FREE] * CALLS + [OVER]
    after_two = [f"x, {address}, {router}" for router in ("10.0.0.1", "10.0.0.2", "c", "d", "e")]
    assert statuses(behind[2], after_two) == [FREE] * CALLS + [OVER]
    assert statuses(behind[2], [f"{address}, {next(NEW)}, {ROUTER}"]) == [FREE]


@pytest.mark.parametrize(
    ("form", "address"), [("{}:{}", ""), ("[{}]:{}", "2001:db8:99:1::1")], ids=["IPv4", "IPv6"]
)
@pytest.mark.parametrize("proxies", [1, 2])
def test_a_port_after_the_address_makes_no_new_client(
    behind: list[str], proxies: int, form: str, address: str
) -> None:
    address = address.replace("::1", f"::{proxies}") if ":" in address else next(NEW)
    router = "" if proxies == 1 else f", {ROUTER}:80"
    ports = [form.format(address, 40_000 + number) + router for number in range(CALLS)]
    assert statuses(behind[proxies], ports) == [FREE] * CALLS
    bare = address + router
    bracketed = f"[{address}]{router}" if ":" in address else bare
    assert statuses(behind[proxies], [bare, bracketed]) == [OVER, OVER]


POST = ("POST", "/api/appointment/cancel")


def test_addresses_of_one_ipv6_network_share_the_limit_of_posts(behind: list[str]) -> None:
    same = ["2001:db8:1:1::1", "2001:db8:1:1:ffff:ffff:ffff:ffff", "2001:DB8:1:1:0:0:0:9"]
    assert statuses(behind[1], same, *POST) == [FREE, FREE, OVER]
    others = ["2001:db8:1:2::1", "2001:db8:2:1::1", "2001:db8::1", "::1"]
    assert statuses(behind[1], others, *POST) == [FREE] * 4


def test_addresses_of_ipv4_share_nothing_however_they_are_written(behind: list[str]) -> None:
    assert statuses(behind[1], ["100.64.0.1", "100.64.0.2", "100.64.0.3"], *POST) == [FREE] * 3
    mapped = ["::ffff:100.64.1.1", "100.64.1.1", "::FFFF:6440:0101", "::ffff:100.64.1.2"]
    assert statuses(behind[1], mapped, *POST) == [FREE, FREE, OVER, FREE]

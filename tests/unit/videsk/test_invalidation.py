"""A write invalidates the service, the user, and every service that shares a user with it.

A service whose users are unknown may share with any other. Unrelated services keep their entries. See
docs/guarantees.md#g4.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.tiers import CacheRequest
from common.date_ranges import Period
from videsk.invalidation import ALL_AVAILABILITY, Write, affected_groups, group
from videsk.resources import SERVICES, USERS, ResourceKind
from videsk.scheduling import Scheduling

Listed = dict[str, Any]


def service(ident: str, *users: str, title: str = "") -> Listed:
    return {"id": ident, "title": title or ident, "users": [{"id": user} for user in users]}


def groups(*, services: str = "", users: str = "") -> set[str]:
    """Return the groups of these ids. Each letter is an id."""
    return {group("service", one) for one in services} | {group("user", one) for one in users}


LIST = [
    service("A", "m", "j", title="Sale"),
    service("B", "m", title="Help"),
    service("C", "k", title="Help"),
    service("D", "k", "l"),
]
"""A and B share m; C and D share k."""
AUTOMATIC = [service("X"), {"id": "Y", "title": "Y"}, {"id": "Z", "title": "Z", "users": None}]
"""Services whose users are unknown, in each possible form."""


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (Write(service="A"), groups(services="AB", users="mj")),
        (Write(service="B"), groups(services="AB", users="m")),
        (Write(service="C"), groups(services="CD", users="k")),
        (Write(service="A", user="m"), groups(services="AB", users="m")),
        (Write(service="A", user="j"), groups(services="A", users="j")),
        (Write(service="N", user="m"), groups(services="NAB", users="m")),
        (Write(user="m"), groups(services="AB", users="m")),
        (Write(user="l"), groups(services="D", users="l")),
        (Write(title="Sale"), groups(services="AB", users="mj")),
        (Write(title="Help"), groups(services="ABCD", users="mk")),
        (Write(title="D"), groups(services="CD", users="kl")),
    ],
)
def test_a_write_affects_its_service_its_user_and_services_that_share_a_user(
    write: Write, expected: set[str]
) -> None:
    assert affected_groups(write, LIST) == expected
    with_automatic = affected_groups(write, [*LIST, *AUTOMATIC])
    assert with_automatic == expected | groups(services="XYZ")


@pytest.mark.parametrize("listed", [None, [], LIST, [*LIST, *AUTOMATIC]])
@pytest.mark.parametrize(
    "write",
    [
        Write(),
        Write(service="N"),
        Write(user="n"),
        Write(service="A", user="n"),
        Write(title=""),
        Write(title="No service of that title"),
    ],
)
def test_without_the_list_everything_is_invalidated(
    write: Write, listed: list[Listed] | None
) -> None:
    assert affected_groups(write, listed) == ALL_AVAILABILITY


@pytest.mark.parametrize("ident", "XYZ")
def test_a_service_with_unknown_users_shares_with_all(ident: str) -> None:
    listed = [*LIST, *AUTOMATIC]
    assert affected_groups(Write(service=ident), listed) == ALL_AVAILABILITY
    assert affected_groups(Write(title=ident), listed) == ALL_AVAILABILITY
    both = groups(services="ABXYZ", users="m")
    assert affected_groups(Write(service=ident, user="m"), listed) == both


def test_one_service_of_an_ambiguous_title_without_users_invalidates_everything() -> None:
    assert (
        affected_groups(Write(title="Help"), [*LIST, service("X", title="Help")])
        == ALL_AVAILABILITY
    )


@pytest.mark.parametrize(
    "users",
    [["m"], [None], [{"firstname": "Mark"}], [{"id": None}], "m", 5, {"m": {"id": "m"}}, True],
)
def test_malformed_users_are_unknown_users(users: object) -> None:
    """After a successful booking, a malformed list must not cause an error."""
    malformed = {"id": "S", "title": "S", "users": users}
    assert affected_groups(Write(service="A"), [*LIST, malformed]) == groups(
        services="ABS", users="mj"
    )
    assert affected_groups(Write(service="S"), [*LIST, malformed]) == ALL_AVAILABILITY


@pytest.mark.parametrize("kind", [SERVICES, USERS], ids=lambda kind: kind.plural)
@pytest.mark.parametrize("read", ["dates", "hours"])
def test_every_read_belongs_to_all_availability_and_to_its_own_group(
    read: str, kind: ResourceKind
) -> None:
    """Otherwise invalidating everything, or this service or user, would not include it."""
    named: list[Sequence[str]] = []

    class Cache:
        def read(self, request: CacheRequest, seconds: float) -> None:
            named.append(request.groups)

    nothing: Any = None
    cache: Any = Cache()
    policies: Any = dict.fromkeys(("services", "dates", "hours"))
    scheduling = Scheduling(nothing, cache, policies)
    span: Any = Period("2026-12", "UTC", nothing, nothing)
    getattr(scheduling, read)(kind, "A", span, "now")
    (groups,) = named
    assert set(groups) >= ALL_AVAILABILITY
    assert groups[-1] == group(kind.singular, "A"), "the last group is the narrowest one"
    assert affected_groups(Write(service="A", user="A"), [service("B", "A")]) & set(groups)


def test_services_and_users_with_the_same_id_have_different_groups() -> None:
    assert (
        len({group("service", "A"), group("user", "A"), group("service", "B"), *ALL_AVAILABILITY})
        == 4
    )


LISTS = st.dictionaries(
    st.sampled_from("ABCDE"), st.sets(st.sampled_from("jklm"), max_size=3), max_size=5
)
TITLES = st.fixed_dictionaries({ident: st.sampled_from("ST") for ident in "ABCDE"})
WRITES = st.builds(
    Write,
    service=st.none() | st.sampled_from("ABCDEN"),
    user=st.none() | st.sampled_from("jklmn"),
) | st.builds(Write, title=st.sampled_from("STU"))


@given(users_of=LISTS, titles=TITLES, write=WRITES)
def test_every_affected_service_and_user_is_invalidated(
    users_of: dict[str, set[str]], titles: dict[str, str], write: Write
) -> None:
    listed = [
        service(ident, *service_users, title=titles[ident])
        for ident, service_users in users_of.items()
    ]
    affected = affected_groups(write, listed)
    named = {write.service} if write.service else set()
    named |= {ident for ident in users_of if write.title == titles[ident]}
    agents = {write.user} if write.user else set().union(*(users_of.get(s, set()) for s in named))
    must = named | {
        ident
        for ident, service_users in users_of.items()
        if not service_users or service_users & agents
    }
    assert affected == ALL_AVAILABILITY or affected >= groups(
        services="".join(must), users="".join(agents)
    )


@given(users_of=LISTS, titles=TITLES, write=WRITES)
def test_unrelated_services_and_users_stay_cached_if_the_list_is_known(
    users_of: dict[str, set[str]], titles: dict[str, str], write: Write
) -> None:
    listed = [
        service(ident, *service_users, title=titles[ident])
        for ident, service_users in users_of.items()
    ]
    affected = affected_groups(write, listed)
    named = {write.service} if write.service else set()
    named |= {ident for ident in users_of if write.title == titles[ident]}
    related_users = set().union(*(users_of.get(ident, set()) for ident in named))
    listed_users = set().union(*users_of.values())
    is_listed = (
        write.user in listed_users if write.user else named and all(users_of.get(s) for s in named)
    )
    assert (affected == ALL_AVAILABILITY) == (not is_listed)
    if is_listed:
        agents = related_users | ({write.user} if write.user else set())
        may = named | {
            ident
            for ident, service_users in users_of.items()
            if not service_users or service_users & agents
        }
        assert affected <= groups(services="".join(may), users="".join(agents))

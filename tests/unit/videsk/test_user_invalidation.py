"""Corner cases of invalidation that mutation testing found untested (docs/guarantees.md#g4)."""

import pytest

from tests.unit.videsk.test_invalidation import AUTOMATIC, LIST, groups
from videsk.invalidation import ALL_AVAILABILITY, Write, affected_groups


@pytest.mark.parametrize("users", [[{"id": "j"}, {}], [{"id": None}, {"id": "j"}]])
def test_a_service_with_a_user_without_id_shares_with_all(users: object) -> None:
    half_known = {"id": "S", "title": "S", "users": users}
    assert affected_groups(Write(service="A"), [*LIST, half_known]) == groups(
        services="ABS", users="mj"
    )
    assert affected_groups(Write(service="S"), [*LIST, half_known]) == ALL_AVAILABILITY


def test_a_title_adds_services_to_the_named_one() -> None:
    write = Write(service="A", title="D")
    assert affected_groups(write, LIST) == groups(services="ABCD", users="mjkl")
    assert affected_groups(write, [*LIST, *AUTOMATIC]) == groups(services="ABCDXYZ", users="mjkl")

"""`_id` is renamed to `id`, and `users` is added. Nothing else is renamed, reordered or dropped."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videsk.normalize import MAX_DEPTH, add_users, is_too_deep, rename_ids

NAMES = st.sampled_from(["a", "_ID", "__id", "id_", "_id_", "users", "data", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["_id", "id"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.just("_id") | NAMES, inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("original", "renamed"),
    [
        ({"_id": 1}, {"id": 1}),
        ([{"_id": 1}, {"_id": 2}], [{"id": 1}, {"id": 2}]),
        ({"users": [{"_id": 1, "of": {"_id": 2}}]}, {"users": [{"id": 1, "of": {"id": 2}}]}),
        ([[[{"_id": 1}]]], [[[{"id": 1}]]]),
        ({"_id": {"_id": 1}}, {"id": {"id": 1}}),
        ({"_id": None}, {"id": None}),
        ({"_id": 1, "id": 2}, {"_id": 1, "id": 2}),
        ({"id": {"_id": 1}, "_id": {"_id": 2}}, {"id": {"id": 1}, "_id": {"id": 2}}),
        (
            {"_ID": 1, "__id": 2, "a_id": 3, "new": "_id"},
            {"_ID": 1, "__id": 2, "a_id": 3, "new": "_id"},
        ),
        (["_id", 1.5, True, None, ""], ["_id", 1.5, True, None, ""]),
        ("_id", "_id"),
        (None, None),
        ({}, {}),
        ([], []),
    ],
)
def test_ids_are_renamed_at_every_depth_unless_an_id_exists(original: Any, renamed: Any) -> None:
    assert rename_ids(original) == renamed


def test_a_renamed_id_keeps_its_position() -> None:
    assert list(rename_ids({"b": 1, "_id": 2, "a": 3})) == ["b", "id", "a"]


@given(value=VALUES)
def test_only_the_names_of_ids_change(value: Any) -> None:
    before = copy.deepcopy(value)
    as_text = json.dumps(value).replace('"_id":', '"id":')
    assert json.dumps(rename_ids(value)) == as_text
    assert value == before


@pytest.mark.parametrize("service", [{}, {"id": 1, "title": "x"}, {"users": None, "new": 1}])
def test_a_service_without_users_has_an_empty_list_of_them(service: dict[str, Any]) -> None:
    before = dict(service)
    assert add_users(service) == before | {"users": []}
    assert service == before


@pytest.mark.parametrize("users", [[], [{"id": 1}], {"odd": 1}, 0, ""])
def test_existing_users_are_unchanged(users: Any) -> None:
    assert add_users({"users": users, "id": 1}) == {"users": users, "id": 1}


def nested(depth: int, start: str, end: str) -> Any:
    return json.loads(start * depth + "1" + end * depth)


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"_id":', "}"), ("[2,", "]")])
def test_too_deep_json_is_detected_before_renaming(start: str, end: str) -> None:
    deepest = nested(MAX_DEPTH, start, end)
    assert not is_too_deep(deepest)
    assert rename_ids(deepest) is not None
    assert is_too_deep(nested(MAX_DEPTH + 1, start, end))
    assert is_too_deep(nested(900, start, end))

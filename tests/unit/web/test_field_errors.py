"""Error responses stay short for any request body."""

import pytest

from web.field_errors import MAX_FAULTS, MAX_NAME_CHARACTERS, select_faults, summarize

WRONG = ["is wrong"]


def test_a_few_errors_are_listed_unchanged() -> None:
    errors = {"form": {0: {"_id": ["is required"], "value": ["is required"]}, 2: WRONG}, "a": WRONG}
    assert select_faults(errors) == {
        "form": {"0": {"_id": ["is required"], "value": ["is required"]}, "2": WRONG},
        "a": WRONG,
    }
    assert summarize(errors) == '"form.0._id" is required'


def test_several_messages_of_one_field_count_separately() -> None:
    assert select_faults({"a": ["one", "two"]}) == {"a": ["one", "two"]}
    assert summarize({"a": ["one"] * (MAX_FAULTS + 1)}) == (
        '"a" one. This is the first of 31 problems; "errors" lists 30.'
    )


@pytest.mark.parametrize("more", [0, 1, 5000])
def test_the_number_of_listed_errors_is_limited(more: int) -> None:
    errors = {f"field-{number}": WRONG for number in range(MAX_FAULTS + more)}
    assert list(select_faults(errors)) == [f"field-{number}" for number in range(MAX_FAULTS)]
    assert ("problems" in summarize(errors)) == bool(more)


def test_a_long_name_is_shortened_in_the_message_and_in_the_errors() -> None:
    most, longer = "n" * MAX_NAME_CHARACTERS, "n" * (MAX_NAME_CHARACTERS + 1)
    assert select_faults({most: WRONG}) == {most: WRONG}
    shortened = f"{most[:-1]}…"
    assert select_faults({longer: WRONG}) == {shortened: WRONG}
    assert summarize({longer: WRONG}) == f'"{shortened}" is wrong'


def test_an_unknown_field_is_named_even_if_marshmallow_uses_its_name() -> None:
    assert summarize({"_schema": ["is an unknown field"]}) == '"_schema" is an unknown field'


def test_errors_of_a_whole_element_are_named_by_its_index() -> None:
    assert summarize({"form": {1: {"_schema": ["must be an object"]}}}) == (
        '"form.1" must be an object'
    )

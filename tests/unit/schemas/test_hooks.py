"""What is read of a webhook's body."""

import pytest
from marshmallow import ValidationError

from schemas.hooks import MeetingSchema

ID = "63bdbf49394aad976d4aa43b"


def test_ids_are_read_and_everything_else_is_passed_over() -> None:
    meeting = MeetingSchema().load({"service": ID.upper(), "user": ID, "email": "ana@example.com"})
    assert meeting == {"service": ID, "user": ID}
    assert MeetingSchema().load({}) == {}


@pytest.mark.parametrize("value", ["x", "", None, 7, "{{service}}"])
def test_what_is_no_id_is_an_error(value: object) -> None:
    with pytest.raises(ValidationError):
        MeetingSchema().load({"service": value})

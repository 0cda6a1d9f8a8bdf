"""The body of a webhook."""

import pytest
from marshmallow import ValidationError

from schemas.hooks import MeetingSchema

ID = "63bdbf49394aad976d4aa43b"


def test_ids_are_loaded_and_other_fields_ignored() -> None:
    meeting = MeetingSchema().load({"service": ID.upper(), "user": ID, "email": "ana@example.com"})
    assert meeting == {"service": ID, "user": ID}
    assert MeetingSchema().load({}) == {}


@pytest.mark.parametrize("value", ["x", "", None, 7, "{{service}}"])
def test_invalid_id_is_an_error(value: object) -> None:
    with pytest.raises(ValidationError):
        MeetingSchema().load({"service": value})

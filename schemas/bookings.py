"""The bodies of the four POSTs. Unknown fields are errors."""

from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validates_schema
from marshmallow.validate import Length

from schemas.fields import (
    HONEYPOT,
    MESSAGES,
    load_element_id,
    load_element_value,
    load_hex_id,
    load_instant,
    load_text,
    load_zone_name,
    loaded_by,
)

MAX_FORM_ELEMENTS = 100
MAX_CANCEL_REASON_CHARACTERS = 1000
"""Videsk's own limit (its error body of schedule/cancel)."""

UNKNOWN_FIELD = "is an unknown field"
"""The message for a field that its schema does not have."""


class _Body(Schema):
    error_messages: ClassVar[dict[str, str]] = {  # type: ignore[misc]  # marshmallow's own way
        "unknown": UNKNOWN_FIELD,
        "type": "must be an object",
    }


class FormElement(_Body):
    """The value of one form field."""

    _id = loaded_by(load_element_id, required=True)
    value = loaded_by(load_element_value, required=True)


class _Form(fields.List[Any]):
    """The elements of a form.

    Their number is validated first: to load 30,000 of them takes a second of CPU, and their errors
    fill megabytes.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._validate(value)
        return super()._deserialize(value, attr, data, **kwargs)


class BookingSchema(_Body):
    """A booking by service."""

    startAt = loaded_by(load_instant, required=True)  # noqa: N815 - Videsk's word
    timezone = loaded_by(load_zone_name, required=True)
    form = _Form(
        fields.Nested(FormElement, error_messages=MESSAGES),
        required=True,
        validate=Length(1, MAX_FORM_ELEMENTS, error="must have {min} to {max} elements"),
        error_messages=MESSAGES,
        metadata={
            "description": "Each `_id` once. `videsk_essential` is the honeypot: always empty."
        },
    )
    referrer = loaded_by(
        load_text,
        metadata={
            "maxLength": 2048,
            "description": "The page's URL, of one of REFERRER_ORIGINS, or a campaign's name, "
            "which does not start with a scheme such as `campaign:`. The default is the "
            "request's Referer or Origin, else DEFAULT_REFERRER.",
        },
    )
    token = loaded_by(
        load_text,
        metadata={"description": "The captcha widget's token, if the proxy verifies captchas"},
    )

    @validates_schema
    def check_form(self, booking: dict[str, Any], **_: Any) -> None:
        """Check that no `_id` occurs twice, and that a honeypot is empty."""
        seen: set[str] = set()
        errors: dict[str | int, dict[str, list[str]]] = {}
        for index, element in enumerate(booking["form"]):
            if element["_id"] in seen:
                errors[index] = {"_id": ["must not occur twice"]}
            elif element["_id"] == HONEYPOT and element["value"] not in ("", []):
                errors[index] = {"value": ["must be empty"]}
            seen.add(element["_id"])
        if errors:
            raise ValidationError({"form": errors})


class UserBookingSchema(BookingSchema):
    """A booking by user, for one of the services that the user offers."""

    service = loaded_by(load_hex_id, required=True)


class CancelSchema(_Body):
    """A cancellation, with or without a reason."""

    cancelReason = fields.String(  # noqa: N815 - Videsk's word
        validate=Length(
            max=MAX_CANCEL_REASON_CHARACTERS, error="must have at most {max} characters"
        ),
        error_messages=MESSAGES | {"invalid": "must be a string"},
    )


class RescheduleSchema(_Body):
    """The new hour of an appointment."""

    date = loaded_by(load_instant, required=True)

"""The form of a booking: its fields, and Videsk's checks of type, rule and limits.

The documented checks do not cover missing fields: `required` is for pages that render the form.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.bodies import VideskError, required

# Videsk's honeypot: always sent, and empty if a human fills in the form. Other cases are not
# documented, and the sandbox ignores the value.
ESSENTIAL = "videsk_essential"

_RULES = {
    "email": re.compile(r"[^@\s]+@[^@\s]+"),
    "phone": re.compile(r"\+?[\d ().-]{6,20}", re.ASCII),
}


@dataclass(frozen=True)
class Field:
    """A field. `limits`: `maxlength` for text, `min` and `max` for numbers."""

    id: str
    type: str
    name: str
    label: str
    required: bool = False
    placeholder: str = ""
    limits: dict[str, int] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the field as the forms endpoint lists it."""
        return {
            "_id": self.id,
            "type": self.type,
            "name": self.name,
            "label": self.label,
            "properties": {
                "required": self.required,
                "placeholder": self.placeholder,
                **self.limits,
            },
            "options": list(self.options),
            "hint": self.hint,
        }

    def check(self, value: object) -> None:
        """Raise the 400 that names this field if `value` is invalid."""
        if not _has_type(self.type, value):
            raise VideskError(400, f'The type of the value is not valid for element "{self.id}".')
        if isinstance(value, str):
            rule = _RULES.get(self.type)
            if rule and value and not rule.fullmatch(value):
                raise VideskError(400, f'The value is no {self.type} for element "{self.id}".')
            max_length = self.limits.get("maxlength")
            if max_length is not None and len(value) > max_length:
                raise VideskError(
                    400, f'You reach the max characters is {max_length} for element "{self.id}".'
                )
        elif isinstance(value, list):
            if any(choice not in self.options for choice in value):
                raise VideskError(400, f'The value is not an option of element "{self.id}".')
        elif isinstance(value, int | float) and not (
            self.limits.get("min", value) <= value <= self.limits.get("max", value)
        ):
            raise VideskError(400, f'The value is out of range for element "{self.id}".')


def check_form(form: object, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the values by field id. Raises the documented 400s."""
    if not isinstance(form, list):
        raise required("form")
    fields_by_id = {field.id: field for field in fields}
    values: dict[str, Any] = {}
    for element in form:
        field_id = element.get("_id") if isinstance(element, dict) else None
        if not isinstance(field_id, str) or field_id not in fields_by_id:
            raise VideskError(
                400,
                "Some element not as field, please check or try again",
                "Maybe the organization has changed the form and you're submit is not valid"
                " anymore.",
            )
        values[field_id] = element.get("value")
    if ESSENTIAL not in values:
        raise VideskError(400, f'The element form "{ESSENTIAL}" is required, never delete.')
    for field_id, value in values.items():
        fields_by_id[field_id].check(value)
    return values


def _has_type(field_type: str, value: object) -> bool:
    if field_type == "multiple":
        return isinstance(value, list) and all(isinstance(choice, str) for choice in value)
    if field_type == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if field_type == "checkbox":
        return isinstance(value, bool)
    return isinstance(value, str)

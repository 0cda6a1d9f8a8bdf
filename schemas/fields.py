"""How one value is read, in queries and in bodies: each loader returns it as it goes on.

A loader raises ValidationError with what follows the field's name in a sentence:
`"timezone" must be …`.
"""

import re
from collections.abc import Callable
from importlib import resources
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields

from common.date_ranges import format_instant, instant_of

HONEYPOT = "videsk_essential"
"""The id of the form element that people leave empty and bots fill in (Videsk, Forms)."""

ZONE_NAMES = frozenset(resources.files("tzdata").joinpath("zones").read_text().split()) - {
    "Factory"
}
"""Every IANA name, old ones included, but for the one that stands for a clock not yet set.
A host's own folder also holds `localtime`; this list does not."""

MESSAGES: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": "is required",
    "null": "must not be null",
    "invalid": "must be an array",
}

_INSTANT = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
    "(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
)
"""What can be told of an instant by its look: seconds may be left out, unlike in `date-time`."""

_HEX_ID = re.compile(r"[0-9a-f]{24}")
_DIGITS = re.compile(r"[0-9]{1,4}")


Loader = Callable[[Any], Any]
L = TypeVar("L", bound=Loader)

_SHAPES: dict[Loader, dict[str, Any]] = {}


def shape(**json_schema: Any) -> Callable[[L], L]:
    """Publish this JSON Schema for what the loader below it takes."""

    def keep(loader: L) -> L:
        _SHAPES[loader] = json_schema
        return loader

    return keep


def loaded_by(
    loader: Loader, metadata: dict[str, Any] | None = None, **kwargs: Any
) -> fields.Function:
    """A field that is read by one of the loaders below, and published in its shape; `metadata`
    adds to that what is the field's own, such as its description.
    """
    return fields.Function(
        deserialize=loader,
        error_messages=MESSAGES,
        metadata=_SHAPES[loader] | (metadata or {}),
        **kwargs,
    )


@shape(type="string", pattern="^[0-9A-Fa-f]{24}$")
def load_hex_id(value: Any) -> str:
    """24 hex digits in either case, in lower case."""
    if isinstance(value, str) and _HEX_ID.fullmatch(value.lower()):
        return value.lower()
    raise ValidationError("must be 24 hex digits")


@shape(type="string", pattern=f"^([0-9A-Fa-f]{{24}}|{HONEYPOT})$")
def load_element_id(value: Any) -> str:
    """The `_id` of a form's element: a field's id, or the honeypot's."""
    try:
        return HONEYPOT if value == HONEYPOT else load_hex_id(value)
    except ValidationError as error:
        raise ValidationError(f'must be 24 hex digits or "{HONEYPOT}"') from error


@shape(
    anyOf=[
        {"type": "string"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "array", "items": {"type": ["string", "number"]}},
    ]
)
def load_element_value(value: Any) -> Any:
    """string | finite number | boolean | array of strings and finite numbers."""
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, str | int | float) for item in items) and (
        items is not value or not any(isinstance(item, bool) for item in items)
    ):
        return value
    raise ValidationError(
        "must be a string, a number, a boolean, or an array of strings and numbers"
    )


@shape(type="string", minLength=1)
def load_text(value: Any) -> str:
    """A string that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ValidationError("must be a string that is not empty")


@shape(type="string", minLength=1, description="An IANA time zone, old names included")
def load_zone(value: Any) -> ZoneInfo:
    """An IANA time zone by its exact name."""
    if isinstance(value, str) and value in ZONE_NAMES:
        return ZoneInfo(value)
    raise ValidationError("must be an IANA time zone, such as America/Santiago")


@shape(**_SHAPES[load_zone])
def load_zone_name(value: Any) -> str:
    """The same, as the name that goes on to Videsk."""
    return load_zone(value).key


def whole_number(least: int, most: int, *, otherwise: int) -> fields.Function:
    """A field of a query: decimal digits, from `least` to `most`; `otherwise` when left out."""

    @shape(type="integer", minimum=least, maximum=most, default=otherwise)
    def load(value: Any) -> int:
        if _DIGITS.fullmatch(value) and least <= int(value) <= most:
            return int(value)
        raise ValidationError(f"must be a whole number from {least} to {most}")

    return loaded_by(load, load_default=otherwise)


@shape(type="string", pattern=_INSTANT, description="An instant with `Z` or an offset")
def load_instant(value: Any) -> str:
    """An ISO 8601 instant with `Z` or an offset, as Videsk writes instants."""
    try:
        return format_instant(instant_of(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValidationError(
            "must be an instant with Z or an offset, such as 2026-12-01T12:00:00.000Z"
        ) from error

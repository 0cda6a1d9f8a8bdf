"""Loaders of single values, in queries and bodies, and the JSON Schemas of what they accept.

A loader returns the value as it is sent to Videsk. It raises ValidationError with the predicate of
a sentence whose subject is the field: `"timezone" must be …`.
"""

import re
from collections.abc import Callable
from importlib import resources
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields

from common.date_ranges import format_instant, instant_of

HONEYPOT = "videsk_essential"
"""The id of the form element that only bots fill in
(https://github.com/videsk/developers-docs-es/blob/HEAD/api-publica/formularios.md).
"""

ZONE_NAMES = frozenset(resources.files("tzdata").joinpath("zones").read_text().split()) - {
    "Factory"
}
"""Every IANA name, old ones included, except the placeholder for an unset clock. A host's own
zoneinfo folder also has `localtime`; this list does not."""

MESSAGES: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": "is required",
    "null": "must not be null",
    "invalid": "must be an array",
}

_MONTH = "[0-9]{4}-(0[1-9]|1[0-2])"
_DAY = f"{_MONTH}-(0[1-9]|[12][0-9]|3[01])"
_HOUR = "([01][0-9]|2[0-3])"
_TIME = f"T{_HOUR}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?"
_OFFSET = f"{_HOUR}(:?[0-5][0-9])?"
_INSTANT = f"^{_DAY}{_TIME}(Z|[+-]{_OFFSET})$"
"""The format of an instant. Seconds are optional, unlike in `date-time`."""

# A query's offset may start with a space: an unescaped + is one.
DAY_PATTERN = f"^{_DAY}({_TIME}(Z|[+ -]{_OFFSET})?)?$"
"""The format of a query's day, or of an instant in it."""

MONTH_PATTERN = f"^({_MONTH}|{DAY_PATTERN[1:-1]})$"
"""The format of a query's month, day or instant."""

_HEX_ID = re.compile(r"[0-9a-f]{24}")
_DIGITS = re.compile(r"[0-9]{1,4}")


Loader = Callable[[Any], Any]
L = TypeVar("L", bound=Loader)

JSON_SCHEMAS: dict[Loader, dict[str, Any]] = {}


def json_schema(**schema: Any) -> Callable[[L], L]:
    """Return a decorator that publishes this JSON Schema for what a loader accepts."""

    def keep(loader: L) -> L:
        JSON_SCHEMAS[loader] = schema
        return loader

    return keep


def loaded_by(
    loader: Loader, metadata: dict[str, Any] | None = None, **kwargs: Any
) -> fields.Function:
    """Return a field for one of the loaders below, published with its JSON Schema.

    `metadata` adds to the JSON Schema, for example a description.
    """
    return fields.Function(
        deserialize=loader,
        error_messages=MESSAGES,
        metadata=JSON_SCHEMAS[loader] | (metadata or {}),
        **kwargs,
    )


@json_schema(type="string", pattern="^[0-9A-Fa-f]{24}$")
def load_hex_id(value: Any) -> str:
    """Return 24 hex digits, given in either case, in lower case."""
    if isinstance(value, str) and _HEX_ID.fullmatch(value.lower()):
        return value.lower()
    raise ValidationError("must be 24 hex digits")


@json_schema(type="string", pattern=f"^([0-9A-Fa-f]{{24}}|{HONEYPOT})$")
def load_element_id(value: Any) -> str:
    """Return the `_id` of a form element: a field's id, or the honeypot's."""
    try:
        return HONEYPOT if value == HONEYPOT else load_hex_id(value)
    except ValidationError as error:
        raise ValidationError(f'must be 24 hex digits or "{HONEYPOT}"') from error


# `oneOf`, because the generator of Swift makes an empty type of `anyOf`, and of a list of types. No
# value has two of these types, so both accept the same.
@json_schema(
    oneOf=[
        {"type": "string"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "number"}]}},
    ]
)
def load_element_value(value: Any) -> Any:
    """Return a string, a finite number, a boolean, or an array of strings and finite numbers."""
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, str | int | float) for item in items) and (
        items is not value or not any(isinstance(item, bool) for item in items)
    ):
        return value
    raise ValidationError(
        "must be a string, a number, a boolean, or an array of strings and numbers"
    )


@json_schema(type="string", minLength=1)
def load_text(value: Any) -> str:
    """Return a string that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ValidationError("must be a string that is not empty")


@json_schema(
    type="string",
    format="iana-time-zone",
    pattern="^[A-Z][A-Za-z0-9]*([/_+-][A-Za-z0-9]+)*$",
    description="An IANA time zone, old names included",
)
def load_zone(value: Any) -> ZoneInfo:
    """Return an IANA time zone by its exact name."""
    if isinstance(value, str) and value in ZONE_NAMES:
        return ZoneInfo(value)
    raise ValidationError("must be an IANA time zone, such as America/Santiago")


@json_schema(**JSON_SCHEMAS[load_zone])
def load_zone_name(value: Any) -> str:
    """Return the exact name of an IANA time zone."""
    return load_zone(value).key


def whole_number(minimum: int, maximum: int, *, default: int) -> fields.Function:
    """Return a query field for decimal digits in this range."""

    @json_schema(type="integer", minimum=minimum, maximum=maximum, default=default)
    def load(value: Any) -> int:
        if _DIGITS.fullmatch(value) and minimum <= int(value) <= maximum:
            return int(value)
        raise ValidationError(f"must be a whole number from {minimum} to {maximum}")

    return loaded_by(load, load_default=default)


@json_schema(type="string", pattern=_INSTANT, description="An instant with `Z` or an offset")
def load_instant(value: Any) -> str:
    """Return an ISO 8601 instant with `Z` or an offset in Videsk's format."""
    try:
        return format_instant(instant_of(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValidationError(
            "must be an instant with Z or an offset, such as 2026-12-01T12:00:00.000Z"
        ) from error

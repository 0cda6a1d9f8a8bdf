"""Errors per field of a body, limited in number and length.

A body of 64 KB can have thousands of wrong fields, or one name of 64 KB.

Errors are nested as marshmallow nests them: `{"form": {0: {"_id": ["must be …"]}}}`.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from marshmallow import ValidationError

from schemas.bookings import UNKNOWN_FIELD
from schemas.queries import DateInPastError, QueryError

MAX_FAULTS = 30
"""More than a form has fields."""

MAX_NAME_CHARACTERS = 64
"""Longer than any name of the schemas, and than any misspelling of one."""

_VIDESK_MESSAGES = {
    "date": 'A valid "date" is required',
    "startAt": 'A valid "date" is required',
    "timezone": 'A valid "timezone" is required',
    "service": "A valid service id is required",
    "user": "A valid user id is required",
    "segment": "A valid segment id is required",
}
_VIDESK_DATA = {"date": "date", "startAt": "date", "timezone": "timezone"}
"""Videsk's own messages and `data` for these fields of a schema. If several are invalid, the first
in this order gives the message. A name that the schema does not have is only an unknown field."""

Path = tuple[str, ...]


def error_details(error: ValidationError) -> tuple[str, str | None, dict[str, Any]]:
    """Return the `message`, `data` and `errors` of the 400 for an invalid request."""
    if isinstance(error, DateInPastError):
        return "The date can not be in the past.", "dateInPast", {}
    fields = error.messages_dict
    errors = {} if isinstance(error, QueryError) else select_faults(fields)
    for field, message in _VIDESK_MESSAGES.items():
        if fields.get(field) not in (None, [UNKNOWN_FIELD]):
            return message, _VIDESK_DATA.get(field), errors
    return summarize(fields), None, errors


def select_faults(errors: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the first MAX_FAULTS messages under their names, each name shortened."""
    kept: dict[str, Any] = {}
    for path, message in islice(_faults(errors), MAX_FAULTS):
        *parents, field = path
        level = kept
        for name in parents:
            level = level.setdefault(name, {})
        level.setdefault(field, []).append(message)
    return kept


def summarize(errors: Mapping[Any, Any]) -> str:
    """Return the first message after the dotted name of its field: `"form.0._id" must be …`.

    If `select_faults` leaves some out, add their total number.
    """
    faults = list(_faults(errors))
    path, message = faults[0]
    *parents, field = path  # marshmallow calls the whole of an object "_schema"
    names = parents if field == "_schema" and message != UNKNOWN_FIELD else path
    dotted = ".".join(names)
    text = f'"{dotted}" {message}'
    if len(faults) > MAX_FAULTS:
        text += f'. This is the first of {len(faults)} problems; "errors" lists {MAX_FAULTS}.'
    return text


def _faults(errors: Mapping[Any, Any], above: Path = ()) -> list[tuple[Path, str]]:
    """Return all messages, each with the names that lead to its field."""
    found: list[tuple[Path, str]] = []
    for name, messages in errors.items():
        path = (*above, _shorten(str(name)))
        if isinstance(messages, dict):
            found += _faults(messages, path)
        else:
            found += [(path, message) for message in messages]
    return found


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARACTERS else f"{name[: MAX_NAME_CHARACTERS - 1]}…"

"""JSON as RFC 8259 means it, read strictly and written plainly.

Python's reader takes NaN, Infinity, numbers that overflow to infinity, and an object that names a
key twice. None of these survives a trip through other languages, so none is let in.
"""

import json
import math
import re
from typing import Any, NoReturn


def loads(data: bytes, *, unique_keys: bool = False) -> Any:
    """Read one JSON text in UTF-8, without a byte order mark.

    Raises ValueError for anything else: bad UTF-8, NaN, Infinity, a number that no double holds,
    nesting too deep to read and, with `unique_keys`, an object that names a key twice.
    """
    try:
        return json.loads(
            data.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_finite_int,
            object_pairs_hook=_unique if unique_keys else None,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def dumps(value: Any) -> bytes:
    """Write compact JSON in UTF-8; a lone surrogate, which UTF-8 cannot hold, stays escaped."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def spellings_of(text: str) -> re.Pattern[str]:
    """Compile a pattern that finds `text` in a JSON text, whichever of its characters are escaped.

    A reader of JSON keeps one member of each name; a search in the text sees them all (RFC 8259,
    sections 4 and 7). `text` has no character above U+FFFF.
    """
    return re.compile("".join(map(_spellings, text)))


def _spellings(character: str) -> str:
    escapes = [rf"\\u(?i:{ord(character):04x})"]
    if character in '"\\/':
        escapes.append(re.escape(f"\\{character}"))
    return f"(?:{'|'.join([re.escape(character), *escapes])})"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _finite_int(digits: str) -> int:
    if len(digits) > 300:  # the largest double has 309 digits
        _finite_float(digits)
    return int(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    return found

"""Strict JSON: parse only what every language parses alike (https://www.rfc-editor.org/rfc/rfc8259).

Python's parser accepts NaN, Infinity, numbers that overflow to infinity, and duplicate keys.
"""

import json
import math
import re
from typing import Any, NoReturn


def loads(data: bytes, *, unique_keys: bool = False) -> Any:
    """Parse one JSON text in UTF-8, without a byte order mark.

    Raises ValueError for anything else: invalid UTF-8, NaN, Infinity, a number beyond a double's
    range, too deep nesting and, with `unique_keys`, duplicate keys.
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
    """Serialize to compact JSON in UTF-8; lone surrogates, which UTF-8 lacks, are escaped."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def spellings_of(text: str) -> re.Pattern[str]:
    """Compile a pattern that finds `text` in a JSON text, whichever of its characters are escaped.

    A parsed object has lost all but one of its duplicate keys; the text has them all.
    `text` must not contain characters above U+FFFF. See
    https://www.rfc-editor.org/rfc/rfc8259#section-7
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

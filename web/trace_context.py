"""W3C Trace Context: forwards the client's trace headers to Videsk unchanged, or not at all.

Unless web/tracing.py exports spans, the proxy does not participate in traces, so it forwards
`tracestate` only next to the `traceparent` that it belongs to:
https://www.w3.org/TR/trace-context-2/
"""

import re
from collections.abc import Mapping
from typing import Any

TRACEPARENT_LENGTH = 55
"""Characters of version 00, which begin every later version too."""

MAX_MEMBERS = 32
MAX_TRACESTATE_LENGTH = 512
"""Characters that have to be propagated; more of them would only fill the request to Videsk."""

LARGE_MEMBER_LENGTH = 128
"""Members above this length are dropped first."""

_IDS = r"(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_LATER_FIELDS = r"(?:-[!-+\--~]{0,456})?"  # no comma: that joins two header lines
_TRACEPARENT = re.compile(rf"00-{_IDS}|(?!00|ff)[0-9a-f]{{2}}-{_IDS}{_LATER_FIELDS}")
_MEMBER = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]")


def traceparent(environ: Mapping[str, Any]) -> str | None:
    """Return the caller's `traceparent` if it is valid (section 3.2).

    Version 00 has exactly 55 characters; a later version may append fields, and ff is forbidden.
    Two header lines arrive joined by a comma, which no version allows.
    """
    given = environ.get("HTTP_TRACEPARENT", "")
    return given if _TRACEPARENT.fullmatch(given) else None


def tracestate(environ: Mapping[str, Any]) -> str | None:
    """Return the caller's `tracestate` if it and its `traceparent` are valid (section 3.3).

    Above 512 characters, whole members are dropped: large ones first, then the last ones (section
    3.3.1.5).
    """
    given: str | None = environ.get("HTTP_TRACESTATE")
    if not given:
        return None
    members = [member for part in given.split(",") if (member := part.strip(" \t"))]
    if not 0 < len(members) <= MAX_MEMBERS or not traceparent(environ):
        return None
    if not all(map(_MEMBER.fullmatch, members)):
        return None
    if len(given) <= MAX_TRACESTATE_LENGTH:
        return given
    kept = [member for member in members if len(member) <= LARGE_MEMBER_LENGTH]
    while len(",".join(kept)) > MAX_TRACESTATE_LENGTH:
        kept.pop()
    return ",".join(kept) or None

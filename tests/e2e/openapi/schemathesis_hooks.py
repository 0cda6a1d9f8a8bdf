"""Hooks for Schemathesis: generate existing time zones and days in the future."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import schemathesis
from hypothesis import strategies as st

from common.date_ranges import month_of
from schemas.fields import MONTH_PATTERN, ZONE_NAMES

schemathesis.openapi.format("iana-time-zone", st.sampled_from(sorted(ZONE_NAMES)))


@schemathesis.hook
def filter_query(_context: Any, query: dict[str, Any] | None) -> bool:
    """Reject days that are over, do not exist, or are too far in the future for the sandbox."""
    date = str((query or {}).get("date", ""))
    if not re.fullmatch(MONTH_PATTERN, date):
        return True
    try:
        first = month_of(date, ZoneInfo("UTC")).first
    except (ValueError, OverflowError):
        return False
    return first > datetime.now(UTC) and first.year < 8999

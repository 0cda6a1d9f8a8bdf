"""How long Videsk wants to be left alone, as its headers tell. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_PAUSE_SECONDS = 60.0


def pause_seconds(status: int, headers: Mapping[str, str]) -> float:
    """0 to 60. After a 429 its Retry-After (RFC 9110, 10.2.3), 1 without one; when no request is
    left (`Ratelimit-Remaining: 0`) until the window's end, `Ratelimit-Reset`, 1 without one.
    """
    if status == 429:
        seconds = _seconds(headers.get("Retry-After"))
    elif headers.get("Ratelimit-Remaining", "").strip() == "0":
        seconds = _seconds(headers.get("Ratelimit-Reset"))
    else:
        return 0.0
    return min(max(seconds, 0.0), MAX_PAUSE_SECONDS)


def _seconds(text: str | None) -> float:
    """A number of seconds, or the time until a date; 1 for what is neither."""
    try:
        return float(int(text or ""))
    except OverflowError:
        return MAX_PAUSE_SECONDS
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return 1.0
    return (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()

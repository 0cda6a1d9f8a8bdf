"""Parse Videsk's Retry-After and Ratelimit headers. Pure functions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_PAUSE_SECONDS = 60.0


def pause_seconds(status: int, headers: Mapping[str, str]) -> float:
    """Return how long to send no request: 0 to MAX_PAUSE_SECONDS.

    After a 429 that is its Retry-After; with `Ratelimit-Remaining: 0` it is `Ratelimit-Reset`. If
    that header is missing, it is 1 second. See https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3.
    """
    if status == 429:
        seconds = _seconds(headers.get("Retry-After"))
    elif headers.get("Ratelimit-Remaining", "").strip() == "0":
        seconds = _seconds(headers.get("Ratelimit-Reset"))
    else:
        return 0.0
    return min(max(seconds, 0.0), MAX_PAUSE_SECONDS)


def _seconds(text: str | None) -> float:
    """Parse a number of seconds or an HTTP date. Returns 1 for anything else."""
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

"""How long to pause requests to Videsk, by its status and headers."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from videsk.retry_after import MAX_PAUSE_SECONDS, pause_seconds

RETRY_AFTER_FORMS = [
    (None, 1),
    ("", 1),
    ("0", 0),
    ("1", 1),
    ("7", 7),
    (" 7 ", 7),
    ("59", 59),
    ("60", 60),
    ("61", 60),
    ("86400", 60),
    ("99999999999999999999", 60),
    ("-5", 0),
    ("1.5", 1),
    ("soon", 1),
    ("7 seconds", 1),
    ("NaN", 1),
    ("Infinity", 1),
    ("0x10", 1),
    ("1e1", 1),
    (",", 1),
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Fri, 31 Dec 9999 23:59:59 GMT", 60),
    ("Fri, 31 Dec 9999 23:59:59", 60),
    ("Fri, 99 Foo 2026 99:99:99 GMT", 1),
    ("Mon, 01 Jan 2026 00:00:00 +9999", 1),
]
INVALID_HEADERS = [
    "9" * 309,
    "9" * 400,
    "-" + "9" * 400,
    "9" * 5000,
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 01 Jan 2027 99999999999999999999:00:00 GMT",
    "Mon, 01 Jan 2027 00:00:00 +99999999999999999",
]
OTHER_STATUSES = (200, 201, 400, 401, 404, 409, 500, 503)


@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER_FORMS)
def test_after_a_429_the_pause_is_its_retry_after(text: str | None, seconds: float) -> None:
    headers = {} if text is None else {"Retry-After": text}
    assert pause_seconds(429, headers) == seconds


@pytest.mark.parametrize("status", OTHER_STATUSES)
@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER_FORMS)
def test_without_remaining_requests_the_pause_is_the_rest_of_the_window(
    status: int, text: str | None, seconds: float
) -> None:
    headers = {"Ratelimit-Remaining": "0"} | ({} if text is None else {"Ratelimit-Reset": text})
    assert pause_seconds(status, headers) == seconds


@pytest.mark.parametrize("status", [429, 201])
@pytest.mark.parametrize("text", INVALID_HEADERS, ids=lambda text: f"{text[:20]}…{len(text)}")
def test_an_invalid_header_does_not_affect_the_response(status: int, text: str) -> None:
    """After a successful booking, an invalid header must not cause an error."""
    headers = {"Retry-After": text, "Ratelimit-Remaining": "0", "Ratelimit-Reset": text}
    assert 0 <= pause_seconds(status, headers) <= MAX_PAUSE_SECONDS


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_a_date_is_converted_to_seconds(zone: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=30)
    text = format_datetime(until).replace("+0000", zone)
    assert 28 < pause_seconds(429, {"Retry-After": text}) <= 30


@pytest.mark.parametrize("status", [*OTHER_STATUSES, 429])
@pytest.mark.parametrize("remaining", [None, "", "1", "19", "-1", "00", "none", "0.0"])
def test_other_responses_set_no_pause(status: int, remaining: str | None) -> None:
    headers = {"Retry-After": "0", "Ratelimit-Reset": "30", "Ratelimit-Limit": "20"}
    if remaining is not None:
        headers["Ratelimit-Remaining"] = remaining
    assert pause_seconds(status, headers) == 0


def test_after_a_429_the_window_does_not_count() -> None:
    headers = {"Retry-After": "3", "Ratelimit-Remaining": "0", "Ratelimit-Reset": "30"}
    assert pause_seconds(429, headers) == 3


def test_spaces_and_the_case_of_headers_do_not_matter() -> None:
    headers = CaseInsensitiveDict({"ratelimit-remaining": " 0 ", "RATELIMIT-RESET": "4"})
    assert pause_seconds(200, headers) == 4


HEADER_TEXTS = (
    "Mon,",
    "01",
    "Jan",
    "2026",
    "00:00:00",
    "1.2.3",
    "GMT",
    "+0000",
    "-",
    "9" * 21,
    ":",
    "\u0661",
)


@given(
    status=st.sampled_from((*OTHER_STATUSES, 429)),
    text=st.text(max_size=40) | st.lists(st.sampled_from(HEADER_TEXTS), max_size=7).map(" ".join),
)
@example(status=429, text="Jan 2026 1 00:00 " + "9" * 21)
def test_any_text_is_a_pause_of_0_to_60_seconds(status: int, text: str) -> None:
    headers = {"Retry-After": text, "Ratelimit-Remaining": "0", "Ratelimit-Reset": text}
    assert 0 <= pause_seconds(status, headers) <= MAX_PAUSE_SECONDS

"""Many days in one response: /availability lists a page of days, /next the soonest hours."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import requests

from tests.client import (
    AUTOMATIC_SERVICE,
    FIRST_SERVICE,
    FORM,
    JOHN,
    OPEN_SERVICE,
    ZONE,
    Client,
    bearer,
    working_day,
)
from tests.days import YEAR
from tests.e2e.fleet import arrival_times, concurrently, max_in_window, on_each_worker
from tests.e2e.test_videsk_errors import assert_own_error
from tests.processes import Sandbox, ServerProcess, proxy_server
from tests.timing import TIMING

WEEKLY_SERVICE, WEEKLY_AGENT = "63bdbf49394aad976d4aa445", "63bdbf3b25ab497401602d0a"
"""Half an hour every Thursday at 10:00 in Santiago."""

KINDS = [("services", FIRST_SERVICE), ("users", JOHN)]


def availability(
    client: Client, kind: str, ident: str, date: str, timezone: str = ZONE, **params: object
) -> requests.Response:
    params = {"date": date, "timezone": timezone, **params}
    return client.get(f"/api/{kind}/{ident}/availability", params=params)


def next_hours(client: Client, kind: str, ident: str, **params: object) -> requests.Response:
    return client.get(f"/api/{kind}/{ident}/next", params={"timezone": ZONE, **params})


@pytest.mark.parametrize(("kind", "ident"), KINDS)
def test_a_month_lists_its_first_free_days_with_their_hours(
    proxy: Client, kind: str, ident: str
) -> None:
    before = datetime.now(UTC)
    response = availability(proxy, kind, ident, f"{YEAR}-05")
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["days", "complete", "asOf"]
    assert list(body["days"]) == [
        f"{YEAR}-05-01", f"{YEAR}-05-02", f"{YEAR}-05-05", f"{YEAR}-05-06", f"{YEAR}-05-07", f"{YEAR}-05-08", f"{YEAR}-05-09",
    ]  # fmt: skip
    for day, hours in body["days"].items():
        assert hours == proxy.hours(kind, ident, day).json() != []
    assert body["complete"] is True
    assert before - timedelta(milliseconds=1) <= instant(body["asOf"]) <= datetime.now(UTC)


def test_a_month_lists_no_days_of_the_next_month(proxy: Client) -> None:
    body = availability(proxy, "users", JOHN, f"{YEAR}-05", days=31).json()
    free = proxy.dates("users", JOHN, f"{YEAR}-05").json()
    assert list(body["days"]) == [text[:10] for text in free]
    assert body["complete"] is True


@pytest.mark.parametrize(
    "date", [f"{YEAR}-05-30", f"{YEAR}-05-30T23:00:00", f"{YEAR}-05-31T03:59:59.999Z"]
)
def test_a_start_day_continues_into_the_next_month(proxy: Client, date: str) -> None:
    body = availability(proxy, "users", JOHN, date, days=3).json()
    assert list(body["days"]) == [f"{YEAR}-05-30", f"{YEAR}-06-02", f"{YEAR}-06-03"]


@pytest.mark.dates
def test_a_start_day_searches_three_months_ahead(proxy: Client, sandbox: Sandbox) -> None:
    body = availability(proxy, "users", WEEKLY_AGENT, f"{YEAR}-05-16", days=31).json()
    days = list(body["days"])
    assert (days[0], days[-1], len(days)) == (f"{YEAR}-05-22", f"{YEAR}-08-14", 13)
    assert sum(str(entry["path"]).endswith("/dates") for entry in sandbox.request_log()) == 4


def test_days_are_those_of_the_requested_zone(proxy: Client) -> None:
    """JOHN's afternoon in Santiago is the next morning in Tokyo."""
    body = availability(proxy, "users", JOHN, f"{YEAR}-05-06", "Asia/Tokyo", days=1).json()
    assert body["days"] == {
        f"{YEAR}-05-06": proxy.hours("users", JOHN, f"{YEAR}-05-06", "Asia/Tokyo").json()
    }
    assert {text[:10] for text in body["days"][f"{YEAR}-05-06"]} == {
        f"{YEAR}-05-05",
        f"{YEAR}-05-06",
    }


def test_a_day_that_has_filled_up_is_replaced_by_the_next(
    cached_proxy: Client, sandbox: Sandbox
) -> None:
    """The month is cached for longer than its days, so it may still list a day that is full."""
    assert (
        cached_proxy.dates("users", WEEKLY_AGENT, f"{YEAR}-05").json()[0]
        == f"{YEAR}-05-01T04:00:00.000Z"
    )
    elsewhere = requests.post(
        f"{sandbox.url}/public/video-contact-center/schedule/user/{WEEKLY_AGENT}",
        headers=bearer(sandbox.keys["backend"]),
        json={"startAt": f"{YEAR}-05-01T14:00:00.000Z", "timezone": ZONE, "form": FORM}
        | {"service": WEEKLY_SERVICE, "referrer": "tests"},
        timeout=10,
    )
    assert elsewhere.status_code == 201
    body = availability(cached_proxy, "users", WEEKLY_AGENT, f"{YEAR}-05", days=2).json()
    assert list(body["days"]) == [f"{YEAR}-05-08", f"{YEAR}-05-15"]
    assert body["complete"] is True


def test_availability_reads_and_fills_the_cache_of_its_parts(
    cached_proxy: Client, sandbox: Sandbox
) -> None:
    cached_proxy.dates("users", JOHN, f"{YEAR}-05")
    cached_proxy.hours("users", JOHN, f"{YEAR}-05-01")
    first = availability(cached_proxy, "users", JOHN, f"{YEAR}-05", days=2)
    assert first.headers["Cache-Status"] == "videsk-proxy; fwd=miss; stored"
    assert len(sandbox.request_log()) == 3
    again = availability(cached_proxy, "users", JOHN, f"{YEAR}-05", days=2)
    assert again.headers["Cache-Status"].startswith("videsk-proxy; hit; ttl=")
    assert again.headers["Cache-Control"] == "no-cache"
    cached_proxy.hours("users", JOHN, f"{YEAR}-05-02")
    assert len(sandbox.request_log()) == 3
    repeated = availability_if_changed(cached_proxy, again.headers["ETag"])
    assert (repeated.status_code, repeated.content) == (304, b"")


def availability_if_changed(client: Client, etag: str) -> requests.Response:
    params: dict[str, object] = {"date": f"{YEAR}-05", "timezone": ZONE, "days": 2}
    path = f"/api/users/{JOHN}/availability"
    return client.get(path, params=params, headers={"If-None-Match": etag})


def test_as_of_is_the_request_time_of_the_oldest_part(cached_proxy: Client) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    cached_proxy.dates("users", JOHN, f"{YEAR}-05")
    read_at = datetime.now(UTC)
    time.sleep(0.2)
    body = availability(cached_proxy, "users", JOHN, f"{YEAR}-05", days=1).json()
    assert before <= instant(body["asOf"]) <= read_at


def test_a_write_invalidates_availability(cached_proxy: Client) -> None:
    hours = availability(cached_proxy, "services", FIRST_SERVICE, f"{YEAR}-05-06", days=1).json()[
        "days"
    ]
    first = hours[f"{YEAR}-05-06"][0]
    for agent in ("63bdbf3230013a2792550a1c", "63bdbf3b25ab497401602d07"):
        assert cached_proxy.book("users", agent, first).status_code == 201
    after = availability(cached_proxy, "services", FIRST_SERVICE, f"{YEAR}-05-06", days=1).json()[
        "days"
    ]
    assert after[f"{YEAR}-05-06"] == hours[f"{YEAR}-05-06"][1:]
    assert first not in next_hours(cached_proxy, "services", FIRST_SERVICE, limit=20).json()


@pytest.fixture(scope="module")
def low_rate_limit(sandbox_process: Sandbox, redis_process: ServerProcess) -> Iterator[Client]:
    settings = {"REDIS_URL": redis_process.redis_url, "VIDESK_RATE_LIMIT": "2"}
    with proxy_server(sandbox_process, **settings) as server:
        yield Client(server.url)


@TIMING
def test_days_beyond_the_rate_limit_are_listed_as_missing(
    low_rate_limit: Client, cached_proxy: Client, sandbox: Sandbox
) -> None:
    """With two requests a second, return some of thirteen days in time and within the rate limit."""
    sandbox.clear_request_log()
    started = time.monotonic()
    body = availability(low_rate_limit, "services", AUTOMATIC_SERVICE, f"{YEAR}-05", days=13).json()
    assert time.monotonic() - started < 15
    assert body["complete"] is False
    free = low_rate_limit.dates("services", AUTOMATIC_SERVICE, f"{YEAR}-05").json()
    assert sorted([*body["days"], *body["missing"]]) == [text[:10] for text in free[:13]]
    assert body["missing"]
    assert len(body["days"]) >= 4
    assert max_in_window(1, arrival_times(sandbox)) <= 2


def test_a_day_that_fails_is_missing_and_the_others_are_returned(
    proxy: Client, sandbox: Sandbox
) -> None:
    sandbox.fault("status", path="/hours", status=500, body={"message": "no"}, times=1)
    body = availability(proxy, "users", JOHN, f"{YEAR}-05", days=3).json()
    assert body["complete"] is False
    assert sorted([*body["days"], *body["missing"]]) == [
        f"{YEAR}-05-01",
        f"{YEAR}-05-02",
        f"{YEAR}-05-05",
    ]
    assert len(body["missing"]) == 1


def test_a_month_that_fails_is_listed_as_missing(cached_proxy: Client, sandbox: Sandbox) -> None:
    assert cached_proxy.dates("users", JOHN, f"{YEAR}-05").status_code == 200
    sandbox.fault("status", path="/dates", status=500, body={"message": "no"})
    body = availability(cached_proxy, "users", JOHN, f"{YEAR}-05-29", days=5).json()
    assert list(body["days"]) == [f"{YEAR}-05-29", f"{YEAR}-05-30"]
    assert (body["complete"], body["missing"]) == (False, [f"{YEAR}-06"])


def test_an_incomplete_response_is_neither_stored_nor_a_hit(
    cached_proxy: Client, proxy_with_redis: ServerProcess, sandbox: Sandbox
) -> None:
    free = cached_proxy.dates("users", JOHN, working_day(40)[:7]).json()
    first, second, third = (text[:10] for text in free[:3])
    read = partial(availability, cached_proxy, "users", JOHN, first, days=3)
    for day in (first, second):
        assert cached_proxy.hours("users", JOHN, day).status_code == 200
    sandbox.fault("status", path="/hours", status=400, body={"message": "no"})
    incomplete = [response for _ in "123" for response in on_each_worker(proxy_with_redis, read)]
    tagged = {"If-None-Match": "*"}
    params: dict[str, object] = {"date": first, "timezone": ZONE, "days": 3}
    path = f"/api/users/{JOHN}/availability"
    incomplete.append(cached_proxy.get(path, params=params, headers=tagged))
    for response in incomplete:
        assert response.status_code == 200
        assert (response.json()["complete"], response.json()["missing"]) == (False, [third])
        assert list(response.json()["days"]) == [first, second]
        assert response.headers["Cache-Status"] == "videsk-proxy; fwd=miss"
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers
    sandbox.control("DELETE", "faults")
    for response in on_each_worker(proxy_with_redis, read):
        assert (response.json()["complete"], list(response.json()["days"])) == (
            True,
            [first, second, third],
        )
        assert response.headers["Cache-Control"] == "no-cache"


def test_an_error_of_videsk_is_passed_on_if_there_is_no_result(
    proxy: Client, sandbox: Sandbox
) -> None:
    unknown = "63bdbf49394aad976d4affff"
    for response in (
        availability(proxy, "services", unknown, f"{YEAR}-05"),
        next_hours(proxy, "services", unknown),
    ):
        assert response.status_code == 404
        assert response.headers["X-Error-Source"] == "videsk"
        assert response.headers["Cache-Control"] == "no-store"
    sandbox.fault("status", path="/hours", status=403, body={"message": "not yours"})
    response = availability(proxy, "users", JOHN, f"{YEAR}-05")
    assert (response.status_code, response.json()) == (403, {"message": "not yours"})


NOT_INSTANTS = ["tomorrow", 7, f"{working_day()}T04:00:00"]
CALENDAR_LIMITS = [
    "0001-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
]


@pytest.mark.parametrize("wrong", [*NOT_INSTANTS, *CALENDAR_LIMITS])
@pytest.mark.parametrize("zone", [ZONE, "Pacific/Kiritimati"])
def test_dates_that_are_not_instants_are_a_502(
    proxy: Client, sandbox: Sandbox, wrong: object, zone: str
) -> None:
    sandbox.fault("status", path="/dates", status=200, body=[wrong])
    assert_own_error(availability(proxy, "users", JOHN, working_day(), zone), 502, "BadGateway")
    assert_own_error(next_hours(proxy, "users", JOHN, timezone=zone), 502, "BadGateway")


@pytest.mark.parametrize("wrong", [*NOT_INSTANTS, *CALENDAR_LIMITS])
def test_hours_that_are_not_instants_are_a_502(
    proxy: Client, sandbox: Sandbox, wrong: object
) -> None:
    sandbox.fault("status", path="/hours", status=200, body=[wrong])
    assert_own_error(next_hours(proxy, "users", JOHN), 502, "BadGateway")


def test_requests_to_videsk_carry_the_callers_request_id(proxy: Client, sandbox: Sandbox) -> None:
    path = f"/api/users/{JOHN}/availability?date={YEAR}-05&timezone=UTC&days=3"
    assert proxy.get(path, headers={"X-Request-ID": "one-screen"}).status_code == 200
    request_log: list[Any] = sandbox.request_log()
    assert [entry["headers"].get("x-request-id") for entry in request_log] == ["one-screen"] * 4


@pytest.mark.dates
def test_next_returns_the_first_hours_from_now_on(proxy: Client) -> None:
    now = datetime.now(UTC)
    hours = next_hours(proxy, "services", OPEN_SERVICE, timezone="UTC").json()
    assert len(hours) == 3
    assert now <= instant(hours[0]) <= now + timedelta(minutes=6)
    assert hours == sorted(hours)
    more = next_hours(proxy, "services", OPEN_SERVICE, timezone="UTC", limit=20).json()
    assert len(more) == 20


@pytest.mark.dates
def test_next_searches_three_months_ahead(proxy: Client, sandbox: Sandbox) -> None:
    now = datetime.now(UTC)
    hours = [
        instant(text) for text in next_hours(proxy, "services", WEEKLY_SERVICE, limit=20).json()
    ]
    assert {earlier + timedelta(days=7) - later for earlier, later in pairwise(hours)} <= {
        timedelta(0), timedelta(hours=1), -timedelta(hours=1),  # Santiago's clocks change between
    }  # fmt: skip
    assert 12 <= len(hours) <= 14
    assert hours[0] - now <= timedelta(days=7)
    assert timedelta(days=81) <= hours[-1] - now <= timedelta(days=93)
    assert sum(str(entry["path"]).endswith("/dates") for entry in sandbox.request_log()) == 4


@pytest.mark.dates
def test_next_omits_an_hour_that_has_begun(cached_proxy: Client, sandbox: Sandbox) -> None:
    past, coming = datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC) + timedelta(hours=1)
    listed = [f"{moment:%Y-%m-%dT%H:%M:%S}.000Z" for moment in (past, coming)]
    sandbox.fault("status", path="/hours", status=200, body=listed, times=1)
    sandbox.fault("status", path="/dates", status=200, body=listed[1:], times=1)
    assert next_hours(cached_proxy, "users", JOHN, timezone="UTC", limit=1).json() == listed[1:]


def test_next_is_cached_by_its_parts(cached_proxy: Client, sandbox: Sandbox) -> None:
    first = next_hours(cached_proxy, "users", JOHN)
    count = len(sandbox.request_log())
    again = next_hours(cached_proxy, "users", JOHN)
    assert (again.json(), len(sandbox.request_log())) == (first.json(), count)
    assert again.headers["Cache-Status"].startswith("videsk-proxy; hit; ttl=")
    assert (again.headers["Cache-Control"], again.headers["ETag"]) == (
        "no-cache",
        first.headers["ETag"],
    )


def test_next_fails_rather_than_skipping_a_day(proxy: Client, sandbox: Sandbox) -> None:
    sandbox.fault("status", path="/hours", status=503, body={"message": "later"}, times=1)
    response = next_hours(proxy, "users", JOHN)
    assert (response.status_code, response.json()) == (503, {"message": "later"})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("availability?timezone=UTC", 'A valid "date" is required'),
        (f"availability?date={YEAR}-05", 'A valid "timezone" is required'),
        (f"availability?date={YEAR}-05&timezone=Mars", 'A valid "timezone" is required'),
        ("availability?date=May&timezone=UTC", 'A valid "date" is required'),
        ("availability?date=9999-12-01&timezone=UTC", 'A valid "date" is required'),
        ("availability?date=2020-05&timezone=UTC", "The date can not be in the past."),
        ("availability?date=2020-05-06&timezone=UTC", "The date can not be in the past."),
        ("next", 'A valid "timezone" is required'),
        *[
            (f"availability?date={YEAR}-05&timezone=UTC&days={days}", '"days" must be a whole number from 1 to 31')
            for days in ("0", "32", "-1", "1.5", "x", "", "%D9%A3", "1e1", "+7", "99999")
        ],
        *[
            (f"next?timezone=UTC&limit={limit}", '"limit" must be a whole number from 1 to 20')
            for limit in ("0", "21", "many", "")
        ],
    ],
)  # fmt: skip
def test_an_invalid_query_is_rejected(
    proxy: Client, sandbox: Sandbox, path: str, message: str
) -> None:
    body = assert_own_error(proxy.get(f"/api/users/{JOHN}/{path}"), 400, "BadRequest")
    assert (body["message"], body["errors"]) == (message, {})
    assert sandbox.request_log() == []


@pytest.mark.dates
def test_yesterday_is_in_the_past_in_the_requested_zone(proxy: Client) -> None:
    """A day that has ended in Kiritimati (UTC+14) may not have ended in Santiago."""
    yesterday = (datetime.now(UTC) + timedelta(hours=14) - timedelta(days=1)).date().isoformat()
    over = availability(proxy, "users", JOHN, yesterday, "Pacific/Kiritimati")
    assert over.json()["data"] == "dateInPast"


def test_concurrent_availability_requests_read_each_part_once(
    cached_proxy: Client, sandbox: Sandbox
) -> None:
    day = working_day(20)
    responses = concurrently([partial(availability, cached_proxy, "users", JOHN, day, days=3)] * 20)
    assert {response.status_code for response in responses} == {200}
    assert len({str(response.json()["days"]) for response in responses}) == 1
    assert len(sandbox.request_log()) in (4, 5)  # three days of one month, or of two


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)

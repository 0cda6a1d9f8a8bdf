"""A 409 to a booking links to the free hours, which are read again from Videsk."""

import pytest
import requests
from redis import Redis

from tests.client import FIRST_SERVICE, FORM, JOHN, MARK, ZONE, Client, bearer
from tests.days import YEAR
from tests.e2e.fleet import cache_status
from tests.processes import Sandbox

SHOP = "https://shop.example"
DAY, START, LATER = f"{YEAR}-05-06", f"{YEAR}-05-06T14:00:00.000Z", f"{YEAR}-05-06T15:00:00.000Z"
KINDS = {"users": JOHN, "services": FIRST_SERVICE}


def book_elsewhere(sandbox: Sandbox, agent: str, start: str = START) -> requests.Response:
    """Book the hour directly with Videsk, without the proxy."""
    return requests.post(
        f"{sandbox.url}/public/video-contact-center/schedule/user/{agent}",
        json={"startAt": start, "timezone": ZONE, "form": FORM, "referrer": "x", "service": FIRST_SERVICE},
        headers=bearer(sandbox.keys["backend"]),
        timeout=10,
    )  # fmt: skip


def link_of(response: requests.Response) -> str:
    (link,) = requests.utils.parse_header_links(response.headers["Link"])
    assert link["rel"] == "alternate"
    return link["url"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_conflict_links_to_a_fresh_list_without_the_taken_hour(
    cached_proxy: Client, sandbox: Sandbox, redis: Redis, kind: str
) -> None:
    before = cached_proxy.hours(kind, KINDS[kind], DAY)
    assert START in before.json()
    for agent in (JOHN, MARK):
        assert book_elsewhere(sandbox, agent).status_code == 201
    headers = {"Idempotency-Key": "a-key", "Origin": SHOP}
    conflict = cached_proxy.book(kind, KINDS[kind].upper(), START, headers)
    assert (conflict.status_code, conflict.headers["X-Error-Source"]) == (409, "videsk")
    assert conflict.content == book_elsewhere(sandbox, JOHN).content
    assert conflict.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Link" in conflict.headers["Access-Control-Expose-Headers"].split(", ")
    assert conflict.headers["Link"] == (
        f"</api/{kind}/{KINDS[kind]}/hours?date={YEAR}-05-06T14%3A00%3A00.000Z"
        '&timezone=America%2FSantiago>; rel="alternate"'
    )
    free = cached_proxy.get(link_of(conflict), headers={"Origin": SHOP})
    assert cache_status(free).startswith("fwd=miss")
    assert free.headers["Access-Control-Allow-Origin"] == SHOP
    assert free.json() == [hour for hour in before.json() if hour != START]


@pytest.mark.parametrize(
    ("start", "zone", "date"),
    [
        (f"{YEAR}-05-06T16:00:00+02:00", ZONE, START),
        (f"{YEAR}-05-06T14:00:00Z", "Etc/GMT+5", START),
        (f"{YEAR}-05-06T14:00:00Z", "Asia/Calcutta", START),
        (f"{YEAR}-05-06T23:00:00Z", "Asia/Tokyo", f"{YEAR}-05-06T23:00:00.000Z"),
    ],
)
def test_the_link_is_for_the_day_in_the_visitors_zone(
    cached_proxy: Client, sandbox: Sandbox, start: str, zone: str, date: str
) -> None:
    sandbox.fault("status", status=409, body={"name": "Conflict"}, method="POST", times=1)
    conflict = cached_proxy.book("users", JOHN, start, timezone=zone)
    free = cached_proxy.get(link_of(conflict))
    same = cached_proxy.hours("users", JOHN, date, zone)
    assert (free.status_code, same.status_code) == (200, 200)
    assert cache_status(same).startswith("hit"), "the day has one cache entry"
    assert free.content == same.content


def test_only_a_booking_conflict_has_a_link(cached_proxy: Client, sandbox: Sandbox) -> None:
    booked = cached_proxy.book("users", JOHN, START)
    assert book_elsewhere(sandbox, JOHN, LATER).status_code == 201
    token = bearer(booked.json()["actionToken"])
    moved = cached_proxy.post("/api/appointment/reschedule", {"date": LATER}, headers=token)
    sandbox.fault("status", status=404, body={"name": "NotFound"}, method="POST", times=1)
    missing = cached_proxy.book("users", JOHN, f"{YEAR}-05-06T16:00:00Z")
    assert [a.status_code for a in (booked, moved, missing)] == [201, 409, 404]
    assert all("Link" not in response.headers for response in (booked, moved, missing))

"""The booking flow: list services, days and hours, book, look up, reschedule, cancel."""

import pytest

from tests.client import (
    AUTOMATIC_SERVICE,
    JOHN,
    MARK,
    OPEN_SERVICE,
    SHARING_SERVICE,
    Client,
    bearer,
    next_open_day,
    working_day,
)
from tests.days import YEAR, first_instant
from tests.processes import Sandbox

pytestmark = pytest.mark.dates
BOTH_KINDS = pytest.mark.parametrize(
    ("kind", "ident"), [("services", AUTOMATIC_SERVICE), ("users", JOHN)]
)


def test_services_of_every_page_are_one_array(proxy: Client, sandbox: Sandbox) -> None:
    services = proxy.get("/api/services").json()
    pages = [entry for entry in sandbox.request_log() if str(entry["path"]).endswith("/services")]
    assert len(services) > 10, "the seed has more than one page"
    assert len(pages) == 2
    assert len({service["id"] for service in services}) == len(services)
    for service in services:
        assert {"id", "title", "description", "automatic", "users"} == set(service)
        assert service["users"] or service["automatic"]
        assert all({"id", "firstname", "lastname"} == set(user) for user in service["users"])


@BOTH_KINDS
def test_a_free_hour_is_found_booked_and_no_longer_listed(
    proxy: Client, kind: str, ident: str
) -> None:
    day = working_day()
    assert first_instant(day) in proxy.dates(kind, ident, day[:7]).json()
    hours = proxy.hours(kind, ident, day, "Europe/Madrid").json()

    booked = proxy.book(kind, ident, hours[0])

    assert booked.status_code == 201
    assert booked.json()["startAt"] == hours[0]
    assert booked.json()["email"] == "ana@example.com"
    conflicts = [proxy.book(kind, ident, hours[0]).status_code for _ in range(3)]
    assert 409 in conflicts, "a few bookings use up all agents of a service"
    assert hours[0] not in proxy.hours(kind, ident, day, "Europe/Madrid").json()


def test_an_appointment_is_moved_and_canceled_by_its_token(proxy: Client, sandbox: Sandbox) -> None:
    first, second, *_ = proxy.hours("users", JOHN, working_day()).json()
    booked = proxy.book("users", JOHN, first).json()

    moved = proxy.post(
        "/api/appointment/reschedule", {"date": second}, headers=bearer(booked["actionToken"])
    )
    assert (moved.status_code, moved.json()["startAt"]) == (200, second)
    dead = proxy.post("/api/appointment/cancel", {}, headers=bearer(booked["actionToken"]))
    assert (dead.status_code, dead.json()["message"]) == (401, "The token is not valid any more.")

    canceled = proxy.post(
        "/api/appointment/cancel",
        {"cancelReason": "no puedo ir"},
        headers=bearer(moved.json()["actionToken"]),
    )
    assert canceled.status_code == 200
    assert set(canceled.json()) == {"service", "message"}
    assert [entry["status"] for entry in sandbox.appointments()] == ["rescheduled", "canceled"]


def test_a_cancellation_needs_no_body(proxy: Client) -> None:
    start = proxy.hours("users", JOHN, working_day()).json()[0]
    token = proxy.book("users", JOHN, start).json()["actionToken"]
    assert proxy.call("POST", "/api/appointment/cancel", headers=bearer(token)).status_code == 200


def test_an_appointment_about_to_start_can_be_looked_up(proxy: Client) -> None:
    start = proxy.hours("services", OPEN_SERVICE, next_open_day(), "UTC").json()[0]
    token = proxy.book("services", OPEN_SERVICE, start).json()["accessToken"]
    info = proxy.get("/api/appointment", headers=bearer(token))
    assert info.status_code == 200
    assert info.json()["startAt"] == start
    assert "id" in info.json()["user"], "_id is renamed at every depth"
    assert "_id" not in info.text


def test_one_agent_in_two_services_is_booked_once(proxy: Client) -> None:
    start = proxy.hours("users", MARK, working_day()).json()[0]
    assert proxy.book("users", MARK, start).status_code == 201
    conflict = proxy.book("users", MARK, start, service=SHARING_SERVICE)
    assert conflict.status_code == 409
    assert conflict.headers["X-Error-Source"] == "videsk"


def test_requests_to_videsk_match_its_documentation(proxy: Client, sandbox: Sandbox) -> None:
    sandbox.clear_request_log()
    proxy.book("users", JOHN.upper(), f"{YEAR}-05-06T09:00:00.1239+02:00", referrer="campaña")
    (entry,) = sandbox.request_log()
    assert entry["method"] == "POST"
    assert entry["path"] == f"/public/video-contact-center/schedule/user/{JOHN}"
    assert f'"startAt": "{YEAR}-05-06T07:00:00.123Z"' in str(entry["body"])
    assert '"referrer": "campa\\u00f1a"' in str(entry["body"])
    headers = entry["headers"]
    assert isinstance(headers, dict)
    assert headers["authorization"] == f"Bearer {sandbox.keys['backend']}"
    assert headers["content-type"] == "application/json"

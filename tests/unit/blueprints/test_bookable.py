"""Days, hours and bookings of services and users."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from blueprints import bookable
from booking.service import BookingService
from idempotency.protocol import Idempotency
from schemas.bookings import BookingSchema, UserBookingSchema
from tests.client import FORM, ZONE
from tests.days import YEAR
from tests.unit.blueprints.setup import ID, FakeScheduling, client_with
from videsk.resources import SERVICES, USERS, ResourceKind
from web.referrers import Referrers

DAY = f"{YEAR}-05-06"
BOOKING = {"startAt": f"{DAY}T14:00:00.000Z", "timezone": ZONE, "form": FORM}
KINDS = pytest.mark.parametrize("kind", [SERVICES, USERS], ids=lambda kind: kind.plural)


def client_for(scheduling: Any, kind: ResourceKind = SERVICES) -> FlaskClient:
    bookings = BookingService(scheduling, Idempotency(None), Referrers((), "tests"), None)
    schema = UserBookingSchema() if kind is USERS else BookingSchema()
    return client_with(bookable.make_blueprint(kind, schema, scheduling, bookings))


@KINDS
@pytest.mark.parametrize(
    ("path", "method", "period"),
    [
        (f"dates?date={DAY}", "dates", f"{YEAR}-05"),
        (f"hours?date={DAY}", "hours", DAY),
        (f"hours?date={DAY}T23:00:00-04:00", "hours", DAY),
    ],
)
def test_a_month_or_a_day_is_read_in_the_time_zone(
    kind: ResourceKind, path: str, method: str, period: str
) -> None:
    scheduling = FakeScheduling(b"[]")
    response = client_for(scheduling, kind).get(
        f"/api/{kind.plural}/{ID.upper()}/{path}&timezone={ZONE}"
    )
    assert (response.status_code, response.data) == (200, b"[]")
    assert response.headers["Cache-Control"] == "no-cache"
    ((called, called_kind, ident, requested, _),) = scheduling.calls
    assert (called, called_kind, ident) == (method, kind, ID)
    assert (requested.name, requested.zone) == (period, ZONE)


@KINDS
def test_availability_and_next_hours_take_a_number(
    monkeypatch: pytest.MonkeyPatch, kind: ResourceKind
) -> None:
    scheduling, scans = FakeScheduling(), []

    def scan(*args: Any) -> FakeScheduling:
        scans.append(args)
        return scheduling

    monkeypatch.setattr(bookable, "AvailabilityScan", scan)
    client = client_for(scheduling, kind)
    for path in (f"availability?date={DAY}&days=3", "next?"):
        response = client.get(f"/api/{kind.plural}/{ID}/{path}&timezone={ZONE}")
        assert response.status_code == 200
    assert [args[:3] for args in scans] == [(scheduling, kind, ID)] * 2
    (availability, _, days), (next_hours, _, limit) = scheduling.calls
    assert (availability, days) == ("find_availability", 3)
    assert (next_hours, limit) == ("find_next_hours", 3), "the default"


@pytest.mark.parametrize(
    "path",
    [
        f"/api/services/x/dates?date={DAY}&timezone={ZONE}",
        f"/api/services/{ID}/dates?date={DAY}",
        f"/api/services/{ID}/hours?date={DAY}&timezone=Nowhere",
        f"/api/services/{ID}/hours?date=2020-01-01&timezone={ZONE}",
        f"/api/services/{ID}/hours?date={YEAR}-05&timezone={ZONE}",
        f"/api/services/{ID}/availability?date={DAY}&timezone={ZONE}&days=32",
        f"/api/services/{ID}/next?timezone={ZONE}&limit=0",
    ],
)
def test_an_invalid_query_is_rejected_without_a_request_to_videsk(path: str) -> None:
    scheduling = FakeScheduling()
    assert client_for(scheduling).get(path).status_code == 400
    assert not scheduling.calls


@KINDS
def test_a_booking_is_passed_on_with_its_referrer(kind: ResourceKind) -> None:
    scheduling = FakeScheduling()
    more = {"service": ID} if kind is USERS else {}
    path = f"/api/{kind.plural}/{ID.upper()}/appointments"
    response = client_for(scheduling, kind).post(path, json=BOOKING | more)
    assert (response.status_code, response.data) == (201, scheduling.body)
    assert response.headers["Cache-Control"] == "no-store"
    ((*call, seconds),) = scheduling.calls
    assert call == ["book", kind, ID, BOOKING | more | {"referrer": "tests"}]
    assert 24 < seconds <= 25


@pytest.mark.parametrize(
    "booking",
    [{}, BOOKING | {"form": []}, BOOKING | {"unknown": 1}, BOOKING | {"startAt": DAY}],
)
def test_an_invalid_booking_is_rejected_without_a_request_to_videsk(
    booking: dict[str, Any],
) -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling).post(f"/api/services/{ID}/appointments", json=booking)
    assert response.status_code == 400
    assert not scheduling.calls


def test_paths_and_messages_name_users_or_services() -> None:
    assert (SERVICES.plural, SERVICES.singular) == ("services", "service")
    assert (USERS.plural, USERS.singular) == ("users", "user")

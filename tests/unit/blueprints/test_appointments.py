"""An appointment is looked up, canceled and rescheduled by its tokens."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from blueprints import appointments
from booking.service import BookingService
from idempotency.protocol import Idempotency
from tests.client import bearer
from tests.days import YEAR
from tests.unit.blueprints.setup import FakeScheduling, client_with
from web.referrers import Referrers

MOVE = {"date": f"{YEAR}-05-06T14:00:00.000Z"}


def client_for(scheduling: Any) -> FlaskClient:
    bookings = BookingService(scheduling, Idempotency(None), Referrers((), "tests"), None)
    return client_with(appointments.make_blueprint(scheduling, bookings))


def test_the_access_token_looks_up_an_appointment() -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling).get("/api/appointment", headers=bearer("a.b.c"))
    assert (response.status_code, response.data) == (200, scheduling.body)
    assert response.headers["Cache-Control"] == "no-store"
    assert scheduling.calls == [("appointment", "a.b.c")]


@pytest.mark.parametrize(
    ("path", "body", "call"),
    [
        ("cancel", {"cancelReason": "ill"}, ("cancel", "a.b.c", {"cancelReason": "ill"})),
        ("cancel", None, ("cancel", "a.b.c", {})),
        ("reschedule", MOVE, ("reschedule", "a.b.c", MOVE)),
    ],
)
def test_the_action_token_changes_an_appointment(
    path: str, body: Any, call: tuple[Any, ...]
) -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling).post(
        f"/api/appointment/{path}", json=body, headers=bearer("a.b.c")
    )
    assert (response.status_code, response.data) == (200, scheduling.body)
    assert scheduling.calls == [call]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "", None), ("POST", "/cancel", None), ("POST", "/reschedule", MOVE)],
)
def test_without_a_token_no_request_goes_to_videsk(method: str, path: str, body: Any) -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling).open(f"/api/appointment{path}", method=method, json=body)
    assert response.status_code == 401
    assert not scheduling.calls


@pytest.mark.parametrize(
    ("path", "body"),
    [("reschedule", {}), ("reschedule", None), ("cancel", {"cancelReason": 7}), ("cancel", [])],
)
def test_an_invalid_body_is_rejected_without_a_request_to_videsk(path: str, body: Any) -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling).post(
        f"/api/appointment/{path}", json=body, headers=bearer("a.b.c")
    )
    assert response.status_code in {400, 415}
    assert not scheduling.calls

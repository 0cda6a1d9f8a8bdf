"""The booking flow: referrer, captcha and idempotency around one write."""

from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, Response, g
from marshmallow import ValidationError

from booking.service import BookingService
from idempotency.protocol import Idempotency
from tests.unit.blueprints.setup import FakeScheduling
from tests.unit.web.setup import small_app
from videsk.errors import VideskUnreachableError
from videsk.resources import SERVICES
from videsk.scheduling import REQUEST_SECONDS
from web.captcha import CaptchaMissingError
from web.referrers import Referrers

BOOKING = {"startAt": "2026-12-01T12:00:00.000Z", "timezone": "UTC", "form": []}


class Captcha:
    """A captcha that confirms every token, or raises `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.bodies: list[Any] = []

    @contextmanager
    def confirmed(self, path: str, body: Any) -> Any:
        self.bodies.append(body)
        if self.error:
            raise self.error
        yield


@pytest.fixture
def app() -> Flask:
    return small_app()


def service(scheduling: Any, captcha: Any = None, *origins: str) -> BookingService:
    return BookingService(scheduling, Idempotency(None), Referrers(origins, "default"), captcha)


def book(
    app: Flask, bookings: BookingService, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    body = BOOKING | more
    with app.test_request_context("/api/services/a/appointments", method="POST", headers=headers):
        return bookings.book(SERVICES, "a", dict(body), body)


def test_a_booking_is_a_201_and_has_a_referrer(app: Flask) -> None:
    scheduling = FakeScheduling(b"{}")
    bookings = service(scheduling, None, "https://shop.example")
    assert book(app, bookings, {"Referer": "https://shop.example/page"}).status_code == 201
    assert scheduling.calls[0][3]["referrer"] == "https://shop.example/page"


def test_a_referrer_that_is_not_allowed_is_rejected(app: Flask) -> None:
    scheduling = FakeScheduling()
    with pytest.raises(ValidationError):
        book(app, service(scheduling), referrer="https://other.example/")
    assert not scheduling.calls


@pytest.mark.parametrize("has_captcha", [True, False])
def test_a_token_is_verified_by_the_proxy_or_by_videsk(app: Flask, has_captcha: bool) -> None:
    scheduling, captcha = FakeScheduling(b"{}"), Captcha()
    book(app, service(scheduling, captcha if has_captcha else None), token="a-token")
    assert ("token" in scheduling.calls[0][3]) is not has_captcha
    assert [body["token"] for body in captcha.bodies] == (["a-token"] if has_captcha else [])


def test_without_its_captcha_nothing_is_booked(app: Flask) -> None:
    scheduling = FakeScheduling()
    with pytest.raises(CaptchaMissingError):
        book(app, service(scheduling, Captcha(CaptchaMissingError())))
    assert not scheduling.calls


def test_a_double_click_books_once(app: Flask) -> None:
    scheduling = FakeScheduling(b"{}")
    bookings = service(scheduling)
    first, second = book(app, bookings), book(app, bookings)
    assert len(scheduling.calls) == 1
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.data == first.data


def test_a_repeated_booking_without_its_referer_gets_the_first_response(app: Flask) -> None:
    scheduling, headers = FakeScheduling(b"{}"), {"Idempotency-Key": "a-key"}
    bookings = BookingService(
        scheduling,  # type: ignore[arg-type]
        Idempotency(None),
        Referrers(("https://shop.example",), None),
        None,
    )
    first = book(app, bookings, headers | {"Referer": "https://shop.example/page"})
    assert book(app, bookings, headers).data == first.data
    assert len(scheduling.calls) == 1
    with pytest.raises(ValidationError):
        book(app, bookings, {"Idempotency-Key": "another"})


def test_captcha_and_booking_share_one_deadline(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([100.0, 104.0])
    monkeypatch.setattr("booking.service.monotonic", lambda: next(now))
    scheduling = FakeScheduling(b"{}")
    book(app, service(scheduling, Captcha()))
    assert scheduling.calls[0][4] == REQUEST_SECONDS - 4


def test_a_failed_booking_links_to_the_free_hours_and_can_be_sent_again(app: Flask) -> None:
    scheduling = FakeScheduling(b"{}", VideskUnreachableError())
    bookings = service(scheduling)
    with app.test_request_context("/", method="POST"):
        with pytest.raises(VideskUnreachableError):
            bookings.book(SERVICES, "a", dict(BOOKING), BOOKING)
        assert "/api/services/a/hours?" in g.alternate
    scheduling.error = None
    assert book(app, bookings).status_code == 201


@pytest.mark.parametrize("method", ["cancel", "reschedule"])
def test_after_a_change_the_same_booking_is_not_a_double_click(app: Flask, method: str) -> None:
    scheduling = FakeScheduling(b'{"actionToken": "a-token"}')
    bookings = service(scheduling)
    book(app, bookings)
    with app.test_request_context("/api/appointment/cancel", method="POST"):
        write, change = getattr(scheduling, method), {"a": 1}
        assert bookings.change(write, "a-token", change, change).status_code == 200
    book(app, bookings)
    assert [call[0] for call in scheduling.calls] == ["book", method, "book"]
    assert scheduling.calls[1] == (method, "a-token", {"a": 1})

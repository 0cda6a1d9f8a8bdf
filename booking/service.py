"""The booking flow: referrer, captcha and idempotency around one write to Videsk."""

from collections.abc import Mapping
from contextlib import nullcontext
from time import monotonic
from typing import Any

from flask import Response, request

from booking.captcha_confirmations import BookingCaptcha
from idempotency.protocol import Idempotency
from videsk.resources import ResourceKind
from videsk.scheduling import REQUEST_SECONDS, Scheduling
from web import responses
from web.referrers import Referrers


class BookingService:
    """Books, cancels and reschedules; each identical request once.

    `body` is the request's JSON; `booking`, `cancellation` and `move` are the same after
    validation. Every method raises what its write raises (`videsk.errors`), and what
    `Idempotency.run` raises.
    """

    def __init__(
        self,
        scheduling: Scheduling,
        idempotency: Idempotency,
        referrers: Referrers,
        captcha: BookingCaptcha | None,
    ) -> None:
        self._scheduling = scheduling
        self._idempotency = idempotency
        self._referrers = referrers
        self._captcha = captcha

    def book(
        self, kind: ResourceKind, ident: str, booking: dict[str, Any], body: Mapping[str, Any]
    ) -> Response:
        """Book an hour. Raises CaptchaError, and ValidationError for a referrer not allowed."""
        end = monotonic() + REQUEST_SECONDS
        responses.link_to_free_hours(kind.plural, ident, booking)
        if self._captcha:
            booking.pop("token", None)  # a token is verified once, here or by Videsk

        def action() -> Response:
            headers = request.headers.get("Referer"), request.headers.get("Origin")
            booking["referrer"] = self._referrers.choose(booking.get("referrer"), headers)
            with self._captcha.confirmed(request.path, body) if self._captcha else nullcontext():
                booked = self._scheduling.book(kind, ident, booking, end - monotonic())
                return responses.uncached_response(booked, 201)

        return self._idempotency.run(action, body, detect_double_click=True)

    def cancel(
        self, token: str, cancellation: Mapping[str, Any], body: Mapping[str, Any]
    ) -> Response:
        """Cancel the appointment that the actionToken belongs to."""

        def action() -> Response:
            canceled = self._scheduling.cancel(token, cancellation)
            self._idempotency.end_double_click(token)
            return responses.uncached_response(canceled)

        return self._idempotency.run(action, body, token=token)

    def reschedule(self, token: str, move: Mapping[str, Any], body: Mapping[str, Any]) -> Response:
        """Move the appointment that the actionToken belongs to."""

        def action() -> Response:
            moved = self._scheduling.reschedule(token, move)
            self._idempotency.end_double_click(token)
            return responses.uncached_response(moved)

        return self._idempotency.run(action, body, token=token)

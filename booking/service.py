"""The booking flow: referrer, captcha and idempotency around one write to Videsk."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import Any

from flask import Response, request

from booking.captcha_confirmations import BookingCaptcha
from idempotency.protocol import Idempotency
from videsk.resources import ResourceKind
from videsk.scheduling import REQUEST_SECONDS, Scheduling
from web import responses
from web.referrers import Referrers

Json = Mapping[str, Any]


@dataclass(eq=False)
class BookingService:
    """Books, cancels and reschedules; each identical request once.

    `body` is the request's JSON; `booking` and `change` are the same after validation. Every method
    raises what its write raises (`videsk.errors`), and what `Idempotency.run` raises.
    """

    scheduling: Scheduling
    idempotency: Idempotency
    referrers: Referrers
    captcha: BookingCaptcha | None

    def book(self, kind: ResourceKind, ident: str, booking: dict[str, Any], body: Json) -> Response:
        """Book an hour. Raises CaptchaError, and ValidationError for a referrer not allowed."""
        end = monotonic() + REQUEST_SECONDS
        responses.link_to_free_hours(kind.plural, ident, booking)
        if self.captcha:
            booking.pop("token", None)  # a token is verified once, here or by Videsk

        def action() -> Response:
            headers = request.headers.get("Referer"), request.headers.get("Origin")
            booking["referrer"] = self.referrers.choose(booking.get("referrer"), headers)
            with self.captcha.confirmed(request.path, body) if self.captcha else nullcontext():
                booked = self.scheduling.book(kind, ident, booking, end - monotonic())
                return responses.uncached_response(booked, 201)

        return self.idempotency.run(action, body, detect_double_click=True)

    def change(
        self, write: Callable[[str, Json], bytes], token: str, change: Json, body: Json
    ) -> Response:
        """Cancel or move the appointment of this actionToken, with Scheduling's method `write`."""

        def action() -> Response:
            changed = write(token, change)
            self.idempotency.end_double_click(token)
            return responses.uncached_response(changed)

        return self.idempotency.run(action, body, token=token)

"""Whatever has days and hours to book: written once, for services and for users."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime

from flask import Blueprint, Response, request
from marshmallow import Schema

from booking.captcha_confirmations import BookingCaptcha
from idempotency.protocol import Idempotency
from schemas.queries import load_availability, load_day, load_id, load_month, load_next
from videsk.availability import AvailabilityFinder
from videsk.resources import ResourceKind
from videsk.scheduling import Scheduling
from web import responses
from web.referrers import Referrers
from web.request_body import read_object


def make_blueprint(
    kind: ResourceKind,
    booking_schema: Schema,
    scheduling: Scheduling,
    finder: AvailabilityFinder,
    referrers: Referrers,
    captcha: BookingCaptcha | None,
    idempotency: Idempotency,
    now: Callable[[], datetime],
) -> Blueprint:
    """The routes of one kind under `/api/{kind}/{id}`."""
    blueprint = Blueprint(kind.plural, __name__, url_prefix=f"/api/{kind.plural}/<ident>")

    @blueprint.get("/dates")
    def dates(ident: str) -> Response:
        """List the free days of a month."""
        ident = load_id(kind.singular, ident)
        month, query_instant = load_month(request.args, now())
        return responses.cached_response(
            lambda: scheduling.dates(kind, ident, month, query_instant),
            responses.NO_CACHE,
            month.end,
        )

    @blueprint.get("/hours")
    def hours(ident: str) -> Response:
        """List the free hours of a day."""
        ident = load_id(kind.singular, ident)
        day, query_instant = load_day(request.args, now())
        return responses.cached_response(
            lambda: scheduling.hours(kind, ident, day, query_instant), responses.NO_CACHE, day.end
        )

    @blueprint.get("/availability")
    def availability(ident: str) -> Response:
        """List the free hours of several days at once."""
        ident = load_id(kind.singular, ident)
        asked_at = now()
        day_range, days = load_availability(request.args, asked_at)
        return responses.cached_response(
            lambda: finder.availability(kind, ident, day_range, days, asked_at),
            responses.NO_CACHE,
            day_range.start.end,
        )

    @blueprint.get("/next")
    def next_hours(ident: str) -> Response:
        """List the next free hours from now on."""
        ident = load_id(kind.singular, ident)
        asked_at = now()
        day_range, limit = load_next(request.args, asked_at)
        return responses.cached_response(
            lambda: finder.next_hours(kind, ident, day_range, limit, asked_at),
            responses.NO_CACHE,
            until=asked_at,  # what comes next changes with every moment
        )

    @blueprint.post("/appointments")
    def book(ident: str) -> Response:
        """Book an hour."""
        ident = load_id(kind.singular, ident)
        body = read_object()
        booking = booking_schema.load(body)
        headers = request.headers.get("Referer"), request.headers.get("Origin")
        booking["referrer"] = referrers.choose(booking.get("referrer"), headers)
        responses.link_to_free_hours(kind.plural, ident, booking)

        if captcha:
            booking.pop("token", None)

        def act() -> Response:
            with captcha.confirmed(request.path, body) if captcha else nullcontext():
                return responses.uncached_response(scheduling.book(kind, ident, booking), 201)

        return idempotency.answer(act, body, detect_double_click=True)

    return blueprint

"""Free days, free hours and bookings: the same routes for services and for users."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request
from marshmallow import Schema

from booking.service import BookingService
from schemas.queries import load_availability, load_day, load_id, load_month, load_next
from videsk.availability import AvailabilityFinder
from videsk.resources import ResourceKind
from videsk.scheduling import Scheduling
from web import responses
from web.request_body import read_object


def make_blueprint(
    kind: ResourceKind,
    booking_schema: Schema,
    scheduling: Scheduling,
    finder: AvailabilityFinder,
    bookings: BookingService,
) -> Blueprint:
    """Return the routes of one kind under `/api/{kind}/{id}`."""
    blueprint = Blueprint(kind.plural, __name__, url_prefix=f"/api/{kind.plural}/<ident>")

    @blueprint.get("/dates")
    def dates(ident: str) -> Response:
        """List the free days of a month."""
        ident = load_id(kind.singular, ident)
        month, query_instant = load_month(request.args, datetime.now(UTC))
        return responses.cached_response(
            lambda: scheduling.dates(kind, ident, month, query_instant),
            responses.NO_CACHE,
            month.end,
        )

    @blueprint.get("/hours")
    def hours(ident: str) -> Response:
        """List the free hours of a day."""
        ident = load_id(kind.singular, ident)
        day, query_instant = load_day(request.args, datetime.now(UTC))
        return responses.cached_response(
            lambda: scheduling.hours(kind, ident, day, query_instant), responses.NO_CACHE, day.end
        )

    @blueprint.get("/availability")
    def availability(ident: str) -> Response:
        """List the free hours of several days at once."""
        ident = load_id(kind.singular, ident)
        now = datetime.now(UTC)
        day_range, days = load_availability(request.args, now)
        return responses.cached_response(
            lambda: finder.find_availability(kind, ident, day_range, days, now),
            responses.NO_CACHE,
            day_range.start.end,
        )

    @blueprint.get("/next")
    def next_hours(ident: str) -> Response:
        """List the next free hours from now on."""
        ident = load_id(kind.singular, ident)
        now = datetime.now(UTC)
        day_range, limit = load_next(request.args, now)
        return responses.cached_response(
            lambda: finder.find_next_hours(kind, ident, day_range, limit, now),
            responses.NO_CACHE,
            until=now,  # what comes next changes with every moment
        )

    @blueprint.post("/appointments")
    def book(ident: str) -> Response:
        """Book an hour."""
        ident = load_id(kind.singular, ident)
        body = read_object()
        return bookings.book(kind, ident, booking_schema.load(body), body)

    return blueprint

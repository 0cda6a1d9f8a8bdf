"""Free days, free hours and bookings: the same routes for services and for users."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request
from marshmallow import Schema

from booking.service import BookingService
from openapi import spec
from schemas.queries import load_availability, load_day, load_id, load_month, load_next
from videsk.availability import AvailabilityScan
from videsk.resources import ResourceKind
from videsk.scheduling import Scheduling
from web import responses
from web.request_body import read_object

_DATES = spec.cached("The first instant of each free day.", spec.INSTANTS, "dates")
_HOURS = spec.cached("The starts of the free hours.", spec.INSTANTS, "hours")
_AVAILABILITY = spec.cached(
    "The free hours of several days.",
    "Availability",
    "availability",
    "availabilityIncomplete",
    cache_control="NoCacheIfComplete",
    etag="ETag-if-complete",
)
_NEXT_HOURS = spec.cached("The starts of the next free hours.", spec.INSTANTS, "nextHours")
_DATE_ERRORS = ("dateInvalid", "dateInPast")
_DAYS_QUERY = ("monthOrDay", "days")
_DAYS_ERRORS = (*_DATE_ERRORS, "daysInvalid")
_BOOKING_ERRORS = (
    "startAtInvalid",
    "bodyTimezoneInvalid",
    "hourInPast",
    "referrerNotAllowed",
    "captchaMissing",
    "captchaRequired",
    "elementIdInvalid",
    "honeypotFilled",
    "honeypotMissing",
    "valueTooLong",
    "elementUnknown",
    *spec.BODY_ERRORS,
)


def make_blueprint(
    kind: ResourceKind,
    booking_schema: Schema,
    scheduling: Scheduling,
    bookings: BookingService,
) -> Blueprint:
    """Return the routes of one kind under `/api/{kind}/{id}`."""
    blueprint = Blueprint(kind.plural, __name__, url_prefix=f"/api/{kind.plural}/<ident>")

    @blueprint.get("/dates")
    @spec.describe(_read(kind, "list{}Dates", _DATES, ("month",), *_DATE_ERRORS))
    def dates(ident: str) -> Response:
        """List the free days of a month.

        A day is given by its first instant in `timezone`.
        """
        ident = load_id(kind.singular, ident)
        month, query_instant = load_month(request.args, datetime.now(UTC))
        return responses.cached_response(
            lambda: scheduling.dates(kind, ident, month, query_instant),
            responses.NO_CACHE,
            month.end,
        )

    @blueprint.get("/hours")
    @spec.describe(_read(kind, "list{}Hours", _HOURS, ("day",), *_DATE_ERRORS))
    def hours(ident: str) -> Response:
        """List the free hours of a day.

        An hour is given by its start, which is the `startAt` of a booking.
        """
        ident = load_id(kind.singular, ident)
        day, query_instant = load_day(request.args, datetime.now(UTC))
        return responses.cached_response(
            lambda: scheduling.hours(kind, ident, day, query_instant), responses.NO_CACHE, day.end
        )

    @blueprint.get("/availability")
    @spec.describe(_read(kind, "get{}Availability", _AVAILABILITY, _DAYS_QUERY, *_DAYS_ERRORS))
    def availability(ident: str) -> Response:
        """List the free hours of several days in one request.

        Returns the first free days of a month, or of the three months from a day on. It counts
        towards the client's rate limit with the number of requests sent to Videsk, at least one.
        """
        ident = load_id(kind.singular, ident)
        now = datetime.now(UTC)
        day_range, days = load_availability(request.args, now)
        scan = AvailabilityScan(scheduling, kind, ident, now)
        return responses.cached_response(
            lambda: scan.find_availability(day_range, days),
            responses.NO_CACHE,
            day_range.start.end,
        )

    @blueprint.get("/next")
    @spec.describe(_read(kind, "list{}NextHours", _NEXT_HOURS, ("limit",), "limitInvalid"))
    def next_hours(ident: str) -> Response:
        """List the next free hours from now on.

        Searches up to three months. It counts towards the client's rate limit with the number of
        requests sent to Videsk, at least one.
        """
        ident = load_id(kind.singular, ident)
        now = datetime.now(UTC)
        day_range, limit = load_next(request.args, now)
        scan = AvailabilityScan(scheduling, kind, ident, now)
        return responses.cached_response(
            lambda: scan.find_next_hours(day_range, limit),
            responses.NO_CACHE,
            until=now,  # what comes next changes with every moment
        )

    @blueprint.post("/appointments")
    @spec.describe(_booking(kind, booking_schema))
    def book(ident: str) -> Response:
        """Book an hour.

        Send an `Idempotency-Key`, so that a repeated request does not book twice. If the hour has
        been taken, `Link` refers to the hours that are still free.
        """
        ident = load_id(kind.singular, ident)
        body = read_object()
        return bookings.book(kind, ident, booking_schema.load(body), body)

    return blueprint


def _read(
    kind: ResourceKind,
    operation_id: str,
    success: spec.Response,
    query: tuple[str, ...],
    *errors: str,
) -> spec.Operation:
    errors = (f"{kind.singular}IdInvalid", "timezoneInvalid", *errors)
    return spec.Operation(
        operation_id.format(kind.singular.capitalize()),
        kind.plural,
        spec.KEY_READ_ERRORS
        | {
            "200": success,
            "304": "NotModified",
            "400": spec.read_error("The id or the query is invalid.", *errors),
        },
        (f"{kind.singular}Id", *query, "timezone", "If-None-Match"),
    )


def _booking(kind: ResourceKind, schema: Schema) -> spec.Operation:
    name = f"By{kind.singular.capitalize()}"
    service_errors = ("serviceMissing", "serviceNotOfUser") if "service" in schema.fields else ()
    bad_request = spec.write_error(
        "The id or the body is invalid. `errors` has the messages of each field.",
        f"{kind.singular}IdInvalid",
        *service_errors,
        *_BOOKING_ERRORS,
    )
    return spec.Operation(
        f"book{name}",
        kind.plural,
        spec.WRITE_ERRORS
        | {
            "201": spec.written("Booked.", "Booking", f"booking{name}"),
            "400": bad_request,
            "401": "WriteKeyRejected",
            "409": spec.write_error("The hour has been taken.", "hourTaken", link=True),
            "422": "BookingUnprocessable",
            "503": "BookingUnavailable",
        },
        (f"{kind.singular}Id", "Idempotency-Key"),
        spec.RequestBody(f"Booking{name}", (f"booking{name}",)),
    )

"""An existing appointment: info, cancel and reschedule, authorized by the appointment's tokens."""

from flask import Blueprint, Response

from booking.service import BookingService
from openapi import spec
from schemas.bookings import CancelSchema, RescheduleSchema
from videsk.scheduling import Scheduling
from web import responses
from web.request_body import bearer_token, read_object

_GET = spec.Operation(
    "getAppointment",
    "appointment",
    spec.READ_ERRORS
    | {
        "200": spec.success("The appointment.", "Appointment", "appointment"),
        "401": "ReadTokenRejected",
    },
    security="accessToken",
)
_CANCEL = spec.Operation(
    "cancelAppointment",
    "appointment",
    spec.WRITE_ERRORS
    | {
        "200": spec.written("Canceled.", "Canceled", "canceled"),
        "400": spec.write_error(
            "The body is invalid.", "reasonNotString", "reasonTooLong", *spec.BODY_ERRORS
        ),
        "401": "WriteTokenRejected",
    },
    ("Idempotency-Key",),
    spec.RequestBody("Cancellation", ("cancellation", "cancellationWithoutReason"), required=False),
    "actionToken",
)
_RESCHEDULE = spec.Operation(
    "rescheduleAppointment",
    "appointment",
    spec.WRITE_ERRORS
    | {
        "200": spec.written("Rescheduled.", "Booking", "rescheduled"),
        "400": spec.write_error(
            "The body is invalid.", "newDateInvalid", "hourInPast", *spec.BODY_ERRORS
        ),
        "401": "WriteTokenRejected",
        "409": spec.write_error("The hour has been taken.", "hourTaken"),
    },
    ("Idempotency-Key",),
    spec.RequestBody("Move", ("reschedule",)),
    "actionToken",
)


def make_blueprint(scheduling: Scheduling, bookings: BookingService) -> Blueprint:
    """Return the routes under `/api/appointment`."""
    blueprint = Blueprint("appointment", __name__, url_prefix="/api/appointment")
    cancel_schema, reschedule_schema = CancelSchema(), RescheduleSchema()

    @blueprint.get("")
    @spec.describe(_GET)
    def info() -> Response:
        """Look an appointment up by its accessToken.

        It is available from five minutes before its start until its end.
        """
        return responses.uncached_response(scheduling.appointment(bearer_token()))

    @blueprint.post("/cancel")
    @spec.describe(_CANCEL)
    def cancel() -> Response:
        """Cancel an appointment by its actionToken.

        Its tokens are no longer valid afterwards.
        """
        token = bearer_token()
        body = read_object(may_be_empty=True)
        return bookings.change(scheduling.cancel, token, cancel_schema.load(body), body)

    @blueprint.post("/reschedule")
    @spec.describe(_RESCHEDULE)
    def reschedule() -> Response:
        """Move an appointment to another hour by its actionToken.

        The response has new tokens; the previous ones are no longer valid.
        """
        token = bearer_token()
        body = read_object()
        return bookings.change(scheduling.reschedule, token, reschedule_schema.load(body), body)

    return blueprint

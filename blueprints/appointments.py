"""An existing appointment: info, cancel and reschedule, authorized by the appointment's tokens."""

from flask import Blueprint, Response

from booking.service import BookingService
from schemas.bookings import CancelSchema, RescheduleSchema
from videsk.scheduling import Scheduling
from web import responses
from web.request_body import bearer_token, read_object


def make_blueprint(scheduling: Scheduling, bookings: BookingService) -> Blueprint:
    """Return the routes under `/api/appointment`."""
    blueprint = Blueprint("appointment", __name__, url_prefix="/api/appointment")
    cancel_schema, reschedule_schema = CancelSchema(), RescheduleSchema()

    @blueprint.get("")
    def info() -> Response:
        """Look an appointment up by its accessToken."""
        return responses.uncached_response(scheduling.appointment(bearer_token()))

    @blueprint.post("/cancel")
    def cancel() -> Response:
        """Cancel an appointment by its actionToken."""
        token = bearer_token()
        body = read_object(may_be_empty=True)
        return bookings.cancel(token, cancel_schema.load(body), body)

    @blueprint.post("/reschedule")
    def reschedule() -> Response:
        """Move an appointment to another hour by its actionToken."""
        token = bearer_token()
        body = read_object()
        return bookings.reschedule(token, reschedule_schema.load(body), body)

    return blueprint

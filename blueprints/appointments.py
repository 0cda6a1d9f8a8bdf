"""The customer's own appointment: info, cancel, reschedule, each by the appointment's token."""

from flask import Blueprint, Response

from schemas.bookings import CancelSchema, RescheduleSchema
from videsk.scheduling import Scheduling
from web import answers
from web.bodies import bearer_token, load_body


def make_blueprint(scheduling: Scheduling) -> Blueprint:
    """The routes under `/api/appointment`."""
    blueprint = Blueprint("appointment", __name__, url_prefix="/api/appointment")
    cancel_schema, reschedule_schema = CancelSchema(), RescheduleSchema()

    @blueprint.get("")
    def info() -> Response:
        """Look an appointment up by its accessToken."""
        return answers.fresh(scheduling.appointment(bearer_token()))

    @blueprint.post("/cancel")
    def cancel() -> Response:
        """Cancel an appointment by its actionToken."""
        token = bearer_token()
        cancellation = load_body(cancel_schema, may_be_empty=True)
        return answers.fresh(scheduling.cancel(token, cancellation))

    @blueprint.post("/reschedule")
    def reschedule() -> Response:
        """Move an appointment to another hour by its actionToken."""
        token = bearer_token()
        return answers.fresh(scheduling.reschedule(token, load_body(reschedule_schema)))

    return blueprint

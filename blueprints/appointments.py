"""The customer's own appointment: info, cancel, reschedule, each by the appointment's token."""

from flask import Blueprint, Response

from schemas.bookings import CancelSchema, RescheduleSchema
from videsk.scheduling import Scheduling
from web import answers
from web.bodies import bearer_token, read_object
from web.idempotency import Once


def make_blueprint(scheduling: Scheduling, once: Once) -> Blueprint:
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
        body = read_object(may_be_empty=True)
        cancellation = cancel_schema.load(body)

        def act() -> Response:
            answer = scheduling.cancel(token, cancellation)
            once.end_double_click(token)
            return answers.fresh(answer)

        return once.answer(act, body, token=token)

    @blueprint.post("/reschedule")
    def reschedule() -> Response:
        """Move an appointment to another hour by its actionToken."""
        token = bearer_token()
        body = read_object()
        move = reschedule_schema.load(body)

        def act() -> Response:
            answer = scheduling.reschedule(token, move)
            once.end_double_click(token)
            return answers.fresh(answer)

        return once.answer(act, body, token=token)

    return blueprint

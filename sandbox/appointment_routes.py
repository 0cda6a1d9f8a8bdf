"""What an appointment's own tokens open: its information, canceling and rescheduling it.

Owns when a token still opens something. Moving and freeing hours is the schedule's.
"""

import json
from collections.abc import Callable

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox import tokens
from sandbox.bodies import (
    VideskError,
    hour_unavailable,
    json_response,
    token_dead,
)
from sandbox.clock import Clock
from sandbox.incoming import coming_instant, json_object
from sandbox.instants import MINUTE_MS, write_instant
from sandbox.responses import booking_answer
from sandbox.schedule import Appointment, Schedule, SlotUnavailableError

_JOINABLE_BEFORE_MS = 5 * MINUTE_MS
_LONGEST_REASON = 1000


def make_appointment_routes(schedule: Schedule, clock: Clock) -> Blueprint:
    routes = Blueprint("appointments", __name__)

    @routes.get("/schedule/info")
    def show_info() -> Response:
        """Show an appointment; a 201, as Videsk's page says."""
        # Before its time Videsk does not answer, but no page tells with which body: the sandbox
        # uses the only documented one.
        appointment = open_appointment(
            "access", lambda it, now: it.start - _JOINABLE_BEFORE_MS <= now < it.end
        )
        service, agent = appointment.service, appointment.agent
        return json_response(
            {
                "id": appointment.id,
                "service": {
                    "id": service.id,
                    "title": service.title,
                    "description": service.description,
                },
                "user": {
                    "firstname": agent.firstname,
                    "lastname": agent.lastname,
                    "_id": agent.id,
                },
                "startAt": write_instant(appointment.start),
                "endAt": write_instant(appointment.end),
                "status": appointment.status,
            },
            201,
        )

    @routes.post("/schedule/cancel")
    def cancel() -> Response:
        """Cancel an appointment that has not begun."""
        appointment = open_appointment("action", _has_not_begun)
        _check_reason(json_object().get("cancelReason"))
        schedule.cancel(appointment)
        return json_response(
            {
                "service": appointment.service.title,
                "message": "The appointment was successfully canceled",
            },
            201,
        )

    @routes.post("/schedule/reschedule")
    def reschedule() -> Response:
        """Move an appointment that has not begun to another hour of its agent."""
        appointment = open_appointment("action", _has_not_begun)
        start = coming_instant(json_object().get("date"), clock)
        try:
            return booking_answer(schedule.reschedule(appointment, start))
        except SlotUnavailableError:
            raise hour_unavailable(write_instant(start)) from None

    def open_appointment(
        use: tokens.Use, is_open: Callable[[Appointment, int], bool]
    ) -> Appointment:
        """The appointment of the token sent, if it stands and `is_open(appointment, now)`."""
        appointment_id = tokens.read_token(request.headers.get("Authorization"), use)
        appointment = schedule.appointments.get(appointment_id)
        if (
            appointment is None
            or appointment.status != "pending"
            or not is_open(appointment, clock.now())
        ):
            raise token_dead()
        return appointment

    return routes


def _has_not_begun(appointment: Appointment, now: int) -> bool:
    return now < appointment.start


def _check_reason(reason: object) -> None:
    """Videsk lets its database check this field: what becomes a string passes."""
    if isinstance(reason, list | dict):
        kind = "Array" if isinstance(reason, list) else "Object"
        raise VideskError(
            400,
            f'Cast to string failed for value "{json.dumps(reason, ensure_ascii=False)}"'
            f' (type {kind}) at path "cancelReason"',
        )
    if reason is not None and len(str(reason)) > _LONGEST_REASON:
        # The three dots are in the documented body.
        raise VideskError(
            400,
            "Validation failed: cancelReason: Path `cancelReason` (`...`) is longer than the"
            f" maximum allowed length ({_LONGEST_REASON}).",
        )

"""Routes authorized by an appointment's tokens: info, cancel and reschedule.

They decide whether a token is still valid; schedule.py moves and frees hours.
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
    token_invalid,
)
from sandbox.clock import Clock
from sandbox.incoming import future_instant, json_object
from sandbox.instants import MINUTE_MS, format_instant
from sandbox.responses import booking_response
from sandbox.schedule import Appointment, Schedule, SlotUnavailableError

_JOINABLE_BEFORE_MS = 5 * MINUTE_MS
_MAX_REASON_LENGTH = 1000


def make_appointment_routes(schedule: Schedule, clock: Clock) -> Blueprint:
    routes = Blueprint("appointments", __name__)

    @routes.get("/schedule/info")
    def show_info() -> Response:
        """Show an appointment, with status 201 as documented."""
        # Before that, the access token is not valid. The body of that error is not documented, so
        # the sandbox uses the only documented one.
        appointment = open_appointment(
            "access", lambda booked, now: booked.start - _JOINABLE_BEFORE_MS <= now < booked.end
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
                "startAt": format_instant(appointment.start),
                "endAt": format_instant(appointment.end),
                "status": appointment.status,
            },
            201,
        )

    @routes.post("/schedule/cancel")
    def cancel() -> Response:
        """Cancel an appointment that has not started."""
        appointment = open_appointment("action", _is_upcoming)
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
        """Move an appointment that has not started to another hour of its agent."""
        appointment = open_appointment("action", _is_upcoming)
        start = future_instant(json_object().get("date"), clock)
        try:
            return booking_response(schedule.reschedule(appointment, start))
        except SlotUnavailableError:
            raise hour_unavailable(format_instant(start)) from None

    def open_appointment(
        use: tokens.Use, is_open: Callable[[Appointment, int], bool]
    ) -> Appointment:
        """Return the token's appointment, if it is pending and `is_open(appointment, now)`."""
        appointment_id = tokens.read_token(request.headers.get("Authorization"), use)
        appointment = schedule.appointments.get(appointment_id)
        if (
            appointment is None
            or appointment.status != "pending"
            or not is_open(appointment, clock.now())
        ):
            raise token_invalid()
        return appointment

    return routes


def _is_upcoming(appointment: Appointment, now: int) -> bool:
    return now < appointment.start


def _check_reason(reason: object) -> None:
    """Check the reason as Videsk's database does: values that can be cast to a string are valid."""
    if isinstance(reason, list | dict):
        kind = "Array" if isinstance(reason, list) else "Object"
        raise VideskError(
            400,
            f'Cast to string failed for value "{json.dumps(reason, ensure_ascii=False)}"'
            f' (type {kind}) at path "cancelReason"',
        )
    if reason is not None and len(str(reason)) > _MAX_REASON_LENGTH:
        # The three dots are in the documented body.
        raise VideskError(
            400,
            "Validation failed: cancelReason: Path `cancelReason` (`...`) is longer than the"
            f" maximum allowed length ({_MAX_REASON_LENGTH}).",
        )

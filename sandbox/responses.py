"""The answer to a booking and to a rescheduling, and the addresses a customer finds in it.

Knows no schedule and no request: it writes down an appointment it is given.
"""

from urllib.parse import urlencode, urlsplit, urlunsplit

from werkzeug.wrappers import Response

from sandbox import tokens
from sandbox.bodies import json_response
from sandbox.instants import MINUTE_MS, write_instant
from sandbox.schedule import Appointment


def booking_answer(appointment: Appointment) -> Response:
    """A 201 with fresh tokens."""
    access_token = tokens.mint("access", appointment.id)
    action_token = tokens.mint("action", appointment.id)
    modify_url = _customer_url(appointment.customer.referrer, "modify", action_token)
    return json_response(
        {
            "email": appointment.customer.email,
            "service": appointment.service.title,
            "startAt": write_instant(appointment.start),
            "endAt": write_instant(appointment.end),
            "duration": (appointment.end - appointment.start) // MINUTE_MS,
            "timezone": appointment.customer.timezone,
            "joinURL": _customer_url(appointment.customer.referrer, "join", access_token),
            "rescheduleURL": modify_url,
            "cancelURL": modify_url,
            "accessToken": access_token,
            "actionToken": action_token,
            "message": "Your appointment was successfully scheduled.",
        },
        201,
    )


def _customer_url(referrer: str, action: str, token: str) -> str:
    """Where the customer's e-mail leads: the referrer when it is a web address."""
    try:
        parts = urlsplit(referrer)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        parts = urlsplit("https://example.com")
    query = urlencode({"v-schedule-action": action, "v-schedule-auth": token})
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))

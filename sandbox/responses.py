"""The response to a booking or a rescheduling, with the URLs for the customer."""

from urllib.parse import urlencode, urlsplit, urlunsplit

from werkzeug.wrappers import Response

from sandbox import tokens
from sandbox.bodies import json_response
from sandbox.instants import MINUTE_MS, format_instant
from sandbox.schedule import Appointment


def booking_response(appointment: Appointment) -> Response:
    """Return a 201 with new tokens."""
    access_token = tokens.mint("access", appointment.id)
    action_token = tokens.mint("action", appointment.id)
    modify_url = _customer_url(appointment.customer.referrer, "modify", action_token)
    return json_response(
        {
            "email": appointment.customer.email,
            "service": appointment.service.title,
            "startAt": format_instant(appointment.start),
            "endAt": format_instant(appointment.end),
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
    """Return the URL of a link in the customer's e-mail: the referrer, if it is a web address."""
    try:
        parts = urlsplit(referrer)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        parts = urlsplit("https://example.com")
    query = urlencode({"v-schedule-action": action, "v-schedule-auth": token})
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))

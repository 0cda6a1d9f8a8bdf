"""Examples of requests and successful responses, from Videsk's documentation where it has one.

Videsk's documentation: https://docs.videsk.io/es-developers/api-publica/calendario

tests/e2e/test_openapi.py sends each request, and compares each response.
"""

from datetime import date, timedelta
from typing import Any

from schemas.fields import HONEYPOT

SERVICE = "63bdbf49394aad976d4aa43b"
USER = "63bdbf3230013a2792550a1c"
_OTHER_USER = "63bdbf3b25ab497401602d07"
SEGMENT = "63bdbf49394aad976d4aa5aa"
ZONE = "America/Santiago"

# The first Tuesday in May of the year after next: a working day at 10:00 in Santiago, still
# in the future for a process that has run for a year.
_MAY = date(date.today().year + 2, 5, 1)
_TUESDAY = _MAY + timedelta(days=(1 - _MAY.weekday()) % 7)
DAY, _NEXT_DAY = _TUESDAY.isoformat(), (_TUESDAY + timedelta(days=1)).isoformat()
START = f"{DAY}T14:00:00.000Z"

_FORM = [
    {"_id": HONEYPOT, "value": ""},
    {"_id": "60dbe3416af0be33b8b372b1", "value": "Ana Pérez"},
    {"_id": "60dbe3416af0be33b8b372b2", "value": "ana@example.com"},
]
_BOOKING = {"startAt": START, "timezone": ZONE, "form": _FORM, "referrer": "spring-campaign"}

REQUEST_EXAMPLES: dict[str, tuple[str, Any]] = {
    "bookingByService": ("An hour; Videsk assigns the user", _BOOKING),
    "bookingByUser": ("An hour of a user, for a service", {"service": SERVICE, **_BOOKING}),
    "cancellation": ("With a reason", {"cancelReason": "I am on holiday"}),
    "cancellationWithoutReason": ("Without a reason; an empty body is the same", {}),
    "reschedule": ("To another hour", {"date": f"{DAY}T15:00:00.000Z"}),
    "meetingChanged": ("From the webhook's template", {"service": SERVICE, "user": USER}),
}
"""By name: a summary, and the body."""

_JWT = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwi"
    "aWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)


def _booking(duration: int) -> dict[str, Any]:
    """Return a booking as in Videsk's documentation, which has two that differ in this."""
    return {
        "email": "john.doe@example.com",
        "service": "Service name",
        "startAt": "2023-02-01T03:00:00.000Z",
        "endAt": "2023-02-01T03:07:00.000Z",
        "duration": duration,
        "timezone": ZONE,
        "joinURL": f"https://example.com?v-schedule-action=join&v-schedule-auth={_JWT}",
        "rescheduleURL": f"https://example.com?v-schedule-action=modify&v-schedule-auth={_JWT}",
        "cancelURL": f"https://example.com?v-schedule-action=modify&v-schedule-auth={_JWT}",
        "accessToken": _JWT,
        "actionToken": _JWT,
        "message": "Your appointment was successfully scheduled.",
    }


def _readiness(
    status: str = "ok", key: str = "accepted", circuit: str = "closed"
) -> dict[str, Any]:
    videsk = {"key": key, "circuit": circuit, "budget": {"limit": 20, "left": 20}}
    return {"status": status, "redis": "none", "videsk": videsk}


_HOURS = [
    f"2023-02-{24 + hour // 24}T{hour % 24:02}:{minute:02}:00.000Z"
    for hour in (11, 12, *range(16, 27))
    for minute in range(0, 60, 5)
]

RESPONSE_EXAMPLES: dict[str, tuple[str, Any]] = {
    "services": (
        "A service and its users",
        [
            {
                "users": [
                    {"id": USER, "firstname": "John", "lastname": "Doe"},
                    {"id": _OTHER_USER, "firstname": "Mark", "lastname": "Zuckerberg"},
                ],
                "title": "My service",
                "description": "Service description",
                "automatic": False,
                "id": SERVICE,
            }
        ],
    ),
    "dates": (
        "The first instant of each day in America/Santiago",
        [f"2023-02-{day:02}T03:00:00.000Z" for day in range(1, 29)],
    ),
    "hours": ("The starts of a day's free hours", _HOURS),
    "availability": (
        "Two free days",
        {
            "days": {
                DAY: [f"{DAY}T13:00:00.000Z", f"{DAY}T13:15:00.000Z"],
                _NEXT_DAY: [f"{_NEXT_DAY}T13:00:00.000Z"],
            },
            "complete": True,
            "asOf": f"{DAY}T11:22:33.444Z",
        },
    ),
    "availabilityIncomplete": (
        "One day could not be fetched",
        {
            "days": {DAY: [f"{DAY}T13:00:00.000Z"]},
            "complete": False,
            "missing": [_NEXT_DAY],
            "asOf": f"{DAY}T11:22:33.444Z",
        },
    ),
    "nextHours": (
        "The next three",
        [f"{DAY}T13:00:00.000Z", f"{DAY}T13:15:00.000Z", f"{DAY}T13:30:00.000Z"],
    ),
    "bookingByService": ("Booked", _booking(7)),
    "bookingByUser": ("Booked", _booking(5)),
    "rescheduled": ("Rescheduled; the previous tokens are no longer valid", _booking(5)),
    "appointment": (
        "Before its start",
        {
            "id": "63be2378f0dd1fdbf86dac48",
            "service": {
                "id": "620fedcc8951823b744f3122",
                "title": "Service name",
                "description": "Service description",
            },
            "user": {
                "firstname": "Mark",
                "lastname": "Zuckerberg",
                "id": "6179480f5aa331375394e6a9",
            },
            "startAt": "2023-02-07T05:13:00.000Z",
            "endAt": "2023-02-07T05:20:00.000Z",
            "status": "pending",
        },
    ),
    "canceled": (
        "Canceled",
        {"service": "Service name", "message": "The appointment was successfully canceled"},
    ),
    "form": (
        "One field, and Turnstile",
        {
            "form": [
                {
                    "id": "60dbe3416af0be33b8b372b1",
                    "type": "text",
                    "name": "name",
                    "label": "Nombre",
                    "properties": {"required": True, "placeholder": "Ana Pérez", "maxlength": 50},
                    "options": [],
                    "hint": "",
                }
            ],
            "siteKey": "1x00000000000000000000AA",
            "resource": "https://challenges.cloudflare.com/turnstile/v0/api.js",
            "provider": "turnstile",
        },
    ),
    "healthy": ("The only response", {"status": "ok"}),
    "ready": ("No problem", _readiness()),
    "degraded": (
        "Videsk is failing; the instance stays in service",
        _readiness("degraded", circuit="open"),
    ),
    "keyRejected": ("Videsk rejects the API key", _readiness("degraded", key="refused")),
}
"""By name: a summary, and the body."""

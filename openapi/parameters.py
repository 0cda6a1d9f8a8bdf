"""Parameters in path, query and headers, and the security schemes."""

from typing import Any

from marshmallow.fields import Field, String

from openapi.examples import DAY, SEGMENT, SERVICE, USER, ZONE
from schemas.fields import load_hex_id, loaded_by
from schemas.queries import AvailabilityQuery, DayQuery, FormQuery, MonthQuery, NextQuery

ID = loaded_by(load_hex_id)

PATH: dict[str, tuple[str, str, Field[Any], str]] = {
    "serviceId": ("id", "A service's id", ID, SERVICE),
    "userId": ("id", "A user's id", ID, USER),
    "segmentId": ("segment", "The id of a segment; each has a form", ID, SEGMENT),
    "widgetFile": ("name", "A file of the booking widget", String(), "videsk-booking.js"),
    "assetName": ("name", "A file of Swagger UI", String(), "swagger-ui.css"),
}
"""By the parameter's name in the document: its name in the path, description, field, example."""

_DAY = {"day": DAY, "instant": f"{DAY}T12:00:00.000Z"}

QUERY: dict[str, tuple[type[Any], str, str | None, dict[str, Any]]] = {
    "month": (
        MonthQuery,
        "date",
        "A month, or a day or an instant in it. Days, and instants without an offset, are in "
        "`timezone`.",
        {"month": DAY[:7], **_DAY},
    ),
    "day": (
        DayQuery,
        "date",
        "A day, or an instant in it. Instants without an offset are in `timezone`.",
        _DAY,
    ),
    "monthOrDay": (
        AvailabilityQuery,
        "date",
        "A month, for the days in it; or the first day, or an instant in it, of a range that may "
        "exceed the month",
        {"month": DAY[:7], **_DAY},
    ),
    "timezone": (MonthQuery, "timezone", None, {"santiago": ZONE, "old": "Asia/Calcutta"}),
    "days": (AvailabilityQuery, "days", "The number of free days", {"days": 2}),
    "limit": (NextQuery, "limit", "The number of hours", {"limit": 2}),
    "version": (FormQuery, "version", "The version of the form", {"contact": "contact"}),
}
"""By the parameter's name in the document: its schema, its field, a description, and examples."""

HEADER: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "X-Request-ID": (
        "Identifies the request in the response and the log: 1 to 128 letters, digits, `.`, `_` "
        "and `-`. Any other value is replaced",
        {"type": "string"},
        {"own": "page-1.request-7"},
    ),
    "If-None-Match": (
        "The ETag of an earlier response; if it has not changed, the response is a 304",
        {"type": "string"},
        {"etag": '"0123456789abcdef0123456789abcdef"'},
    ),
    "Idempotency-Key": (
        "Use a new key for each decision of the customer. For 24 hours, a repeated request with "
        "the same key gets the response to the first one",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
        {},  # /api/docs would send an example with every booking, so the second would be a 422
    ),
}
"""By name: a description, a JSON Schema, and examples, the first of which /api/docs fills in."""

_BEARER = {"type": "http", "scheme": "bearer"}
_JWT = _BEARER | {"bearerFormat": "JWT"}

SECRETS = {
    "accessToken": _JWT | {"description": "The booking's `accessToken`"},
    "actionToken": _JWT | {"description": "The booking's `actionToken`"},
    "metricsToken": _BEARER | {"description": "The setting METRICS_TOKEN"},
    "webhookSecret": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Webhook-Secret",
        "description": "The setting WEBHOOK_SECRET",
    },
}
"""The security schemes."""

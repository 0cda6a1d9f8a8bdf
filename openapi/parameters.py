"""What requests carry in path, query and headers, and the secrets that open some routes."""

from typing import Any

from marshmallow.fields import Field, String

from openapi.examples import DAY, SEGMENT, SERVICE, USER, ZONE
from schemas.fields import load_hex_id, loaded_by
from schemas.queries import AvailabilityQuery, FormQuery, NextQuery, SpanQuery

ID = loaded_by(load_hex_id)

PATH: dict[str, tuple[str, str, Field[Any], str]] = {
    "service": ("id", "A service's id", ID, SERVICE),
    "user": ("id", "A user's id", ID, USER),
    "segment": ("segment", "The id of a segment, which has a form", ID, SEGMENT),
    "name": ("name", "A file of the page", String(), "swagger-ui.css"),
}
"""By the name of the component: the name in the path, a description, a field, an example."""

_DAY = {"day": DAY, "instant": f"{DAY}T12:00:00.000Z"}

QUERY: dict[str, tuple[type[Any], str, str | None, dict[str, Any]]] = {
    "month": (
        SpanQuery,
        "date",
        "A month, or a day or an instant in it; `timezone` is that of a day, and of an instant "
        "without an offset",
        {"month": DAY[:7], **_DAY},
    ),
    "day": (
        SpanQuery,
        "date",
        "A day, or an instant in it; `timezone` is that of an instant without an offset",
        _DAY,
    ),
    "monthOrDay": (
        AvailabilityQuery,
        "date",
        "A month, for the days in it; or a day, or an instant in it, to look ahead from",
        {"month": DAY[:7], **_DAY},
    ),
    "timezone": (SpanQuery, "timezone", None, {"santiago": ZONE, "old": "Asia/Calcutta"}),
    "days": (AvailabilityQuery, "days", "How many free days", {"days": 2}),
    "limit": (NextQuery, "limit", "How many hours", {"limit": 2}),
    "version": (FormQuery, "version", "Which of the segment's forms", {"contact": "contact"}),
}
"""By the name of the component: the schema that reads it, its field, what to say, and examples."""

HEADER: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "X-Request-ID": (
        "Names the request in the answer and in the log; a bad one is passed over",
        {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        {"own": "page-1.request-7"},
    ),
    "If-None-Match": (
        "The ETag of an earlier answer: an unchanged one is a 304",
        {"type": "string"},
        {"etag": '"0123456789abcdef0123456789abcdef"'},
    ),
    "Idempotency-Key": (
        "New for each decision of the customer's. Whoever sends the same request with the same key "
        "again gets the first answer again, for 24 hours",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
        {},  # /api/docs would send an example with every booking, so the second would be a 422
    ),
}
"""By name: a description, a JSON Schema, and examples, the first of which /api/docs fills in."""

SECRETS = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The booking's `accessToken`",
    },
    "actionToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The booking's `actionToken`",
    },
    "metricsToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The setting METRICS_TOKEN",
    },
    "webhookSecret": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Webhook-Secret",
        "description": "The setting WEBHOOK_SECRET",
    },
}
"""The security schemes."""

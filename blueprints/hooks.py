"""Videsk's webhooks *new meeting* and *meeting canceled*: they invalidate cached availability."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from openapi import spec
from schemas.hooks import MeetingSchema
from videsk.scheduling import Scheduling
from web import shared_secrets
from web.request_body import read_object

_MEETING_CHANGED = spec.Operation(
    "notifyMeetingChanged",
    "operations",
    spec.secret_errors("WEBHOOK_SECRET")
    | {
        "204": spec.Response("The availability that the meeting affects was invalidated."),
        "401": spec.error("The secret is missing or wrong.", "webhookSecretWrong"),
    },
    body=spec.RequestBody("MeetingChanged", ("meetingChanged",), required=False),
    security="webhookSecret",
    idempotent=True,
)


def make_blueprint(
    scheduling: Scheduling,
    secrets: tuple[str, ...],
    limit_guesses: Callable[[Callable[[], Response]], Callable[[], Response]],
) -> Blueprint:
    """Return the route `/hooks/videsk`, which is a 404 without a secret."""
    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
    meeting_schema = MeetingSchema()

    @blueprint.post("/videsk")
    @spec.describe(_MEETING_CHANGED)
    @limit_guesses
    def videsk() -> Response:
        """Invalidate the days and hours that a meeting made elsewhere has changed.

        Without a valid `service` or `user`, all cached days and hours are invalidated.
        """
        sent = request.headers.get("X-Webhook-Secret", "")
        shared_secrets.check(sent, secrets, shared_secrets.WebhookSecretError)
        meeting: dict[str, Any] = {}  # of an invalid body: everything is invalidated
        with suppress(ValidationError, HTTPException):
            meeting = meeting_schema.load(read_object(any_type=True))
        scheduling.invalidate_availability(meeting.get("service"), meeting.get("user"))
        response = Response(status=204)
        del response.headers["Content-Type"]
        return response

    return blueprint

"""What Videsk tells by itself: its webhooks *new meeting* and *meeting canceled*."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from schemas.hooks import MeetingSchema
from videsk.scheduling import Scheduling
from web import shared_secrets
from web.request_body import read_object


def make_blueprint(
    scheduling: Scheduling,
    secrets: tuple[str, ...],
    limit_guesses: Callable[[Callable[[], Response]], Callable[[], Response]],
) -> Blueprint:
    """The route `/hooks/videsk`; without a secret there is none."""
    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
    meeting_schema = MeetingSchema()

    @blueprint.post("/videsk")
    @limit_guesses
    def videsk() -> Response:
        """Drop the days and hours that a meeting elsewhere has changed."""
        given = request.headers.get("X-Webhook-Secret", "")
        shared_secrets.check(given, secrets, "The X-Webhook-Secret header must be WEBHOOK_SECRET.")
        meeting = _read(meeting_schema)
        scheduling.changed_elsewhere(meeting.get("service"), meeting.get("user"))
        done = Response(status=204)
        del done.headers["Content-Type"]
        return done

    return blueprint


def _read(schema: MeetingSchema) -> dict[str, Any]:
    """What the template names; nothing where it cannot be read, so that everything is dropped."""
    meeting: dict[str, Any] = {}
    with suppress(ValidationError, HTTPException):
        meeting = schema.load(read_object(any_type=True))
    return meeting

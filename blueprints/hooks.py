"""The webhook of Videsk invalidates cached availability, and `/hooks/purge` all cached entries."""

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

_ERRORS = spec.secret_errors("WEBHOOK_SECRET") | {
    "401": spec.error("The secret is missing or wrong.", "webhookSecretWrong")
}
_MEETING_CHANGED = spec.Operation(
    "notifyMeetingChanged",
    "operations",
    _ERRORS | {"204": spec.Response("The availability that the meeting affects was invalidated.")},
    body=spec.RequestBody("MeetingChanged", ("meetingChanged",), required=False),
    security="webhookSecret",
    idempotent=True,
)
_PURGE = spec.Operation(
    "purgeCache",
    "operations",
    _ERRORS | {"204": spec.Response("All cached entries were invalidated.")},
    security="webhookSecret",
    idempotent=True,
)


def make_blueprint(
    scheduling: Scheduling,
    secrets: tuple[str, ...],
    limit_guesses: Callable[[Callable[[], Response]], Callable[[], Response]],
) -> Blueprint:
    """Return the routes below `/hooks`, which are 404s without a secret."""
    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
    meeting_schema = MeetingSchema()

    def check_secret() -> None:
        sent = request.headers.get("X-Webhook-Secret", "")
        shared_secrets.check(sent, secrets, shared_secrets.WebhookSecretError)

    @blueprint.post("/videsk")
    @spec.describe(_MEETING_CHANGED)
    @limit_guesses
    def videsk() -> Response:
        """Invalidate the days and hours that a meeting made elsewhere has changed.

        Without a valid `service` or `user`, all cached days and hours are invalidated.
        """
        check_secret()
        meeting: dict[str, Any] = {}  # of an invalid body: everything is invalidated
        with suppress(ValidationError, HTTPException):
            meeting = meeting_schema.load(read_object(any_type=True))
        scheduling.invalidate_availability(meeting.get("service"), meeting.get("user"))
        return _no_content()

    @blueprint.post("/purge")
    @spec.describe(_PURGE)
    @limit_guesses
    def purge() -> Response:
        """Invalidate all cached services, forms, days and hours. A body is ignored.

        Use it after a change in Videsk that should be visible immediately.
        """
        check_secret()
        scheduling.invalidate_everything()
        return _no_content()

    return blueprint


def _no_content() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response

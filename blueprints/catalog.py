"""What a page shows before anybody books: the list of services, and the form to fill in."""

from flask import Blueprint, Response, request

from schemas.queries import load_form, load_id
from videsk.scheduling import Scheduling
from web import responses

BRIEFLY = "public, max-age=30"
"""They change seldom: half a minute in a browser's cache spares a request a page view."""


def make_blueprint(scheduling: Scheduling) -> Blueprint:
    """The routes `/api/services` and `/api/forms/{segment}`."""
    blueprint = Blueprint("catalog", __name__, url_prefix="/api")

    @blueprint.get("/services")
    def services() -> Response:
        """List all services, with the agents of those that let the customer pick one."""
        return responses.cached_response(scheduling.services, BRIEFLY)

    @blueprint.get("/forms/<segment>")
    def form(segment: str) -> Response:
        """Show a form's fields, and the captcha to show with it."""
        segment = load_id("segment", segment)
        version = load_form(request.args)
        return responses.cached_response(lambda: scheduling.form(segment, version), BRIEFLY)

    return blueprint

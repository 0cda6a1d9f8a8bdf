"""The list of services, and the forms."""

from flask import Blueprint, Response, request

from schemas.queries import load_form, load_id
from videsk.scheduling import Scheduling
from web import responses

CACHE_CONTROL = "public, max-age=30"
"""They change rarely: half a minute in the browser's cache saves a request per page view."""


def make_blueprint(scheduling: Scheduling) -> Blueprint:
    """Return the routes `/api/services` and `/api/forms/{segment}`."""
    blueprint = Blueprint("catalog", __name__, url_prefix="/api")

    @blueprint.get("/services")
    def services() -> Response:
        """List all services, with the agents of those that let the customer pick one."""
        return responses.cached_response(scheduling.services, CACHE_CONTROL)

    @blueprint.get("/forms/<segment>")
    def form(segment: str) -> Response:
        """Show a form's fields, and the captcha to show with it."""
        segment = load_id("segment", segment)
        version = load_form(request.args)
        return responses.cached_response(lambda: scheduling.form(segment, version), CACHE_CONTROL)

    return blueprint

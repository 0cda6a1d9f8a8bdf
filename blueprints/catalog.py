"""The list of services."""

from flask import Blueprint, Response

from videsk.scheduling import Scheduling
from web import answers

BRIEFLY = "public, max-age=30"
"""Services change seldom: half a minute in a browser's cache spares a request a page view."""


def make_blueprint(scheduling: Scheduling) -> Blueprint:
    """The route `/api/services`."""
    blueprint = Blueprint("services_list", __name__, url_prefix="/api")

    @blueprint.get("/services")
    def services() -> Response:
        """List all services, with the agents of those that let the customer pick one."""
        return answers.remembered(scheduling.services, BRIEFLY)

    return blueprint

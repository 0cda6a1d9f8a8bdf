"""The list of services, and the forms."""

from flask import Blueprint, Response, request

from openapi import spec
from schemas.queries import load_form, load_id
from videsk.scheduling import Scheduling
from web import responses

CACHE_CONTROL = "public, max-age=30"
"""They change rarely: half a minute in the browser's cache saves a request per page view."""

_LIST_SERVICES = spec.Operation(
    "listServices",
    "services",
    spec.KEY_READ_ERRORS
    | {
        "200": spec.cached(
            "All services, every page of Videsk's.",
            {"type": "array", "items": spec.ref("schemas", "Service")},
            "services",
            kept="Briefly",
        ),
        "304": "NotModifiedBriefly",
    },
    ("If-None-Match",),
)
_GET_FORM = spec.Operation(
    "getForm",
    "forms",
    spec.KEY_READ_ERRORS
    | {
        "200": spec.cached("The form.", "Form", "form", kept="Briefly"),
        "304": "NotModifiedBriefly",
        "400": spec.read_error("Id or version is wrong.", "segmentInvalid", "versionInvalid"),
        "404": spec.read_error("Videsk knows no such form.", "formNotFound"),
    },
    ("segment", "version", "If-None-Match"),
)


def make_blueprint(scheduling: Scheduling) -> Blueprint:
    """Return the routes `/api/services` and `/api/forms/{segment}`."""
    blueprint = Blueprint("catalog", __name__, url_prefix="/api")

    @blueprint.get("/services")
    @spec.describe(_LIST_SERVICES)
    def services() -> Response:
        """List all services, with the agents of those that let the customer pick one."""
        return responses.cached_response(scheduling.services, CACHE_CONTROL)

    @blueprint.get("/forms/<segment>")
    @spec.describe(_GET_FORM)
    def form(segment: str) -> Response:
        """Show a form's fields, and the captcha to show with it."""
        segment = load_id("segment", segment)
        version = load_form(request.args)
        return responses.cached_response(lambda: scheduling.form(segment, version), CACHE_CONTROL)

    return blueprint

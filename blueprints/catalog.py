"""The list of services, and the forms."""

from dataclasses import replace

from flask import Blueprint, Response, request

from cache.read_through import CachedResult
from openapi import spec
from schemas.queries import load_form, load_id
from videsk.scheduling import Scheduling
from web import responses
from web.captcha import RequiredCaptcha

CACHE_CONTROL = "public, max-age=30"
"""They change rarely: half a minute in the browser's cache saves a request per page view."""

_LIST_SERVICES = spec.Operation(
    "listServices",
    "services",
    spec.KEY_READ_ERRORS
    | {
        "200": spec.cached(
            "All services, from all of Videsk's pages.",
            {"type": "array", "items": spec.ref("schemas", "Service")},
            "services",
            cache_control="MaxAge30",
        ),
        "304": "NotModifiedMaxAge30",
    },
    ("If-None-Match",),
)
_GET_FORM = spec.Operation(
    "getForm",
    "forms",
    spec.KEY_READ_ERRORS
    | {
        "200": spec.cached("The form.", "Form", "form", cache_control="MaxAge30"),
        "304": "NotModifiedMaxAge30",
        "400": spec.read_error(
            "The id or the version is invalid.", "segmentInvalid", "versionInvalid"
        ),
        "404": spec.read_error("The form does not exist.", "formNotFound"),
    },
    ("segmentId", "version", "If-None-Match"),
)


def make_blueprint(scheduling: Scheduling, captcha: RequiredCaptcha | None) -> Blueprint:
    """Return the routes `/api/services` and `/api/forms/{segment}`.

    `captcha`: the one that the proxy verifies, if it verifies any.
    """
    blueprint = Blueprint("catalog", __name__, url_prefix="/api")

    @blueprint.get("/services")
    @spec.describe(_LIST_SERVICES)
    def services() -> Response:
        """List all services, with the agents of those that let the customer pick one.

        The response has all of Videsk's pages. If one of them fails, the request fails.
        """
        return responses.cached_response(scheduling.services, CACHE_CONTROL)

    @blueprint.get("/forms/<segment>")
    @spec.describe(_GET_FORM)
    def form(segment: str) -> Response:
        """Show a form's fields, and the captcha to show with it.

        The values go into `form` of a booking, under the fields' ids. If `captchaRequired` is
        true, the captcha's response goes into `token`.
        """
        segment = load_id("segment", segment)
        version = load_form(request.args)

        def read() -> CachedResult:
            result = scheduling.form(segment, version)
            return replace(result, body=captcha.add_to(result.body)) if captcha else result

        return responses.cached_response(read, CACHE_CONTROL)

    return blueprint

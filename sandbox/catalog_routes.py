"""Routes that list services, free days, free hours, and a form's fields."""

from zoneinfo import ZoneInfo

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox import seed
from sandbox.bodies import form_not_found, json_response, required
from sandbox.clock import Clock
from sandbox.incoming import find_offers, future_instant, require_key
from sandbox.instants import format_instant, parse_zone
from sandbox.schedule import Kind, Schedule, Service

_PAGE_SIZE = 10
_MAX_PAGE_SIZE = 50


def make_catalog_routes(schedule: Schedule, clock: Clock) -> Blueprint:
    routes = Blueprint("catalog", __name__)
    routes.before_request(require_key)

    @routes.get("/services")
    def list_services() -> Response:
        """List services as a Feathers page."""
        limit = min(_int_parameter("$limit", _PAGE_SIZE), _MAX_PAGE_SIZE)
        skip = _int_parameter("$skip", 0)
        services = list(schedule.services.values())
        return json_response(
            {
                "total": len(services),
                "limit": limit,
                "skip": skip,
                "data": [_service_json(service) for service in services[skip : skip + limit]],
            }
        )

    @routes.get("/<any(services, users):kind>/<record_id>/dates")
    def list_dates(kind: Kind, record_id: str) -> Response:
        """List the days of a month with a free hour."""
        instant, zone = read_day()
        days = schedule.free_days(find_offers(schedule, kind, record_id), instant, zone)
        return json_response([format_instant(day) for day in days])

    @routes.get("/<any(services, users):kind>/<record_id>/hours")
    def list_hours(kind: Kind, record_id: str) -> Response:
        """List the free hours of a day."""
        instant, zone = read_day()
        hours = schedule.free_hours(find_offers(schedule, kind, record_id), instant, zone)
        return json_response([format_instant(hour) for hour in hours])

    @routes.get("/forms/<segment_id>")
    def show_form(segment_id: str) -> Response:
        """Show the fields of a form and its captcha. The default of `version` is `base`."""
        fields = seed.FORMS.get(segment_id, {}).get(request.args.get("version", "base"))
        if fields is None:
            raise form_not_found()
        return json_response({"form": [field.to_json() for field in fields], **seed.CAPTCHA})

    def read_day() -> tuple[int, ZoneInfo]:
        """Return `date` and `timezone` of the query."""
        instant = future_instant(request.args.get("date"), clock)
        zone = parse_zone(request.args.get("timezone"))
        if zone is None:
            raise required("timezone")
        return instant, zone

    return routes


def _service_json(service: Service) -> dict[str, object]:
    """Return a service as documented: `id`, users with `_id`, no users if it is automatic."""
    users = [
        {"_id": agent.id, "firstname": agent.firstname, "lastname": agent.lastname}
        for agent in service.agents
    ]
    return {
        **({} if service.automatic else {"users": users}),
        "title": service.title,
        "description": service.description,
        "automatic": service.automatic,
        "id": service.id,
    }


def _int_parameter(name: str, default: int) -> int:
    """Return a pagination parameter. Anything but a whole number counts as absent."""
    value = request.args.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else default

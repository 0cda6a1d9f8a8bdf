"""Routes that book an hour, by service or by user.

The order of the checks is not documented: key, captcha, id, then the fields as listed.
"""

from flask import Blueprint, g
from werkzeug.wrappers import Response

from sandbox import seed
from sandbox.bodies import (
    captcha_rejected,
    captcha_required,
    hour_unavailable,
    required,
    service_required,
)
from sandbox.clock import Clock
from sandbox.form import check_form
from sandbox.incoming import find_offers, future_instant, json_object, require_key
from sandbox.instants import format_instant, parse_zone
from sandbox.responses import booking_response
from sandbox.schedule import Customer, Offer, Schedule, Service, SlotUnavailableError


def make_booking_routes(schedule: Schedule, clock: Clock) -> Blueprint:
    routes = Blueprint("booking", __name__)
    routes.before_request(require_key)

    @routes.post("/schedule/service/<record_id>")
    def book_by_service(record_id: str) -> Response:
        """Book an hour of a service, with whichever agent is free."""
        _check_captcha()
        offers = find_offers(schedule, "services", record_id)
        return book(offers, schedule.services[record_id])

    @routes.post("/schedule/user/<record_id>")
    def book_by_user(record_id: str) -> Response:
        """Book an hour of one agent for one of their services."""
        _check_captcha()
        offers = find_offers(schedule, "users", record_id)
        service_id = json_object().get("service")
        service = schedule.services.get(service_id) if isinstance(service_id, str) else None
        if service is None or all(agent.id != record_id for agent in service.agents):
            raise service_required()
        return book(offers, service)

    def book(offers: list[Offer], service: Service) -> Response:
        body = json_object()
        start = future_instant(body.get("startAt"), clock)
        timezone = body.get("timezone")
        if parse_zone(timezone) is None:
            raise required("timezone")
        referrer = body.get("referrer")
        if not isinstance(referrer, str) or not referrer:
            # `referrer` is documented as required, its error body is not.
            raise required("referrer")
        values = check_form(body.get("form"), seed.FORM_FIELDS)
        try:
            appointment = schedule.book(
                offers,
                service,
                start,
                Customer(str(timezone), values.get(seed.EMAIL_FIELD, ""), referrer),
            )
        except SlotUnavailableError:
            raise hour_unavailable(format_instant(start)) from None
        return booking_response(appointment)

    return routes


def _check_captcha() -> None:
    """Require a captcha token with a public key; ignore it with a backend key."""
    if g.key_kind != "public":
        return
    token = json_object().get("token")
    if not isinstance(token, str) or not token:
        raise captcha_required()
    if token != "captcha-ok":
        raise captcha_rejected()

"""Whatever has days and hours to book: written once, for services and for users."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime

from flask import Blueprint, Response, request
from marshmallow import Schema

from schemas.queries import load_availability, load_day, load_id, load_month, load_next
from videsk.ahead import Ahead
from videsk.kinds import Kind
from videsk.scheduling import Scheduling
from web import answers
from web.bodies import read_object
from web.booking_captcha import BookingCaptcha
from web.idempotency import Once
from web.referrers import Referrers


def make_blueprint(
    kind: Kind,
    booking_schema: Schema,
    scheduling: Scheduling,
    ahead: Ahead,
    referrers: Referrers,
    captcha: BookingCaptcha | None,
    once: Once,
    now: Callable[[], datetime],
) -> Blueprint:
    """The routes of one kind under `/api/{kind}/{id}`."""
    blueprint = Blueprint(kind.plural, __name__, url_prefix=f"/api/{kind.plural}/<ident>")

    @blueprint.get("/dates")
    def dates(ident: str) -> Response:
        """List the free days of a month."""
        ident = load_id(kind.singular, ident)
        month, ask_from = load_month(request.args, now())
        return answers.remembered(
            lambda: scheduling.dates(kind, ident, month, ask_from), answers.ALWAYS_ASK, month.end
        )

    @blueprint.get("/hours")
    def hours(ident: str) -> Response:
        """List the free hours of a day."""
        ident = load_id(kind.singular, ident)
        day, ask_from = load_day(request.args, now())
        return answers.remembered(
            lambda: scheduling.hours(kind, ident, day, ask_from), answers.ALWAYS_ASK, day.end
        )

    @blueprint.get("/availability")
    def availability(ident: str) -> Response:
        """List the free hours of several days at once."""
        ident = load_id(kind.singular, ident)
        asked_at = now()
        stretch, days = load_availability(request.args, asked_at)
        return answers.remembered(
            lambda: ahead.availability(kind, ident, stretch, days, asked_at),
            answers.ALWAYS_ASK,
            stretch.start.end,
        )

    @blueprint.get("/next")
    def next_hours(ident: str) -> Response:
        """List the next free hours from now on."""
        ident = load_id(kind.singular, ident)
        asked_at = now()
        stretch, limit = load_next(request.args, asked_at)
        return answers.remembered(
            lambda: ahead.next_hours(kind, ident, stretch, limit, asked_at),
            answers.ALWAYS_ASK,
            until=asked_at,  # what comes next changes with every moment
        )

    @blueprint.post("/appointments")
    def book(ident: str) -> Response:
        """Book an hour."""
        ident = load_id(kind.singular, ident)
        body = read_object()
        booking = booking_schema.load(body)
        headers = request.headers.get("Referer"), request.headers.get("Origin")
        booking["referrer"] = referrers.choose(booking.get("referrer"), headers)
        answers.offer_hours(kind.plural, ident, booking)

        if captcha:
            booking.pop("token", None)

        def act() -> Response:
            with captcha.confirmed(request.path, body) if captcha else nullcontext():
                return answers.fresh(scheduling.book(kind, ident, booking), 201)

        return once.answer(act, body, notices_double_click=True)

    return blueprint

"""Parsing of requests, shared by all endpoints: key, id, JSON object, instant in the future."""

import json
from typing import Any

from flask import g, request

from sandbox import tokens
from sandbox.bodies import VideskError, date_in_past, not_found, required
from sandbox.clock import Clock
from sandbox.instants import parse_instant
from sandbox.schedule import Kind, Offer, Schedule

# Clocks differ and requests take time, so an instant is in the past only if it is older than this.
_PAST_TOLERANCE_MS = 60_000


def require_key() -> None:
    """Require a valid API key, and put its kind into `g.key_kind`."""
    g.key_kind = tokens.read_key(request.headers.get("Authorization"), request.path)


def find_offers(schedule: Schedule, kind: Kind, record_id: str) -> list[Offer]:
    """Return the offers of a service or user. Raises the 404 of Feathers."""
    offers = schedule.offers(kind, record_id)
    if offers is None:
        raise not_found(record_id)
    return offers


def future_instant(text: object, clock: Clock) -> int:
    """Parse an instant. Raises the documented 400s if it is missing, invalid or in the past."""
    instant = parse_instant(text)
    if instant is None:
        raise required("date")
    if instant < clock.now() - _PAST_TOLERANCE_MS:
        raise date_in_past()
    return instant


def json_object() -> dict[str, Any]:
    """Return the request's JSON object. Raises a 400 for invalid JSON.

    Return `{}` for another content type or JSON value, so that the error names the first missing
    field.
    """
    text = request.get_data()
    if request.mimetype != "application/json" or not text:
        return {}
    try:
        body = json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise VideskError(400, "Unexpected token in JSON") from None
    return body if isinstance(body, dict) else {}


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

"""What any request to Videsk may bring: a key, a JSON object, an instant that is not over.

Owns their checks, written once for all endpoints. Of the schedule it asks only whether it knows an
id.
"""

import json
from typing import Any

from flask import g, request

from sandbox import tokens
from sandbox.bodies import VideskError, date_in_past, not_found, required
from sandbox.clock import Clock
from sandbox.instants import read_instant
from sandbox.schedule import Kind, Offer, Schedule

# Clocks differ and requests travel: only what lies further back than this is in the past.
_PAST_TOLERANCE_MS = 60_000


def require_key() -> None:
    """Before each request that an API key opens: leaves the kind of key in `g.key_kind`."""
    g.key_kind = tokens.read_key(request.headers.get("Authorization"), request.path)


def find_offers(schedule: Schedule, kind: Kind, record_id: str) -> list[Offer]:
    """What a service or a user of the path can be booked for. Raises Feathers' 404."""
    offers = schedule.offers(kind, record_id)
    if offers is None:
        raise not_found(record_id)
    return offers


def coming_instant(text: object, clock: Clock) -> int:
    """The instant in `text`. Raises the documented 400 bodies for none and for a past one."""
    instant = read_instant(text)
    if instant is None:
        raise required("date")
    if instant < clock.now() - _PAST_TOLERANCE_MS:
        raise date_in_past()
    return instant


def json_object() -> dict[str, Any]:
    """The request's JSON object. Another content type or another kind of JSON counts as `{}`, so
    that the answer names the first missing field; broken JSON is a 400."""
    text = request.get_data()
    if request.mimetype != "application/json" or not text:
        return {}
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise VideskError(400, "Unexpected token in JSON") from None
    return body if isinstance(body, dict) else {}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")

"""The routes for those who drive the sandbox: reset, keys, journal, ledger, faults, clock, rate.

Owns their JSON and their 400s. Plays no part in what Videsk answers.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol, TypeGuard

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox import tokens
from sandbox.bodies import json_response
from sandbox.clock import Clock
from sandbox.faults import BadOrderError, Faults, read_fault
from sandbox.instants import write_instant
from sandbox.ratelimit import RateLimit
from sandbox.request_log import RequestLog
from sandbox.schedule import Schedule

# Ten years either way, in seconds: far enough, and every date stays writable.
_FURTHEST_OFFSET = 10 * 365 * 86_400


class _Resettable(Protocol):
    def reset(self) -> None: ...


def make_control_routes(
    schedule: Schedule, clock: Clock, journal: RequestLog, rate: RateLimit, faults: Faults
) -> Blueprint:
    routes = Blueprint("control", __name__)

    @routes.errorhandler(BadOrderError)
    def refuse(error: BadOrderError) -> Response:
        return json_response({"error": str(error)}, 400)

    @routes.post("/reset")
    def reset() -> Response:
        """Put everything back as at the start."""
        parts: Sequence[_Resettable] = (schedule, clock, journal, rate, faults)
        for part in parts:
            part.reset()
        return Response(status=204)

    @routes.get("/keys")
    def show_keys() -> Response:
        """Show an API key of each kind."""
        return json_response(tokens.keys())

    @routes.get("/requests")
    def list_requests() -> Response:
        """List the Videsk requests received, oldest first."""
        return json_response(journal.entries())

    @routes.delete("/requests")
    def forget_requests() -> Response:
        """Empty the journal."""
        journal.reset()
        return Response(status=204)

    @routes.get("/appointments")
    def list_appointments() -> Response:
        """List every appointment since the reset, canceled and rescheduled ones too."""
        return json_response(
            [
                {
                    "id": appointment.id,
                    "service": appointment.service.id,
                    "user": appointment.agent.id,
                    "startAt": write_instant(appointment.start),
                    "endAt": write_instant(appointment.end),
                    "status": appointment.status,
                    "email": appointment.customer.email,
                }
                for appointment in schedule.appointments.values()
            ]
        )

    @routes.post("/faults")
    def add_fault() -> Response:
        """Set a fault."""
        fault = read_fault(_json_object())
        faults.add(fault)
        return json_response(asdict(fault), 201)

    @routes.get("/faults")
    def list_faults() -> Response:
        """List the faults in force, the first to be used first."""
        return json_response([asdict(fault) for fault in faults.listed()])

    @routes.delete("/faults")
    def clear_faults() -> Response:
        """Behave again; connections already hanging go on doing so."""
        faults.reset()
        return Response(status=204)

    @routes.post("/clock")
    def shift_clock() -> Response:
        """Shift the sandbox's clock against the real one."""
        offset = _json_object().get("offset_seconds")
        if not _is_number(offset) or not -_FURTHEST_OFFSET <= offset <= _FURTHEST_OFFSET:
            raise BadOrderError(f'"offset_seconds" must be a number within ±{_FURTHEST_OFFSET}')
        clock.offset_seconds = float(offset)
        return json_response({"now": write_instant(clock.now())})

    @routes.post("/rate")
    def set_rate() -> Response:
        """Set the requests per second."""
        order = _json_object()
        limit = order.get("limit")
        if "limit" not in order or not (limit is None or (type(limit) is int and limit >= 0)):
            raise BadOrderError('"limit" must be a whole number of requests per second, or null')
        rate.limit = limit
        return json_response({"limit": limit})

    return routes


def _json_object() -> dict[str, Any]:
    try:
        order = json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise BadOrderError("the body must be JSON") from None
    if not isinstance(order, dict):
        raise BadOrderError("the body must be a JSON object")
    return order


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)

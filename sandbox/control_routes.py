"""Routes that control the sandbox: reset, keys, requests, appointments, faults, clock, rate."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol, TypeGuard

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox import tokens
from sandbox.bodies import json_response
from sandbox.clock import Clock
from sandbox.faults import ControlError, Faults, parse_fault
from sandbox.instants import format_instant
from sandbox.ratelimit import RateLimit
from sandbox.request_log import RequestLog
from sandbox.schedule import Schedule

# Ten years in seconds. Every date can still be formatted.
_MAX_OFFSET = 10 * 365 * 86_400


class _Resettable(Protocol):
    def reset(self) -> None: ...


def make_control_routes(
    schedule: Schedule, clock: Clock, request_log: RequestLog, rate: RateLimit, faults: Faults
) -> Blueprint:
    routes = Blueprint("control", __name__)

    @routes.errorhandler(ControlError)
    def on_control_error(error: ControlError) -> Response:
        return json_response({"error": str(error)}, 400)

    @routes.post("/reset")
    def reset() -> Response:
        """Restore the initial state."""
        parts: Sequence[_Resettable] = (schedule, clock, request_log, rate, faults)
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
        return json_response(request_log.entries())

    @routes.delete("/requests")
    def clear_requests() -> Response:
        """Empty the request log."""
        request_log.reset()
        return Response(status=204)

    @routes.get("/appointments")
    def list_appointments() -> Response:
        """List every appointment since the reset, including canceled and rescheduled ones."""
        return json_response(
            [
                {
                    "id": appointment.id,
                    "service": appointment.service.id,
                    "user": appointment.agent.id,
                    "startAt": format_instant(appointment.start),
                    "endAt": format_instant(appointment.end),
                    "status": appointment.status,
                    "email": appointment.customer.email,
                }
                for appointment in schedule.appointments.values()
            ]
        )

    @routes.post("/faults")
    def add_fault() -> Response:
        """Add a fault."""
        fault = parse_fault(_json_object())
        faults.add(fault)
        return json_response(asdict(fault), 201)

    @routes.get("/faults")
    def list_faults() -> Response:
        """List the active faults, in the order in which they apply."""
        return json_response([asdict(fault) for fault in faults.active()])

    @routes.delete("/faults")
    def clear_faults() -> Response:
        """Remove all faults. Connections that already hang keep hanging."""
        faults.reset()
        return Response(status=204)

    @routes.post("/clock")
    def shift_clock() -> Response:
        """Shift the sandbox's clock against the real one."""
        offset = _json_object().get("offset_seconds")
        if not _is_number(offset) or not -_MAX_OFFSET <= offset <= _MAX_OFFSET:
            raise ControlError(f'"offset_seconds" must be a number within ±{_MAX_OFFSET}')
        clock.offset_seconds = float(offset)
        return json_response({"now": format_instant(clock.now())})

    @routes.post("/rate")
    def set_rate() -> Response:
        """Set the requests per second."""
        control = _json_object()
        limit = control.get("limit")
        if "limit" not in control or not (limit is None or (type(limit) is int and limit >= 0)):
            raise ControlError('"limit" must be a whole number of requests per second, or null')
        rate.limit = limit
        return json_response({"limit": limit})

    return routes


def _json_object() -> dict[str, Any]:
    try:
        control = json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise ControlError("the body must be JSON") from None
    if not isinstance(control, dict):
        raise ControlError("the body must be a JSON object")
    return control


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)

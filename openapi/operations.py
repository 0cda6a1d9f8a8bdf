"""Every operation: what it takes and answers. Its summary is its view's own."""

from openapi import bookable
from openapi.operation import (
    BODY_WRONG,
    KEY_READ,
    OURS,
    OURS_OF_API,
    READ,
    WRITE,
    Answers,
    Body,
    Operation,
)
from openapi.responses import Answer, cached_response, error, read_error, ref, success, write_error
from videsk.resources import SERVICES, USERS

_TOO_MANY_GUESSES = error(
    "This address has sent too many wrong secrets.", "tooManyGuesses", carries=("Retry-After",)
)
_WITHOUT_SETTING = "There is no such path without the setting {}."


def _by_action_token(operation_id: str, answers: Answers, body: Body) -> Operation:
    """A write to an appointment."""
    answers = WRITE | {"401": "WriteTokenRefused"} | answers
    return Operation(
        operation_id, "appointment", answers, ("Idempotency-Key",), body, "actionToken"
    )


def _page(operation_id: str, what: Answer, *takes: str, **more: Answer | str) -> Operation:
    """A part of the documentation."""
    return Operation(operation_id, "running", OURS_OF_API | {"200": what} | more, takes)


OPERATIONS = {
    "GET /api/services": Operation(
        "listServices",
        "services",
        KEY_READ
        | {
            "200": cached_response(
                "All services, every page of Videsk's.",
                {"type": "array", "items": ref("schemas", "Service")},
                "services",
                kept="Briefly",
            ),
            "304": "NotModifiedBriefly",
        },
        ("If-None-Match",),
    ),
    **bookable.operations(SERVICES),
    **bookable.operations(USERS),
    "GET /api/forms/{segment}": Operation(
        "getForm",
        "forms",
        KEY_READ
        | {
            "200": cached_response("The form.", "Form", "form", kept="Briefly"),
            "304": "NotModifiedBriefly",
            "400": read_error("Id or version is wrong.", "segmentInvalid", "versionInvalid"),
            "404": read_error("Videsk knows no such form.", "formNotFound"),
        },
        ("segment", "version", "If-None-Match"),
    ),
    "GET /api/appointment": Operation(
        "getAppointment",
        "appointment",
        READ
        | {
            "200": success("The appointment.", "Appointment", "appointment"),
            "401": "ReadTokenRefused",
        },
        opened_by="accessToken",
    ),
    "POST /api/appointment/cancel": _by_action_token(
        "cancelAppointment",
        {
            "200": success("Canceled.", "Canceled", "canceled", carries=("Idempotency-Replayed",)),
            "400": write_error(
                "The body is wrong.", "reasonNoString", "reasonTooLong", *BODY_WRONG
            ),
        },
        Body("Cancellation", ("cancellation", "cancellationWithoutReason"), required=False),
    ),
    "POST /api/appointment/reschedule": _by_action_token(
        "rescheduleAppointment",
        {
            "200": success("Moved.", "Booking", "moved", carries=("Idempotency-Replayed",)),
            "400": write_error("The body is wrong.", "moveDateInvalid", "hourInPast", *BODY_WRONG),
            "409": write_error("Somebody was faster.", "hourTaken"),
        },
        Body("Move", ("move",)),
    ),
    "POST /hooks/videsk": Operation(
        "tellMeetingChanged",
        "running",
        OURS
        | {
            "204": Answer("What the meeting touches is dropped.", None, ()),
            "401": error("The secret is missing or wrong.", "webhookSecretWrong"),
            "429": _TOO_MANY_GUESSES,
            "404": error(_WITHOUT_SETTING.format("WEBHOOK_SECRET"), "notFound"),
        },
        body=Body("MeetingChanged", ("meetingChanged",), required=False),
        opened_by="webhookSecret",
    ),
    "GET /healthz": Operation(
        "getHealth", "running", OURS | {"200": success("It serves.", "Health", "healthy")}
    ),
    "GET /readyz": Operation(
        "getReadiness",
        "running",
        OURS
        | {
            "200": success("It may be sent requests.", "Readiness", "ready", "degraded"),
            "503": success("It stops, or Videsk refuses the key.", "Readiness", "keyRefused"),
        },
    ),
    "GET /metrics": Operation(
        "getMetrics",
        "running",
        OURS
        | {
            "200": Answer("Prometheus' text.", {"type": "string"}, (), media="text/plain"),
            "401": error("The token is missing or wrong.", "metricsTokenWrong"),
            "429": _TOO_MANY_GUESSES,
            "404": error(_WITHOUT_SETTING.format("METRICS_TOKEN"), "notFound"),
        },
        opened_by="metricsToken",
    ),
    "GET /api/openapi.json": _page("getOpenapi", success("This document.", {"type": "object"})),
    "GET /api/docs": _page(
        "getDocs", Answer("The page.", {"type": "string"}, (), media="text/html")
    ),
    "GET /api/docs/{name}": _page(
        "getDocsAsset",
        Answer("The file.", {}, (), ("Immutable", "Content-Encoding"), "*/*"),
        "name",
        **{"404": "NotFound"},
    ),
}
"""By method and path, as Flask's rules have it with braces, `<ident>` as `{id}`."""

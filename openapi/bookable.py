"""The operations of whatever has days and hours to book: written once, for services and users."""

from typing import NamedTuple

from openapi.operation import BODY_WRONG, INSTANTS, KEY_READ, WRITE, Answers, Body, Operation
from openapi.responses import Answer, cached_response, read_error, success, write_error
from videsk.resources import SERVICES, USERS, ResourceKind

_FORM_WRONG = (
    "elementIdInvalid",
    "honeypotFilled",
    "honeypotMissing",
    "valueTooLong",
    "elementUnknown",
)
_DATE_WRONG = ("dateInvalid", "dateInPast")


class _Words(NamedTuple):
    """What differs in a booking: its schema, which is its example's name too, and what may be
    wrong with its service.
    """

    schema: str
    example: str
    service_wrong: tuple[str, ...] = ()


_WORDS = {
    SERVICES: _Words("BookingByService", "bookingByService"),
    USERS: _Words("BookingByUser", "bookingByUser", ("serviceMissing", "serviceOfAnother")),
}


def operations(kind: ResourceKind) -> dict[str, Operation]:
    """By method and path."""
    one = kind.singular.capitalize()
    path = f"/api/{kind.plural}/{{id}}"
    days = cached_response("The first instant of each free day.", INSTANTS, "dates")
    hours = cached_response("The starts of the free hours.", INSTANTS, "hours")
    several = cached_response(
        "The free hours of several days.",
        "Availability",
        "availability",
        "availabilityInPart",
        kept="AlwaysAskIfComplete",
        etag="ETag-if-complete",
    )
    soon = cached_response("The starts of the next free hours.", INSTANTS, "nextHours")
    return {
        f"GET {path}/dates": _read(kind, f"list{one}Dates", days, ("month",), *_DATE_WRONG),
        f"GET {path}/hours": _read(kind, f"list{one}Hours", hours, ("day",), *_DATE_WRONG),
        f"GET {path}/availability": _read(
            kind,
            f"get{one}Availability",
            several,
            ("monthOrDay", "days"),
            *_DATE_WRONG,
            "daysInvalid",
        ),
        f"GET {path}/next": _read(kind, f"list{one}NextHours", soon, ("limit",), "limitInvalid"),
        f"POST {path}/appointments": _booking(kind, f"bookBy{one}", _WORDS[kind]),
    }


def _read(
    kind: ResourceKind, operation_id: str, what: Answer, query: tuple[str, ...], *wrong: str
) -> Operation:
    wrong = (f"{kind.singular}IdInvalid", "timezoneInvalid", *wrong)
    own: Answers = {
        "200": what,
        "304": "NotModified",
        "400": read_error("The id or the query is wrong.", *wrong),
    }
    takes = (kind.singular, *query, "timezone", "If-None-Match")
    return Operation(operation_id, kind.plural, KEY_READ | own, takes)


def _booking(kind: ResourceKind, operation_id: str, words: _Words) -> Operation:
    refused = write_error(
        "The id or the body is wrong; `errors` has messages for each field.",
        f"{kind.singular}IdInvalid",
        *words.service_wrong,
        "startAtInvalid",
        "bodyTimezoneInvalid",
        "hourInPast",
        "referrerForeign",
        "captchaMissing",
        "captchaRequired",
        *_FORM_WRONG,
        *BODY_WRONG,
    )
    own: Answers = {
        "201": success("Booked.", "Booking", words.example, carries=("Idempotency-Replayed",)),
        "400": refused,
        "401": "WriteKeyRefused",
        "409": write_error("Somebody was faster.", "hourTaken", carries=("Link",)),
        "422": "BookingUnprocessable",
        "503": "BookingUnavailable",
    }
    body = Body(words.schema, (words.example,))
    takes = (kind.singular, "Idempotency-Key")
    return Operation(operation_id, kind.plural, WRITE | own, takes, body)

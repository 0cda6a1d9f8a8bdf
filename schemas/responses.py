"""What the answers look like: these schemas describe, and neither check nor change an answer.

Videsk's own, as its page shows them, with `_id` renamed `id`. A field that Videsk adds comes
through, so none of them is closed.
"""

from typing import Any

from marshmallow import EXCLUDE, Schema, fields
from marshmallow.validate import Equal, OneOf

_INSTANT = {"format": "date-time", "description": "UTC, with milliseconds"}


def _id() -> fields.String:
    return fields.String(required=True, metadata={"pattern": "^[0-9a-f]{24}$"})


def _text(description: str | None = None, *, required: bool = True, **more: Any) -> fields.String:
    metadata = {"description": description} if description else {}
    return fields.String(required=required, metadata=metadata | more)


def _instant() -> fields.String:
    return fields.String(required=True, metadata=_INSTANT)


class _Answer(Schema):
    class Meta:
        unknown = EXCLUDE


class User(_Answer):
    """An agent, whom Videsk calls a user."""

    id = _id()
    firstname = _text()
    lastname = _text()


class Service(_Answer):
    """What can be booked."""

    users = fields.List(
        fields.Nested(User),
        required=True,
        metadata={"description": "Those the customer picks from; empty where Videsk picks"},
    )
    title = _text()
    description = _text()
    automatic = fields.Boolean(
        required=True, metadata={"description": "Whether Videsk picks the user"}
    )
    id = _id()


class Booking(_Answer):
    """A booked appointment. Its two tokens open it, and nothing else."""

    email = _text()
    service = _text("The service's title")
    startAt = _instant()  # noqa: N815 - Videsk's words, here and below
    endAt = _instant()  # noqa: N815
    duration = fields.Integer(required=True, metadata={"description": "Minutes"})
    timezone = _text()
    joinURL = _text(format="uri")  # noqa: N815
    rescheduleURL = _text(format="uri")  # noqa: N815
    cancelURL = _text(format="uri")  # noqa: N815
    accessToken = _text("Looks it up")  # noqa: N815
    actionToken = _text("Cancels or moves it")  # noqa: N815
    message = _text()


class _AppointmentService(_Answer):
    id = _id()
    title = _text()
    description = _text()


class Appointment(_Answer):
    """An appointment, from five minutes before its start until its end."""

    id = _id()
    service = fields.Nested(_AppointmentService, required=True)
    user = fields.Nested(User, required=True)
    startAt = _instant()  # noqa: N815
    endAt = _instant()  # noqa: N815
    status = _text("`pending` is the one word for it that Videsk documents")


class Canceled(_Answer):
    """A canceled appointment."""

    service = _text("The service's title")
    message = _text()


class Availability(_Answer):
    """The free hours of the next free days."""

    days = fields.Dict(
        keys=fields.String(),
        values=fields.List(_instant()),
        required=True,
        metadata={"description": "A local day, such as 2026-12-01, and the starts of its hours"},
    )
    complete = fields.Boolean(
        required=True, metadata={"description": "Whether nothing had to be left out"}
    )
    asOf = fields.String(  # noqa: N815
        required=True,
        metadata=_INSTANT | {"description": "When its oldest part was asked of Videsk"},
    )
    missing = fields.List(
        fields.String(metadata={"pattern": "^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"}),
        metadata={"description": "The days and months left out; only where it is not complete"},
    )


class FormField(_Answer):
    """A field of a form, to be drawn."""

    id = _text("24 hex digits, or `videsk_essential`: a field nobody sees, and is sent empty")
    type = _text()
    name = _text()
    label = _text()
    properties = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(),
        required=True,
        metadata={"description": "Such as required, placeholder, maxlength, min and max"},
    )
    options = fields.List(fields.Raw(), required=True)
    hint = _text(required=False)


class Form(_Answer):
    """The fields of a form, and the captcha to show with it."""

    form = fields.List(fields.Nested(FormField), required=True)
    siteKey = _text("Of the captcha's widget", required=False)  # noqa: N815
    resource = _text("Where the captcha's script is", required=False)
    provider = _text("Of the captcha", required=False)


class Health(_Answer):
    """The process serves."""

    status = fields.String(required=True, validate=Equal("ok"))


class _Budget(_Answer):
    limit = fields.Integer(required=True)
    left = fields.Integer(required=True)


class _Videsk(_Answer):
    key = fields.String(required=True, validate=OneOf(("accepted", "refused")))
    circuit = fields.String(required=True, validate=OneOf(("closed", "open")))
    budget = fields.Nested(
        _Budget, required=True, metadata={"description": "Requests in the second at hand"}
    )


class Readiness(_Answer):
    """What is known of Redis and Videsk."""

    status = fields.String(required=True, validate=OneOf(("ok", "degraded")))
    redis = fields.String(required=True, validate=OneOf(("ok", "away", "none")))
    videsk = fields.Nested(_Videsk, required=True)


class Error(_Answer):
    """The shape of errors, ours and Videsk's. What Videsk answers is passed on as it came, so
    behind `X-Error-Source: videsk` it may be any JSON.
    """

    name = _text()
    message = _text()
    code = fields.Integer(required=True, metadata={"description": "The HTTP status, as a rule"})
    className = _text()  # noqa: N815
    data = fields.Raw(metadata={"description": "What it is about, such as `outcomeUnknown`"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(),
        required=True,
        metadata={"description": "Messages for each wrong field of the body"},
    )

"""Schemas of responses. They only describe; responses are neither validated nor changed by them.

They follow https://docs.videsk.io/es-developers/api-publica/calendario, with `_id` renamed
to `id`. None is closed, because fields that Videsk adds are passed on.
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


class _Response(Schema):
    class Meta:
        unknown = EXCLUDE


class User(_Response):
    """An agent; Videsk calls them users."""

    id = _id()
    firstname = _text()
    lastname = _text()


class Service(_Response):
    """A service that can be booked."""

    users = fields.List(
        fields.Nested(User),
        required=True,
        metadata={"description": "The users to choose from; empty if Videsk assigns the user"},
    )
    title = _text()
    description = _text()
    automatic = fields.Boolean(
        required=True, metadata={"description": "Whether Videsk assigns the user"}
    )
    id = _id()


class Booking(_Response):
    """A booked appointment. Its two tokens are valid for this appointment only."""

    email = _text()
    service = _text("The service's title")
    startAt = _instant()  # noqa: N815 - Videsk's words, here and below
    endAt = _instant()  # noqa: N815
    duration = fields.Integer(required=True, metadata={"description": "Minutes"})
    timezone = _text()
    joinURL = _text(format="uri")  # noqa: N815
    rescheduleURL = _text(format="uri")  # noqa: N815
    cancelURL = _text(format="uri")  # noqa: N815
    accessToken = _text("Token to look up the appointment")  # noqa: N815
    actionToken = _text("Token to cancel or reschedule the appointment")  # noqa: N815
    message = _text()


class _AppointmentService(_Response):
    id = _id()
    title = _text()
    description = _text()


class Appointment(_Response):
    """An appointment; available from five minutes before its start until its end."""

    id = _id()
    service = fields.Nested(_AppointmentService, required=True)
    user = fields.Nested(User, required=True)
    startAt = _instant()  # noqa: N815
    endAt = _instant()  # noqa: N815
    status = _text("Videsk documents `pending` only")


class Canceled(_Response):
    """A canceled appointment."""

    service = _text("The service's title")
    message = _text()


class Availability(_Response):
    """The free hours of the next free days."""

    days = fields.Dict(
        keys=fields.String(),
        values=fields.List(_instant()),
        required=True,
        metadata={"description": "The starts of the free hours by local day, such as 2026-12-01"},
    )
    complete = fields.Boolean(
        required=True, metadata={"description": "Whether all days could be fetched"}
    )
    asOf = fields.String(  # noqa: N815
        required=True,
        metadata=_INSTANT | {"description": "When its oldest part was fetched from Videsk"},
    )
    missing = fields.List(
        fields.String(metadata={"pattern": "^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"}),
        metadata={
            "description": "The days and months that could not be fetched; absent if complete"
        },
    )


class FormField(_Response):
    """A field of a form."""

    id = _text("24 hex digits, or `videsk_essential`, a hidden field that is sent empty")
    type = _text()
    name = _text()
    label = _text()
    properties = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(),
        required=True,
        metadata={"description": "For example required, placeholder, maxlength, min and max"},
    )
    options = fields.List(fields.Raw(), required=True)
    hint = _text(required=False)


class Form(_Response):
    """The fields of a form and its captcha."""

    form = fields.List(fields.Nested(FormField), required=True)
    siteKey = _text("The site key of the captcha widget", required=False)  # noqa: N815
    resource = _text("The URL of the captcha's script", required=False)
    provider = _text("The captcha provider", required=False)
    captchaRequired = fields.Boolean(  # noqa: N815
        metadata={"description": "True if the proxy verifies captchas: a booking needs a `token`"}
    )


class Health(_Response):
    """The process serves requests."""

    status = fields.String(required=True, validate=Equal("ok"))


class _Budget(_Response):
    limit = fields.Integer(required=True)
    left = fields.Integer(required=True)


class _Videsk(_Response):
    key = fields.String(required=True, validate=OneOf(("accepted", "refused")))
    circuit = fields.String(required=True, validate=OneOf(("closed", "open")))
    budget = fields.Nested(
        _Budget, required=True, metadata={"description": "Requests in the current second"}
    )


class Readiness(_Response):
    """The state of Redis and Videsk."""

    status = fields.String(required=True, validate=OneOf(("ok", "degraded")))
    redis = fields.String(required=True, validate=OneOf(("ok", "away", "none")))
    videsk = fields.Nested(_Videsk, required=True)


class ErrorBody(_Response):
    """The format of errors, the proxy's and Videsk's. Videsk's are passed on unchanged, so with
    `X-Error-Source: videsk` the body may be any JSON.
    """

    name = _text()
    message = _text()
    code = fields.Integer(required=True, metadata={"description": "Usually the HTTP status"})
    className = _text()  # noqa: N815
    data = fields.Raw(metadata={"description": "Details, for example `outcomeUnknown`"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(),
        required=True,
        metadata={"description": "Messages for each invalid field of the body"},
    )

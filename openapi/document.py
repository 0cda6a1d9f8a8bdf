"""Builds the document from the schemas, the components and the operations of the views."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from common.version import VERSION
from openapi import parameters
from openapi.components import EXAMPLES, RESPONSES
from openapi.examples import REQUEST_EXAMPLES
from openapi.headers import HEADERS
from openapi.spec import JSON, Operation, RequestBody, Response, ref
from schemas import bookings, hooks, responses
from web.responses import route_of

if TYPE_CHECKING:
    from apispec.ext.marshmallow.openapi import OpenAPIConverter

_ABOUT = """\
Videsk's calendar API without its secret key. Every GET also supports HEAD. An unknown path is a 404
and an unsupported method a 405, never a redirect. All errors have the same format. `X-Error-Source`
is `proxy` or `videsk`; Videsk's errors are passed on with their status and body unchanged.

Service, User, Booking and similar schemas follow Videsk's documentation. Fields that Videsk adds
are passed on.

`x-retry` of an operation states whether a client may repeat a request that got no response, a 429,
a 503, or a 502 or 504 of the proxy:

- `safe`: yes.
- `same-key`: yes, with the same body and `Idempotency-Key`, unless `data` is `outcomeUnknown`.
- `never`: no.
"""

_CONTACT = {"name": "The operator of this proxy"}
_LICENSE = {"name": "None has been chosen", "identifier": "LicenseRef-None"}  # SPDX's syntax

_TAGS = {
    "services": "Services to book; Videsk assigns the user",
    "users": "Agents (users, in Videsk's terms) to book",
    "forms": "The form of a booking",
    "appointment": "A customer's appointment, authorized by a token of its booking",
    "operations": "For operators, and for Videsk's webhook",
}

_SCHEMAS = {
    "User": responses.User,
    "Service": responses.Service,
    "Booking": responses.Booking,
    "Appointment": responses.Appointment,
    "Canceled": responses.Canceled,
    "Availability": responses.Availability,
    "FormField": responses.FormField,
    "Form": responses.Form,
    "Health": responses.Health,
    "Readiness": responses.Readiness,
    "ErrorBody": responses.ErrorBody,
    "FormElement": bookings.FormElement,
    "BookingByService": bookings.BookingSchema,
    "BookingByUser": bookings.UserBookingSchema,
    "Cancellation": bookings.CancelSchema,
    "Move": bookings.RescheduleSchema,
    "MeetingChanged": hooks.MeetingSchema,
}
"""By the name of the component. A schema comes before those that refer to it."""


class UndescribedError(Exception):
    """A route has a view without `@describe`."""


def build(app: Flask) -> dict[str, Any]:
    """Return the document of all the app's routes. Raises UndescribedError."""
    # A schema that is not a component has no name and is described inline.
    marshmallow = MarshmallowPlugin(schema_name_resolver=lambda _: "")
    spec = APISpec(
        "videsk-proxy",
        VERSION,
        "3.1.0",
        info={"description": _ABOUT, "contact": _CONTACT, "license": _LICENSE},
        servers=[{"url": "/"}],
        plugins=[marshmallow],
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    converter = cast("OpenAPIConverter", marshmallow.converter)
    # apispec marks a load-only field writeOnly, which is redundant in a request body.
    converter.attribute_functions.remove(converter.field2write_only)
    _add_components(spec, converter)
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            view = app.view_functions[rule.endpoint]
            operations = {method.lower(): _operation(view, method, rule.rule)}
            spec.path(route_of(rule.rule), operations=operations)
    document: dict[str, Any] = spec.to_dict()
    return document


def _add_components(spec: APISpec, converter: "OpenAPIConverter") -> None:
    for name, schema in _SCHEMAS.items():
        text = inspect.cleandoc(schema.__doc__ or "")
        spec.components.schema(name, {"description": text}, schema=schema)
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for name, example in EXAMPLES.items():
        spec.components.example(name, example)
    for name, response in RESPONSES.items():
        spec.components.response(name, response.to_dict())
    for name, secret in parameters.SECRETS.items():
        spec.components.security_scheme(name, secret)
    _add_parameters(spec, converter)


def _add_parameters(spec: APISpec, converter: "OpenAPIConverter") -> None:
    for name, (placeholder, text, field, example) in parameters.PATH.items():
        described = {
            "name": placeholder,
            "description": text,
            "schema": converter.field2property(field),
            "example": example,
        }
        spec.components.parameter(name, "path", described)
    for name, (schema, own_name, own_text, examples) in parameters.QUERY.items():
        fields = converter.schema2parameters(schema, location="query")
        described = next(each for each in fields if each["name"] == own_name)
        described |= {"description": own_text} if own_text else {}
        spec.components.parameter(name, "query", described | {"examples": _named(examples)})
    for name, (text, json_schema, examples) in parameters.HEADER.items():
        described = {"description": text, "schema": json_schema}
        described |= {"examples": _named(examples)} if examples else {}
        spec.components.parameter(name, "header", described)


def _named(examples: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in examples.items()}


def _operation(view: Callable[..., Any], method: str, rule: str) -> dict[str, Any]:
    operation: Operation | None = getattr(view, "operation", None)
    if operation is None:
        raise UndescribedError(f"{method} {rule}")
    summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": summary.rstrip("."),
        "description": description,
        "tags": [operation.tag],
        "security": [{operation.security: []}] if operation.security else [],
        "x-retry": _retry(method, operation),
        "parameters": [*operation.parameters, "X-Request-ID"],
    }
    if operation.body:
        described["requestBody"] = _body(operation.body)
    described["responses"] = {
        status: response.to_dict() if isinstance(response, Response) else response
        for status, response in sorted(operation.responses.items())
    }
    return described


def _retry(method: str, operation: Operation) -> str:
    """Return the operation's `x-retry`, which _ABOUT explains."""
    if method == "GET" or operation.idempotent:
        return "safe"
    return "same-key" if "Idempotency-Key" in operation.parameters else "never"


def _body(body: RequestBody) -> dict[str, Any]:
    examples = {
        name: {"summary": summary, "value": value}
        for name in body.examples
        for summary, value in [REQUEST_EXAMPLES[name]]
    }
    content = {JSON: {"schema": ref("schemas", body.schema), "examples": examples}}
    return {"required": body.required, "content": content}

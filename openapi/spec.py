"""Describes an operation (OpenAPI's word for one method of one path) at its view."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from openapi import headers
from videsk.client import FORWARDED_HEADERS

JSON = "application/json"

V = TypeVar("V", bound=Callable[..., Any])


def ref(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


class Response(NamedTuple):
    """`schema`: a component's name, or a JSON Schema, which is empty for content that is not
    described; None for no body. `examples`: names of components. `headers`: names of header
    components, beside those of every response.
    """

    description: str
    schema: str | dict[str, Any] | None = None
    examples: tuple[str, ...] = ()
    headers: tuple[str, ...] = ("NoStore",)
    media: tuple[str, ...] = (JSON,)

    def to_dict(self) -> dict[str, Any]:
        """Return OpenAPI's Response Object."""
        names = (*headers.ALL, *self.headers)
        response: dict[str, Any] = {
            "description": self.description,
            "headers": {headers.name_of(name): ref("headers", name) for name in names},
        }
        if self.schema is not None:
            named = isinstance(self.schema, str)
            schema = ref("schemas", str(self.schema)) if named else self.schema
            content: dict[str, Any] = {"schema": schema} if schema else {}
            if self.examples:
                content["examples"] = {name: ref("examples", name) for name in self.examples}
            response["content"] = dict.fromkeys(self.media, content)
        return response


Responses = dict[str, Response | str]
"""By status: a response, or the name of one of RESPONSES in openapi/components.py."""


class RequestBody(NamedTuple):
    """`schema`: a component's name. `examples`: names of REQUEST_EXAMPLES."""

    schema: str
    examples: tuple[str, ...]
    required: bool = True


class Operation(NamedTuple):
    """`parameters`: names of components, X-Request-ID aside. `security`: a security scheme; None
    for a public operation. `idempotent`: a POST that may be repeated.
    """

    id: str
    tag: str
    responses: Responses
    parameters: tuple[str, ...] = ()
    body: RequestBody | None = None
    security: str | None = None
    idempotent: bool = False


def describe(operation: Operation) -> Callable[[V], V]:
    """Return a decorator that attaches the operation to its view.

    The first line of the view's docstring is the operation's summary, and the rest its description.
    """

    def attach(view: V) -> V:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return attach


def success(description: str, schema: str | dict[str, Any], *examples: str) -> Response:
    return Response(description, schema, examples)


def written(description: str, schema: str, example: str) -> Response:
    """A write's success."""
    return Response(description, schema, (example,), ("NoStore", "Idempotency-Replayed"))


def cached(
    description: str,
    schema: str | dict[str, Any],
    *examples: str,
    cache_control: str = "NoCache",
    etag: str = "ETag",
) -> Response:
    """A cached read's success."""
    return Response(
        description, schema, examples, (cache_control, etag, "Content-Encoding", "Cache-Status")
    )


def error(description: str, *examples: str, headers: tuple[str, ...] = ()) -> Response:
    """An error of the proxy alone."""
    return Response(description, "ErrorBody", examples, ("NoStore", "X-Error-Source", *headers))


def read_error(description: str, *examples: str) -> Response:
    """An error of a read, the proxy's or Videsk's."""
    return error(description, *examples, headers=("Cache-Status-of-error", *FORWARDED_HEADERS))


def write_error(description: str, *examples: str, link: bool = False) -> Response:
    """An error of a write, the proxy's or Videsk's. `link`: it carries the Link header."""
    carries = ("Link",) if link else ()
    return error(
        description, *examples, headers=(*carries, "Idempotency-Replayed", *FORWARDED_HEADERS)
    )


def secret_errors(setting: str) -> Responses:
    """The errors, except the 401, of a route that the secret in this setting opens."""
    return PROXY_ERRORS | {
        "404": error(f"The path does not exist without the setting {setting}.", "notFound"),
        "429": error(
            "This address has sent too many wrong secrets.",
            "tooManyGuesses",
            headers=("Retry-After",),
        ),
    }


PROXY_ERRORS: Responses = {"431": "HeaderFieldsTooLarge", "500": "InternalError"}
API_ERRORS: Responses = PROXY_ERRORS | {"429": "TooManyRequests"}
READ_ERRORS: Responses = PROXY_ERRORS | {
    "403": "ReadAccessDenied",
    "429": "ReadTooManyRequests",
    "500": "ReadInternalError",
    "502": "ReadBadGateway",
    "503": "ReadUnavailable",
    "504": "ReadTimeout",
    "default": "ReadOther",
}
KEY_READ_ERRORS: Responses = READ_ERRORS | {"401": "ReadKeyRejected"}
"""Of a read with the API key."""
WRITE_ERRORS: Responses = PROXY_ERRORS | {
    "403": "WriteAccessDenied",
    "408": "BodyTimeout",
    "413": "BodyTooLarge",
    "415": "UnsupportedMediaType",
    "422": "IdempotencyKeyReused",
    "429": "WriteTooManyRequests",
    "500": "WriteInternalError",
    "502": "WriteBadGateway",
    "503": "WriteUnavailable",
    "504": "WriteTimeout",
    "default": "WriteOther",
}
BODY_ERRORS = ("bodyNotJson", "bodyNotObject", "fieldUnknown", "idempotencyKeyMalformed")
"""Examples of a write's 400."""

INSTANTS = {"type": "array", "items": {"type": "string", "format": "date-time"}}

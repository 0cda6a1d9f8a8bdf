"""The answers: what each means, looks like and carries. Those of several routes are components."""

from typing import Any, NamedTuple

from openapi import headers
from openapi.errors import REFUSALS
from openapi.examples import ANSWERS

JSON = "application/json"


def ref(kind: str, name: str) -> dict[str, Any]:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


class Answer(NamedTuple):
    """One answer. `schema`: a component's name, or a JSON Schema; None: no body. `carries`: the
    header components beside those of every answer.
    """

    description: str
    schema: str | dict[str, Any] | None
    examples: tuple[str, ...]
    carries: tuple[str, ...] = ("NoStore",)
    media: str = JSON

    def described(self) -> dict[str, Any]:
        """As OpenAPI writes it."""
        names = (*headers.ALL, *self.carries)
        answer: dict[str, Any] = {
            "description": self.description,
            "headers": {headers.name_of(name): ref("headers", name) for name in names},
        }
        if self.schema is not None:
            named = isinstance(self.schema, str)
            content = {"schema": ref("schemas", str(self.schema)) if named else self.schema}
            if self.examples:
                content["examples"] = {name: ref("examples", name) for name in self.examples}
            answer["content"] = {self.media: content}
        return answer


def success(
    description: str, schema: str | dict[str, Any], *examples: str, carries: tuple[str, ...] = ()
) -> Answer:
    return Answer(description, schema, examples, ("NoStore", *carries))


def cached_response(
    description: str,
    schema: str | dict[str, Any],
    *examples: str,
    kept: str = "AlwaysAsk",
    etag: str = "ETag",
) -> Answer:
    """An answer that is remembered here, and may be kept by browsers."""
    carries = (kept, etag, "Content-Encoding", "Cache-Status")
    return Answer(description, schema, examples, carries)


def _not_modified(kept: str) -> Answer:
    return Answer("Unchanged since that ETag.", None, (), (kept, "ETag", "Cache-Status"))


def error(description: str, *examples: str, carries: tuple[str, ...] = ()) -> Answer:
    """An error of ours alone."""
    return Answer(description, "Error", examples, ("NoStore", "X-Error-Source", *carries))


def read_error(description: str, *examples: str) -> Answer:
    """An error of a read, ours or Videsk's."""
    return error(description, *examples, carries=("Cache-Status-of-error", *headers.OF_VIDESK))


def write_error(description: str, *examples: str, carries: tuple[str, ...] = ()) -> Answer:
    """An error of a write, ours or Videsk's."""
    carries = (*carries, "Idempotency-Replayed", *headers.OF_VIDESK)
    return error(description, *examples, carries=carries)


_KEY = ("jwtMalformed", "signatureInvalid", "jwtUnreadable", "jwtExpired")
_TOKEN = ("tokenMissing", "tokenDead", *_KEY)
_DENIED = ("accessDenied", "keyRemoved")
_KEY_REFUSED = "Videsk refuses the proxy's key."
_TOKEN_REFUSED = "There is no token, or Videsk refuses it."  # noqa: S105 - no password
_ACCESS_DENIED = "Videsk refuses this to the key."
_TOO_MANY = "This client calls too often; or, of Videsk's, the whole account."
_FAULT = "A fault of the proxy; or, of Videsk's, its own."
_BAD_GATEWAY = "Videsk is not reachable, or its answer is no sound JSON."
_UNAVAILABLE = "Videsk is failing, or too many ask it."
_TIMEOUT = "Videsk is too slow."
_IN_DOUBT = " With `outcomeUnknown` it may have been done all the same."
_OTHER = "Any other error of Videsk, as it came."

SHARED = {
    "NotModified": _not_modified("AlwaysAsk"),
    "NotModifiedBriefly": _not_modified("Briefly"),
    "NotFound": error("There is no such path.", "notFound"),
    "MethodNotAllowed": error(
        "The path has other methods.", "methodNotAllowed", carries=("Allow",)
    ),
    "BodyLate": error("The body did not arrive within 10 seconds.", "bodyLate"),
    "BodyTooLarge": error("The body is too large, with or without a length.", "bodyTooLarge"),
    "NotJson": error("The body is not `application/json`.", "notJson"),
    "TooManyRequests": error(_TOO_MANY, "tooMany", carries=("Retry-After",)),
    "Fault": error("A fault of the proxy.", "fault"),
    "ReadKeyRefused": read_error(_KEY_REFUSED, *_KEY),
    "ReadTokenRefused": read_error(_TOKEN_REFUSED, *_TOKEN),
    "ReadAccessDenied": read_error(_ACCESS_DENIED, *_DENIED),
    "ReadTooManyRequests": read_error(_TOO_MANY, "tooMany"),
    "ReadFault": read_error(_FAULT, "fault"),
    "ReadBadGateway": read_error(
        _BAD_GATEWAY, "videskUnreachable", "videskBroken", "videskUnsound"
    ),
    "ReadUnavailable": read_error(_UNAVAILABLE, "videskBusy", "videskClosed"),
    "ReadTimeout": read_error(_TIMEOUT, "videskSlow"),
    "ReadOther": read_error(_OTHER),
    "WriteKeyRefused": write_error(_KEY_REFUSED, *_KEY),
    "WriteTokenRefused": write_error(_TOKEN_REFUSED, *_TOKEN),
    "WriteAccessDenied": write_error(_ACCESS_DENIED, *_DENIED),
    "WriteTooManyRequests": write_error(_TOO_MANY, "tooMany"),
    "WriteFault": write_error(_FAULT, "fault"),
    "WriteBadGateway": write_error(
        _BAD_GATEWAY + _IN_DOUBT, "videskUnreachable", "brokenInDoubt", "unsoundInDoubt"
    ),
    "WriteUnavailable": write_error(_UNAVAILABLE, "videskBusy", "videskClosed"),
    "BookingUnavailable": write_error(
        "Videsk is failing, or too many ask it; or the captcha's provider does not answer.",
        "videskBusy",
        "videskClosed",
        "captchaUnavailable",
    ),
    "WriteTimeout": write_error(_TIMEOUT + _IN_DOUBT, "slowInDoubt"),
    "WriteOther": write_error(_OTHER),
    "IdempotencyKeyUsed": write_error(
        "The `Idempotency-Key` was another request's.", "idempotencyKeyUsed"
    ),
    "BookingUnprocessable": write_error(
        "The captcha was not confirmed, or the `Idempotency-Key` was another request's.",
        "captchaRefused",
        "idempotencyKeyUsed",
    ),
}
"""The answers that are components, by name."""

EXAMPLES = {
    name: {"summary": refusal.summary, "value": refusal.body()}
    for name, refusal in REFUSALS.items()
} | {name: {"summary": summary, "value": value} for name, (summary, value) in ANSWERS.items()}
"""The examples that are components, by name."""

"""What an operation is, and the answers that many of them have."""

from typing import NamedTuple

from openapi.responses import Answer

Answers = dict[str, Answer | str]
"""By status, an answer or the name of one of openapi/responses.py's components."""


class Body(NamedTuple):
    """The body of a request. `schema`: a component's name. `examples`: names of REQUESTS."""

    schema: str
    examples: tuple[str, ...]
    required: bool = True


class Operation(NamedTuple):
    """One method of one path. `takes`: parameter components beside X-Request-ID. `opened_by`: a
    security scheme.
    """

    id: str
    tag: str
    answers: Answers
    takes: tuple[str, ...] = ()
    body: Body | None = None
    opened_by: str | None = None


OURS: Answers = {"500": "Fault"}
OURS_OF_API: Answers = OURS | {"429": "TooManyRequests"}

READ: Answers = {
    "403": "ReadAccessDenied",
    "429": "ReadTooManyRequests",
    "500": "ReadFault",
    "502": "ReadBadGateway",
    "503": "ReadUnavailable",
    "504": "ReadTimeout",
    "default": "ReadOther",
}
"""Of what asks Videsk, and changes nothing."""

KEY_READ: Answers = READ | {"401": "ReadKeyRefused"}
"""With the secret key, and remembered."""

WRITE: Answers = {
    "403": "WriteAccessDenied",
    "408": "BodyLate",
    "413": "BodyTooLarge",
    "415": "NotJson",
    "422": "IdempotencyKeyUsed",
    "429": "WriteTooManyRequests",
    "500": "WriteFault",
    "502": "WriteBadGateway",
    "503": "WriteUnavailable",
    "504": "WriteTimeout",
    "default": "WriteOther",
}

BODY_WRONG = ("bodyNotJson", "bodyNoObject", "fieldUnknown", "idempotencyKeyMalformed")

INSTANTS = {"type": "array", "items": {"type": "string", "format": "date-time"}}

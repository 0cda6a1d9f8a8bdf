"""Errors of Videsk. blueprints/errors.py renders them.

VideskError
├── VideskResponseError             Videsk's 4xx or 5xx with a JSON body, forwarded unchanged
└── VideskFailedError               no response that can be forwarded
    ├── VideskUnreachableError      502: no connection; nothing was sent
    ├── VideskBrokenError           502: the connection broke before the response was complete
    ├── VideskInvalidResponseError  502: the response is not valid JSON, or contains the API key
    ├── VideskTimeoutError          504: no complete response in time
    └── VideskRateLimitError        503: no slot in the rate limit; nothing was sent
        ├── VideskCircuitOpenError  503: the circuit is open; nothing was sent
        └── VideskNoSocketError     503: this machine has no socket left; nothing was sent
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

OUTCOME_UNKNOWN = "outcomeUnknown"
_CHECK_EMAIL = (
    "The request may still have succeeded. Check for an e-mail from Videsk before trying again."
)


class VideskError(Exception):
    """A request to Videsk has failed."""


@dataclass
class VideskResponseError(VideskError):
    """Videsk's own error response. `headers`: those to forward."""

    status: int
    body: bytes
    content_type: str | None
    headers: Mapping[str, str]


class VideskFailedError(VideskError):
    """Videsk did not respond, or not with valid JSON.

    `outcome_unknown`: a write may have happened, or may still happen. `retry_after`: seconds.
    """

    status = 502
    message = "The request to Videsk failed."

    def __init__(self, *, outcome_unknown: bool = False, retry_after: int | None = None) -> None:
        if outcome_unknown:
            self.message = f"{self.message} {_CHECK_EMAIL}"
        super().__init__(self.message)
        self.data = OUTCOME_UNKNOWN if outcome_unknown else None
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after


class VideskUnreachableError(VideskFailedError):
    message = "Videsk could not be reached, so the request was not sent. Try again in a moment."


class VideskBrokenError(VideskFailedError):
    message = "The connection to Videsk was lost before the response was complete."


class VideskInvalidResponseError(VideskFailedError):
    message = "Videsk sent a response that is not valid JSON."


class VideskTimeoutError(VideskFailedError):
    status = 504
    message = "Videsk did not respond in time."


class VideskRateLimitError(VideskFailedError):
    status = 503
    message = (
        "The Videsk rate limit is exhausted, so the request was not sent. "
        "Wait for the time in Retry-After, then try again."
    )

    def __init__(self, seconds: float) -> None:
        super().__init__(retry_after=max(1, math.ceil(seconds)))


class VideskCircuitOpenError(VideskRateLimitError):
    message = (
        "Videsk is failing, so the request was not sent. "
        "Wait for the time in Retry-After, then try again."
    )


class VideskNoSocketError(VideskRateLimitError):
    """A limit of this machine. The circuit breaker does not count it as a failure."""

    message = (
        "The proxy has no socket left for a connection to Videsk, so the request was not sent. "
        "Wait for the time in Retry-After, then try again. If this persists, raise the "
        "proxy's limit on open files."
    )


_WITHOUT_ANSWER: dict[str, type[VideskFailedError]] = {
    kind.__name__: kind
    for kind in (
        VideskUnreachableError,
        VideskBrokenError,
        VideskInvalidResponseError,
        VideskTimeoutError,
    )
}
_WITH_RETRY_AFTER: dict[str, type[VideskRateLimitError]] = {
    kind.__name__: kind
    for kind in (VideskRateLimitError, VideskCircuitOpenError, VideskNoSocketError)
}


class VideskErrors:
    """Serializes the error of one process's fetch for the followers in other processes."""

    @staticmethod
    def dumps(error: Exception) -> bytes:
        """Serialize. Any error that is not a VideskError becomes a VideskBrokenError."""
        if isinstance(error, VideskResponseError):
            fields = vars(error) | {"body": error.body.decode(), "headers": dict(error.headers)}
            return json.dumps({"refused": fields}).encode()
        name, seconds = type(error).__name__, getattr(error, "retry_after", None)
        return json.dumps({"name": name, "seconds": seconds}).encode()

    @staticmethod
    def loads(data: bytes) -> VideskError:
        known = json.loads(data)
        if "refused" in known:
            fields = known["refused"]
            return VideskResponseError(**fields | {"body": fields["body"].encode()})
        if known["seconds"] is not None:
            return _WITH_RETRY_AFTER.get(known["name"], VideskRateLimitError)(known["seconds"])
        return _WITHOUT_ANSWER.get(known["name"], VideskBrokenError)()

"""Everything that can come of asking Videsk, drawn as a tree and rendered in blueprints/errors.py.

VideskError
├── VideskRefusedError        its own 4xx or 5xx with a JSON body: passed on as it came
└── VideskFailedError         nothing that could be passed on
    ├── VideskUnreachableError    502: no connection, so nothing was sent
    ├── VideskBrokenError         502: the connection broke before the whole answer was here
    ├── VideskUnsoundError        502: the answer is not sound JSON, or holds our key
    └── VideskTimeoutError        504: no whole answer in time
"""

from collections.abc import Mapping
from dataclasses import dataclass


class VideskError(Exception):
    """No answer to a request that could be used."""


@dataclass
class VideskRefusedError(VideskError):
    """Videsk's own error: status, body, content type as they came, and the headers to pass on."""

    status: int
    body: bytes
    content_type: str | None
    headers: Mapping[str, str]


class VideskFailedError(VideskError):
    """Videsk did not answer, or not in JSON.

    `outcome_unknown`: a write may have happened, or may happen yet.
    """

    status = 502
    message = "Videsk could not be used."

    def __init__(self, *, outcome_unknown: bool = False) -> None:
        super().__init__(self.message)
        self.outcome_unknown = outcome_unknown


class VideskUnreachableError(VideskFailedError):
    message = "Videsk could not be reached, so nothing was sent to it. Try again in a moment."


class VideskBrokenError(VideskFailedError):
    message = "The connection to Videsk broke before its answer was complete."


class VideskUnsoundError(VideskFailedError):
    message = "Videsk answered something that is not sound JSON."


class VideskTimeoutError(VideskFailedError):
    status = 504
    message = "Videsk did not answer in time."

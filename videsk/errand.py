"""What asking Videsk has cost the request at hand, for whom and under which ids it is asked."""

from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Errand:
    """One request of a client's: how often Videsk was asked for it, and for how long in all.

    `client`: whose turn it takes, as a network address; never logged.
    """

    request_id: str
    traceparent: str | None = None
    tracestate: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    client: str = field(default="", repr=False)


ERRAND: ContextVar[Errand | None] = ContextVar("errand", default=None)


def client_at_hand() -> str:
    """Whose turn a read takes; empty behind the scenes, which has turns of its own."""
    errand = ERRAND.get()
    return errand.client if errand else ""

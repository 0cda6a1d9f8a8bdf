"""What a host's probes ask: does the process serve, and what does it know of its neighbours?"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

import strict_json
from redis_link import RedisLink
from videsk.gate import Gate
from videsk.key_state import KeyState
from web import answers

STOPPING = "STOPPING"
"""The app's config: a function that tells whether this worker is about to stop."""


def make_blueprint(
    key_state: KeyState, gate: Gate, link: RedisLink | None, config: Mapping[str, Any]
) -> Blueprint:
    """The routes `/healthz`, which touches nothing else, and `/readyz`: neither asks Videsk."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """Tell that the process serves."""
        return answers.fresh(b'{"status":"ok"}')

    @blueprint.get("/readyz")
    def readyz() -> Response:
        """Tell what is known of Redis and Videsk: 503 while stopping, or with a key refused.

        A Redis or a Videsk that is away is everybody's: taking instances out would not help.
        """
        stopping = config.get(STOPPING, bool)()
        redis = "none" if link is None else "away" if link.away else "ok"
        state = gate.look()
        refused = key_state.is_refused()
        well = redis != "away" and state["circuit"] == "closed"
        known = {
            "status": "ok" if well else "degraded",
            "redis": redis,
            "videsk": {"key": "refused" if refused else "accepted", **state},
        }
        ready = not stopping and not refused
        return answers.fresh(strict_json.dumps(known), 200 if ready else 503)

    return blueprint

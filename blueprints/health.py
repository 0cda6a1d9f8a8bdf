"""What a host's probes ask: does the process serve, and what does it know of its neighbours?"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from common import strict_json
from common.resilient_redis import ResilientRedis
from videsk.api_key_status import ApiKeyStatus
from videsk.throttle.throttle import UpstreamThrottle
from web import responses

STOPPING = "STOPPING"
"""The app's config: a function that tells whether this worker is about to stop."""


def make_blueprint(
    api_key_status: ApiKeyStatus,
    throttle: UpstreamThrottle,
    redis: ResilientRedis | None,
    config: Mapping[str, Any],
) -> Blueprint:
    """The routes `/healthz`, which touches nothing else, and `/readyz`: neither asks Videsk."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """Tell that the process serves."""
        return responses.uncached_response(b'{"status":"ok"}')

    @blueprint.get("/readyz")
    def readyz() -> Response:
        """Tell what is known of Redis and Videsk: 503 while stopping, or with a key refused.

        A Redis or a Videsk that is away is everybody's: taking instances out would not help.
        """
        stopping = config.get(STOPPING, bool)()
        redis_state = "none" if redis is None else "away" if redis.unavailable else "ok"
        state = throttle.snapshot()
        refused = api_key_status.is_rejected()
        well = redis_state != "away" and state["circuit"] == "closed"
        known = {
            "status": "ok" if well else "degraded",
            "redis": redis_state,
            "videsk": {"key": "refused" if refused else "accepted", **state},
        }
        ready = not stopping and not refused
        return responses.uncached_response(strict_json.dumps(known), 200 if ready else 503)

    return blueprint

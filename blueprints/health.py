"""Health checks: /healthz (liveness) and /readyz (readiness). Neither sends Videsk a request."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from common import strict_json
from common.resilient_redis import ResilientRedis
from openapi import spec
from videsk.api_key_status import ApiKeyStatus
from videsk.throttle.throttle import UpstreamThrottle
from web import responses

STOPPING = "STOPPING"
"""The name in app.config of a function that returns whether this worker is stopping."""

_HEALTH = spec.Operation(
    "getHealth",
    "operations",
    spec.PROXY_ERRORS | {"200": spec.success("The process serves requests.", "Health", "healthy")},
)
_READINESS = spec.Operation(
    "getReadiness",
    "operations",
    spec.PROXY_ERRORS
    | {
        "200": spec.success("The instance can receive requests.", "Readiness", "ready", "degraded"),
        "503": spec.success(
            "The instance is stopping, or Videsk rejects the API key.", "Readiness", "keyRejected"
        ),
    },
)


def make_blueprint(
    api_key_status: ApiKeyStatus,
    throttle: UpstreamThrottle,
    redis: ResilientRedis | None,
    config: Mapping[str, Any],
) -> Blueprint:
    """Return the routes `/healthz` and `/readyz`."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    @spec.describe(_HEALTH)
    def healthz() -> Response:
        """Report that the process serves requests.

        For liveness probes: uses neither Redis nor Videsk.
        """
        return responses.uncached_response(b'{"status":"ok"}')

    @blueprint.get("/readyz")
    @spec.describe(_READINESS)
    def readyz() -> Response:
        """Report the state of Redis and Videsk; a 503 while stopping or if the key is rejected.

        For readiness probes. Redis and Videsk are shared by all instances: if one of them fails,
        taking instances out of service would not help.
        """
        stopping = config.get(STOPPING, bool)()
        redis_state = "none" if redis is None else "away" if redis.unavailable else "ok"
        state = throttle.snapshot()
        rejected = api_key_status.is_rejected()
        ready = not stopping and not rejected
        healthy = ready and redis_state != "away" and state["circuit"] == "closed"
        body = {
            "status": "ok" if healthy else "degraded",
            "redis": redis_state,
            "videsk": {"key": "refused" if rejected else "accepted", **state},
        }
        return responses.uncached_response(strict_json.dumps(body), 200 if ready else 503)

    return blueprint

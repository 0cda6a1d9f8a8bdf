"""The route `/metrics`, for Prometheus."""

from collections.abc import Callable

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from openapi import spec
from web import shared_secrets
from web.metrics import Metrics
from web.metrics_exposition import State, render

_METRICS = spec.Operation(
    "getMetrics",
    "operations",
    spec.secret_errors("METRICS_TOKEN")
    | {
        "200": spec.Response("Prometheus' text format.", {"type": "string"}, media=("text/plain",)),
        "401": spec.error("The token is missing or wrong.", "metricsTokenWrong"),
    },
    security="metricsToken",
)


def make_blueprint(
    metrics: Metrics,
    state: State,
    tokens: tuple[str, ...],
    limit_guesses: Callable[[Callable[[], Response]], Callable[[], Response]],
) -> Blueprint:
    """The route `/metrics`, open to the Bearer `tokens`; a 404 without any."""
    blueprint = Blueprint("prometheus", __name__)

    @blueprint.get("/metrics")
    @spec.describe(_METRICS)
    @limit_guesses
    def show() -> Response:
        """Serve the metrics to Prometheus.

        Counters are summed over the workers of this instance.
        """
        accepted = [f"Bearer {token}" for token in tokens]
        given = request.headers.get("Authorization", "")
        shared_secrets.check(given, accepted, shared_secrets.MetricsTokenError)
        return Response(render(metrics, state), content_type=CONTENT_TYPE_LATEST)

    return blueprint

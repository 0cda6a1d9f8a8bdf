"""What a host's probe asks."""

from flask import Blueprint, Response

from web import answers


def make_blueprint() -> Blueprint:
    """The route `/healthz`, which touches nothing else."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """Tell that the process serves."""
        return answers.fresh(b'{"status":"ok"}')

    return blueprint

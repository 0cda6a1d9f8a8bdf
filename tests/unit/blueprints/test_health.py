"""The responses of /healthz and /readyz."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

from blueprints import health
from blueprints.health import STOPPING
from tests.unit.blueprints.setup import client_with

BUDGET = {"limit": 20, "left": 7}


def served(
    *,
    rejected: bool = False,
    circuit: str = "closed",
    redis: Any = None,
    stopping: bool | None = None,
) -> FlaskClient:
    status: Any = SimpleNamespace(is_rejected=lambda: rejected)
    throttle: Any = SimpleNamespace(snapshot=lambda: {"circuit": circuit, "budget": BUDGET})
    config = {} if stopping is None else {STOPPING: lambda: stopping}
    return client_with(health.make_blueprint(status, throttle, redis, config))


REACHABLE, UNREACHABLE = SimpleNamespace(unavailable=False), SimpleNamespace(unavailable=True)


@pytest.mark.parametrize(
    ("state", "status", "word", "redis"),
    [
        ({}, 200, "ok", "none"),
        ({"redis": REACHABLE}, 200, "ok", "ok"),
        ({"redis": UNREACHABLE}, 200, "degraded", "away"),
        ({"circuit": "open"}, 200, "degraded", "none"),
        ({"rejected": True}, 503, "degraded", "none"),
        ({"stopping": False}, 200, "ok", "none"),
        ({"stopping": True}, 503, "degraded", "none"),
    ],
)
def test_an_instance_is_not_ready_only_with_a_rejected_key_or_during_a_stop(
    state: dict[str, Any], status: int, word: str, redis: str
) -> None:
    response = served(**state).get("/readyz")
    assert response.status_code == status
    assert response.json == {
        "status": word,
        "redis": redis,
        "videsk": {
            "key": "refused" if state.get("rejected") else "accepted",
            "circuit": state.get("circuit", "closed"),
            "budget": BUDGET,
        },
    }


def test_a_running_process_is_healthy_whatever_fails_upstream() -> None:
    client = served(rejected=True, circuit="open", redis=UNREACHABLE, stopping=True)
    response = client.get("/healthz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})

"""Which tokens authorize /metrics."""

import pytest

from blueprints import prometheus
from tests.unit.blueprints.setup import client_with
from web.metrics import Metrics
from web.metrics_exposition import State

STATE = State(lambda: {"circuit": "closed", "budget": {"limit": 20, "left": 7}}, lambda: False)


@pytest.mark.parametrize(
    ("tokens", "authorization", "status"),
    [
        (("right", "old"), "Bearer right", 200),
        (("right", "old"), "Bearer old", 200),
        (("right",), "Bearer wrong", 401),
        (("right",), "right", 401),
        (("right",), "", 401),
        ((), "Bearer right", 404),
        ((), "", 404),
    ],
)
def test_metrics_need_one_of_the_tokens(
    monkeypatch: pytest.MonkeyPatch, tokens: tuple[str, ...], authorization: str, status: int
) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    blueprint = prometheus.make_blueprint(Metrics(), STATE, tokens, lambda view: view)
    response = client_with(blueprint).get("/metrics", headers={"Authorization": authorization})
    assert response.status_code == status
    assert ("videsk_proxy_bookings_total" in response.text) is (status == 200)

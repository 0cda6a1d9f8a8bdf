"""What Videsk's webhook and a purge invalidate."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from blueprints import hooks
from tests.unit.blueprints.setup import ID, FakeScheduling, client_with

OTHER = "63bdbf3230013a2792550a1c"


def client_for(scheduling: Any, *secrets: str) -> FlaskClient:
    return client_with(hooks.make_blueprint(scheduling, secrets, lambda view: view))


@pytest.mark.parametrize(
    ("body", "service", "user"),
    [
        (b'{"service": "%b", "user": "%b"}' % (ID.encode(), OTHER.encode()), ID, OTHER),
        (b'{"service": "%b", "more": 1}' % ID.upper().encode(), ID, None),
        (b"{}", None, None),
        (b'{"service": "no id", "user": "%b"}' % OTHER.encode(), None, None),
        (b"not JSON", None, None),
        (b"", None, None),
    ],
)
def test_a_webhook_invalidates_its_service_and_user_or_else_everything(
    body: bytes, service: str | None, user: str | None
) -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling, "new", "old").post(
        "/hooks/videsk", data=body, headers={"X-Webhook-Secret": "old"}
    )
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers
    assert scheduling.calls == [("invalidate_availability", service, user)]


@pytest.mark.parametrize("body", [b"", b'{"service": "%b"}' % ID.encode(), b"not JSON"])
def test_a_purge_invalidates_everything_whatever_its_body(body: bytes) -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling, "new", "old").post(
        "/hooks/purge", data=body, headers={"X-Webhook-Secret": "old"}
    )
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers
    assert scheduling.calls == [("invalidate_everything",)]


@pytest.mark.parametrize("route", ["/hooks/videsk", "/hooks/purge"])
@pytest.mark.parametrize(
    ("secrets", "value", "status"),
    [(("right",), "wrong", 401), (("right",), "", 401), ((), "", 404)],
)
def test_without_the_secret_nothing_is_invalidated(
    secrets: tuple[str, ...], value: str, status: int, route: str
) -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling, *secrets).post(
        route, data=b"{}", headers={"X-Webhook-Secret": value}
    )
    assert response.status_code == status
    assert not scheduling.calls

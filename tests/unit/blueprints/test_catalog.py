"""The list of services, and forms."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from blueprints import catalog
from tests.unit.blueprints.setup import ID, FakeScheduling, client_with
from videsk.errors import VideskUnreachableError


def client_for(scheduling: Any) -> FlaskClient:
    return client_with(catalog.make_blueprint(scheduling))


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("/api/services", ("services",)),
        (f"/api/forms/{ID.upper()}", ("form", ID, "base")),
        (f"/api/forms/{ID}?version=contact&unknown=1", ("form", ID, "contact")),
    ],
)
def test_browsers_may_cache_reads_for_half_a_minute(path: str, call: tuple[str, ...]) -> None:
    scheduling = FakeScheduling()
    response = client_for(scheduling).get(path)
    assert (response.status_code, response.data) == (200, scheduling.body)
    assert response.headers["Cache-Control"] == "public, max-age=30"
    assert scheduling.calls == [call]


@pytest.mark.parametrize("path", ["/api/forms/x", f"/api/forms/{ID}?version=other"])
def test_an_invalid_id_or_version_is_rejected_without_a_request_to_videsk(path: str) -> None:
    scheduling = FakeScheduling()
    assert client_for(scheduling).get(path).status_code == 400
    assert not scheduling.calls


def test_a_failure_is_not_stored() -> None:
    response = client_for(FakeScheduling(error=VideskUnreachableError())).get("/api/services")
    assert (response.status_code, response.headers["Cache-Control"]) == (502, "no-store")

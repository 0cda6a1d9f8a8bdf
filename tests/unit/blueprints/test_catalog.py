"""The list of services, and forms."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from blueprints import catalog
from tests.unit.blueprints.setup import ID, FakeScheduling, client_with
from videsk.errors import VideskUnreachableError
from web.captcha import RequiredCaptcha


def client_for(scheduling: Any, captcha: RequiredCaptcha | None = None) -> FlaskClient:
    return client_with(catalog.make_blueprint(scheduling, captcha))


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


VIDESKS_CAPTCHA = {"siteKey": "theirs", "resource": "https://theirs.example", "provider": "theirs"}


@pytest.mark.parametrize("site_key", ["ours", None])
def test_a_form_names_the_captcha_that_the_proxy_verifies(site_key: str | None) -> None:
    scheduling = FakeScheduling(json.dumps({"form": [], **VIDESKS_CAPTCHA}).encode())
    response = client_for(scheduling, RequiredCaptcha("hcaptcha", site_key)).get(f"/api/forms/{ID}")
    assert response.get_json() == {
        "form": [],
        "provider": "hcaptcha",
        "resource": "https://js.hcaptcha.com/1/api.js",
        "captchaRequired": True,
    } | ({"siteKey": site_key} if site_key else {})
    assert response.headers["Cache-Control"] == "public, max-age=30"

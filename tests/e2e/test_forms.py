"""Forms: normalized, and cached like the list of services."""

import pytest

from tests.client import Client
from tests.e2e.test_videsk_errors import assert_own_error
from tests.processes import Sandbox

SEGMENT, UNKNOWN = "63bdbf49394aad976d4aa5aa", "63bdbf49394aad976d4aa5ab"
FORM = f"/api/forms/{SEGMENT}"
NAME = {
    "id": "60dbe3416af0be33b8b372b1",
    "type": "text",
    "name": "name",
    "label": "Nombre",
    "properties": {"required": True, "placeholder": "Ana Pérez", "maxlength": 50},
    "options": [],
    "hint": "",
}


def test_a_form_is_normalized_and_includes_its_captcha(proxy: Client, sandbox: Sandbox) -> None:
    response = proxy.get(FORM)
    assert response.status_code == 200
    assert list(response.json()) == ["form", "siteKey", "resource", "provider"]
    assert response.json()["form"][0] == NAME
    (entry,) = sandbox.request_log()
    assert (entry["path"], entry["query"]) == (
        f"/public/video-contact-center/forms/{SEGMENT}",
        "version=base",
    )


def test_the_two_versions_are_cached_separately(cached_proxy: Client, sandbox: Sandbox) -> None:
    base, contact = (
        cached_proxy.get(f"{FORM}?version={name}").json() for name in ("base", "contact")
    )
    assert len(base["form"]) > len(contact["form"]) > 0
    assert cached_proxy.get(FORM).json() == base
    assert len(sandbox.request_log()) == 2


def test_a_form_is_cached_like_the_services(cached_proxy: Client, sandbox: Sandbox) -> None:
    first, again = cached_proxy.get(FORM), cached_proxy.get(FORM.replace(SEGMENT, SEGMENT.upper()))
    assert first.headers["Cache-Status"] == "videsk-proxy; fwd=miss; stored"
    assert 250 < int(again.headers["Cache-Status"].removeprefix("videsk-proxy; hit; ttl=")) <= 300
    assert again.headers["Cache-Control"] == "public, max-age=30"
    repeated = cached_proxy.get(FORM, headers={"If-None-Match": first.headers["ETag"]})
    assert (repeated.status_code, repeated.content) == (304, b"")
    assert len(sandbox.request_log()) == 1


def test_an_unknown_form_is_videsks_404_each_time(proxy: Client, sandbox: Sandbox) -> None:
    for _ in range(2):
        response = proxy.get(f"/api/forms/{UNKNOWN}")
        assert response.status_code == 404
        assert response.json()["message"] == "Not form found in segment provided."
        assert response.headers["X-Error-Source"] == "videsk"
        assert response.headers["Cache-Control"] == "no-store"
    assert len(sandbox.request_log()) == 2


@pytest.mark.parametrize("body", [[], "form", 7, None])
def test_a_form_that_is_not_an_object_is_a_502(
    proxy: Client, sandbox: Sandbox, body: object
) -> None:
    sandbox.fault("status", path="/forms", status=200, body=body)
    assert_own_error(proxy.get(FORM), 502, "BadGateway")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/forms/base", "A valid segment id is required"),
        ("/api/forms/a%3fb", "A valid segment id is required"),
        (f"{FORM}?version=", '"version" must be base or contact'),
        (f"{FORM}?version=Base", '"version" must be base or contact'),
    ],
)
def test_invalid_form_requests_are_rejected_by_the_proxy(
    proxy: Client, sandbox: Sandbox, path: str, message: str
) -> None:
    body = assert_own_error(proxy.get(path), 400, "BadRequest")
    assert (body["message"], body["errors"]) == (message, {})
    assert sandbox.request_log() == []

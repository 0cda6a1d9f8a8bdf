"""How a captcha provider's response to a token is read."""

import logging
from typing import Any

import pytest
import requests

from web.captcha import (
    Captcha,
    CaptchaError,
    CaptchaMissingError,
    CaptchaRejectedError,
    CaptchaSecretError,
    CaptchaUnavailableError,
)

URL = "https://captcha.example/siteverify"


class Provider:
    """Replaces requests.Session.post."""

    def __init__(self, status: int, value: Any) -> None:
        self.status = status
        self.value = value
        self.requests: list[dict[str, Any]] = []

    def post(self, session: requests.Session, url: str, **options: Any) -> Any:
        self.requests.append({"url": url, "trust_env": session.trust_env, **options})
        if isinstance(self.value, Exception):
            raise self.value
        response = requests.Response()
        response.status_code = self.status
        response.json = lambda **_: self.value  # type: ignore[method-assign]
        return response


def check(monkeypatch: pytest.MonkeyPatch, value: Any, status: int = 200) -> Provider:
    provider = Provider(status, value)

    def post(session: requests.Session, url: str, **options: Any) -> Any:
        return provider.post(session, url, **options)

    monkeypatch.setattr(requests.Session, "post", post)
    Captcha(URL, "the-secret").check("a-token")
    return provider


def test_a_confirmed_token_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    (request,) = check(monkeypatch, {"success": True}).requests
    assert request["url"] == URL
    assert request["data"] == {"secret": "the-secret", "response": "a-token"}
    assert request["allow_redirects"] is request["trust_env"] is False


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_the_provider_is_not_called(token: str | None) -> None:
    with pytest.raises(CaptchaMissingError):
        Captcha("not a URL", "the-secret").check(token)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"success": False, "error-codes": ["timeout-or-duplicate"]}, "timeout-or-duplicate"),
        ({"success": False}, "invalid-input-response"),
        ({"success": False, "error-codes": [None, 7]}, "invalid-input-response"),
        ({"success": False, "error-codes": "text"}, "invalid-input-response"),
    ],
)
def test_a_rejected_token_is_reported_with_the_provider_s_code(
    monkeypatch: pytest.MonkeyPatch, value: Any, code: str
) -> None:
    with pytest.raises(CaptchaRejectedError) as raised:
        check(monkeypatch, value)
    assert raised.value.code == code


def test_a_token_that_cannot_be_sent_is_rejected() -> None:
    with pytest.raises(CaptchaRejectedError):
        Captcha("http://127.0.0.1:1", "the-secret").check("\ud800")


def test_a_rejected_secret_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CaptchaSecretError):
        check(monkeypatch, {"success": False, "error-codes": ["invalid-input-secret"]})
    assert caplog.records[-1].levelno == logging.ERROR
    assert "the-secret" not in caplog.text


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (requests.ConnectionError("refused"), 200),
        (requests.Timeout("late"), 200),
        ({"success": True}, 500),
        ({"success": True}, 302),
        ({"success": "true"}, 200),
        ({}, 200),
        ([True], 200),
    ],
)
def test_anything_else_means_that_the_provider_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, value: Any, status: int
) -> None:
    with pytest.raises(CaptchaUnavailableError):
        check(monkeypatch, value, status)


def test_every_error_has_its_own_label_in_the_metrics() -> None:
    kinds = CaptchaError.__subclasses__()
    assert {kind.reason for kind in kinds} == {
        "missing",
        "refused",
        "unavailable",
        "secret_refused",
    }

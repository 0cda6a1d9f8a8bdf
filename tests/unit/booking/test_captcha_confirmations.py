"""How long the confirmation of a captcha token is valid."""

import time
from typing import cast

import pytest
from werkzeug.exceptions import BadRequest

from booking import captcha_confirmations
from booking.captcha_confirmations import BookingCaptcha
from tests.timing import TIMING
from web.captcha import Captcha

BODY = {"token": "a-token"}


class Provider:
    """A captcha provider that confirms every token."""

    def __init__(self) -> None:
        self.checks: list[str | None] = []

    def check(self, token: str | None) -> None:
        self.checks.append(token)


def fail(captcha: BookingCaptcha) -> None:
    with pytest.raises(BadRequest), captcha.confirmed("/path", BODY):
        raise BadRequest


@TIMING
def test_a_retry_does_not_extend_a_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captcha_confirmations, "CONFIRMED_SECONDS", 1)
    provider = Provider()
    captcha = BookingCaptcha(cast("Captcha", provider), None, "")
    end = time.monotonic() + 1
    while time.monotonic() < end - 0.2:
        fail(captcha)
        time.sleep(0.05)
    assert provider.checks == ["a-token"]
    time.sleep(0.25)
    fail(captcha)
    assert provider.checks == ["a-token", "a-token"]

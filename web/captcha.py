"""People, not bots: a captcha token is checked with its provider before Videsk is asked.

For backend keys, of which Videsk itself demands no captcha. The secret goes to the provider alone.
"""

import logging
from dataclasses import dataclass
from typing import Any, ClassVar

import gevent
import requests

log = logging.getLogger("videsk_proxy.captcha")

VERIFY_URLS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "recaptcha": "https://www.google.com/recaptcha/api/siteverify",
}
VERIFY_SECONDS = 5
_OUR_FAULTS = {"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch"}


class CaptchaError(Exception):
    """The booking must not go on. `reason`: why, in one word for the metrics."""

    reason: ClassVar[str] = "unavailable"


class CaptchaMissingError(CaptchaError):
    """There is no token."""

    reason = "missing"


@dataclass
class CaptchaRefusedError(CaptchaError):
    """The provider does not confirm the token; `code` is its own word for why."""

    reason = "refused"
    code: str


class CaptchaUnavailableError(CaptchaError):
    """The provider does not answer."""


class CaptchaSecretError(CaptchaError):
    """The provider does not accept CAPTCHA_SECRET."""

    reason = "secret_refused"


@dataclass(frozen=True)
class Captcha:
    """One provider's check."""

    url: str
    secret: str

    def check(self, token: str | None) -> None:
        """Raises CaptchaError unless the provider confirms the token."""
        if not token:
            raise CaptchaMissingError
        verdict = self._ask(token)
        given = verdict.get("error-codes")
        codes = [code for code in given if isinstance(code, str)] if isinstance(given, list) else []
        codes = codes or ["invalid-input-response"]
        ours = sorted(_OUR_FAULTS & set(codes))
        if ours:
            log.error("the captcha provider refuses CAPTCHA_SECRET: %s", ours[0])
            raise CaptchaSecretError
        if verdict.get("success") is not True:
            raise CaptchaRefusedError(str(codes[0]))

    def _ask(self, token: str) -> dict[str, Any]:
        try:
            with gevent.Timeout(VERIFY_SECONDS), requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    self.url,
                    data={"secret": self.secret, "response": token},
                    timeout=VERIFY_SECONDS,
                    allow_redirects=False,
                )
                verdict = answer.json() if answer.status_code == 200 else None
        except (gevent.Timeout, requests.RequestException, RecursionError) as error:
            log.warning("the captcha provider does not answer: %s", type(error).__name__)
            raise CaptchaUnavailableError from error
        if not isinstance(verdict, dict) or not isinstance(verdict.get("success"), bool):
            log.warning("the captcha provider answers with status %d", answer.status_code)
            raise CaptchaUnavailableError
        return verdict

"""Verifies captcha tokens with their provider before a booking is sent to Videsk.

For backend keys, with which Videsk itself requires no captcha. To add a provider with
the same API, add it to VERIFY_URLS and SCRIPT_URLS.
"""

import logging
from dataclasses import dataclass
from typing import Any, ClassVar

import gevent
import requests

from common import strict_json

log = logging.getLogger("videsk_proxy.captcha")

VERIFY_URLS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "recaptcha": "https://www.google.com/recaptcha/api/siteverify",
}
SCRIPT_URLS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/api.js",
    "hcaptcha": "https://js.hcaptcha.com/1/api.js",
    "recaptcha": "https://www.google.com/recaptcha/api.js",
}
"""The scripts that show the captcha to the customer."""

VERIFY_SECONDS = 5
_SECRET_ERRORS = {"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch"}


class CaptchaError(Exception):
    """The booking must not be sent. `reason`: a label of the metrics."""

    reason: ClassVar[str] = "unavailable"
    status: ClassVar[int] = 503
    message: ClassVar[str] = (
        "The captcha cannot be verified right now, so nothing was booked. Try again soon."
    )
    errors: ClassVar[dict[str, list[str]] | None] = None

    @property
    def data(self) -> Any:
        """The `data` of the error body."""
        return None


class CaptchaMissingError(CaptchaError):
    """The token is missing."""

    reason = "missing"
    status = 400
    message = 'Please provide a valid "token", is mandatory.'  # Videsk's own
    errors: ClassVar = {"token": ["is required"]}


@dataclass
class CaptchaRejectedError(CaptchaError):
    """The provider rejects the token; `code` is its error code."""

    reason = "refused"
    status = 422
    message = "Your submit looks suspicious, not pass the captcha validation."  # Videsk's own
    code: str

    @property
    def data(self) -> Any:
        return {"extraData": self.code}


class CaptchaUnavailableError(CaptchaError):
    """The provider sends no valid response."""


class CaptchaSecretError(CaptchaError):
    """The provider rejects CAPTCHA_SECRET."""

    reason = "secret_refused"


REASONS = tuple(error.reason for error in CaptchaError.__subclasses__())


@dataclass(frozen=True)
class Captcha:
    """The verification API of one provider."""

    url: str
    secret: str

    def check(self, token: str | None) -> None:
        """Verify the token. Raises CaptchaError."""
        if not token:
            raise CaptchaMissingError
        result = self._verify(token)
        errors = result.get("error-codes")
        codes = errors if isinstance(errors, list) else []
        codes = [code for code in codes if isinstance(code, str)] or ["invalid-input-response"]
        secret_errors = sorted(_SECRET_ERRORS & set(codes))
        if secret_errors:
            log.error("the captcha provider rejects CAPTCHA_SECRET: %s", secret_errors[0])
            raise CaptchaSecretError
        if result.get("success") is not True:
            raise CaptchaRejectedError(str(codes[0]))

    def _verify(self, token: str) -> dict[str, Any]:
        try:
            with gevent.Timeout(VERIFY_SECONDS), requests.Session() as session:
                session.trust_env = False
                response = session.post(
                    self.url,
                    data={"secret": self.secret, "response": token},
                    timeout=VERIFY_SECONDS,
                    allow_redirects=False,
                )
                result = response.json() if response.status_code == 200 else None
        except UnicodeEncodeError as error:  # half of a surrogate pair: no provider issued that
            raise CaptchaRejectedError("invalid-input-response") from error
        except (gevent.Timeout, requests.RequestException, RecursionError) as error:
            log.warning("no response from the captcha provider: %s", type(error).__name__)
            raise CaptchaUnavailableError from error
        if not isinstance(result, dict) or not isinstance(result.get("success"), bool):
            log.warning(
                "invalid response from the captcha provider, status %d", response.status_code
            )
            raise CaptchaUnavailableError
        return result


@dataclass(frozen=True)
class RequiredCaptcha:
    """The captcha that a page has to show, because the proxy verifies its token."""

    provider: str
    site_key: str | None

    def add_to(self, form: bytes) -> bytes:
        """Return a form's JSON with this captcha in place of Videsk's own, whose tokens the proxy
        cannot verify. Without a site key, the page has to have one.
        """
        fields = strict_json.loads(form)
        fields.pop("siteKey", None)
        if self.site_key:
            fields["siteKey"] = self.site_key
        fields |= {
            "resource": SCRIPT_URLS[self.provider],
            "provider": self.provider,
            "captchaRequired": True,
        }
        return strict_json.dumps(fields)

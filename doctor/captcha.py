"""The captcha provider: reachable, and accepts CAPTCHA_SECRET."""

from collections.abc import Iterator

from doctor.findings import Finding, fail, ok
from doctor.http import OverdueError, deadline, explain
from settings import Settings
from web.captcha import (
    VERIFY_SECONDS,
    VERIFY_URLS,
    Captcha,
    CaptchaRejectedError,
    CaptchaSecretError,
    CaptchaUnavailableError,
)

_SUBJECT = "captcha"
_TOKEN = "videsk-proxy-doctor"  # noqa: S105 - not a token of the provider


def check(settings: Settings) -> Iterator[Finding]:
    """Verify a token that the provider has not issued. It rejects the token, or the secret."""
    if settings.captcha_provider and settings.captcha_secret:
        url = settings.captcha_verify_url or VERIFY_URLS[settings.captcha_provider]
        yield _verify(Captcha(url, settings.captcha_secret))


def _verify(captcha: Captcha) -> Finding:
    try:
        with deadline(VERIFY_SECONDS):
            captcha.check(_TOKEN)
    except CaptchaRejectedError:
        return ok(_SUBJECT, "the provider accepts CAPTCHA_SECRET")
    except CaptchaSecretError:
        return fail(_SUBJECT, "the provider rejects CAPTCHA_SECRET", "copy the secret again")
    except (CaptchaUnavailableError, OverdueError) as error:
        is_missing = isinstance(error, OverdueError) or error.__cause__
        reason = explain(error, VERIFY_SECONDS) if is_missing else "an unexpected response"
        step = "check CAPTCHA_VERIFY_URL, and the status of the provider"
        return fail(_SUBJECT, f"the provider: {reason}", step)
    text = "the provider accepts every token, as with its secrets for tests"
    return fail(_SUBJECT, text, "set CAPTCHA_SECRET to the secret of your site")

"""Settings that are valid but probably wrong. Reads the environment only."""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields
from difflib import get_close_matches

from doctor.findings import Finding, fail, ok, warn
from settings import NAMES, SECRET_NAMES, Settings
from settings.secret_files import file_setting

_KNOWN = {*NAMES, *map(file_setting, SECRET_NAMES)}
_OUR_PREFIXES = ("VIDESK_", "CAPTCHA_")
_SIMILARITY, _SLIGHT_SIMILARITY = 0.85, 0.6

_MIN_LENGTH = 16
_MIN_DIFFERENT = 6
"""The least length and number of different characters of a secret that clients could guess."""

_MIN_ISSUED_LENGTH = 8
"""The least length of a secret that Videsk or a captcha provider issues. Real ones are longer."""

_ROUTERS = {
    "DYNO": "Heroku",
    "FLY_APP_NAME": "Fly",
    "RENDER": "Render",
    "RAILWAY_ENVIRONMENT": "Railway",
    "K_SERVICE": "Cloud Run",
    "KUBERNETES_SERVICE_HOST": "Kubernetes",
}
"""Hosts that put a router in front of the proxy, by a variable that they set."""


def check(settings: Settings, environ: Mapping[str, str], named: Set[str]) -> Iterator[Finding]:
    """Yield the findings; `named`: the settings that the environment sets."""
    yield from _names(environ)
    yield from _quotes(settings)
    yield from _secrets(settings)
    yield _trusted_proxies(settings, environ, chosen="TRUSTED_PROXIES" in named)
    if settings.captcha_provider and settings.widget and not settings.captcha_site_key:
        text = "without CAPTCHA_SITE_KEY, it shows no captcha, and cannot book"
        step = "set it, or captcha-site-key in your pages; without the widget, set WIDGET=false"
        yield warn("booking widget", text, step)
    if settings.redis_url:
        yield _account(settings)


def _names(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Report variables whose names resemble a setting's."""
    for name in sorted(set(environ) - _KNOWN):
        ours = name.upper().startswith(_OUR_PREFIXES)
        similarity = _SLIGHT_SIMILARITY if ours else _SIMILARITY
        similar = get_close_matches(name.upper(), _KNOWN, 1, similarity)
        if similar:
            yield warn(name, "not a setting, and ignored", f"did you mean {similar[0]}?")
        elif ours:
            yield warn(name, "not a setting, and ignored", "see docs/configuration.md")


def _quotes(settings: Settings) -> Iterator[Finding]:
    for setting in fields(settings):
        value = getattr(settings, setting.name)
        texts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(text, str) and re.search(r"^[\"']|[\"']$", text) for text in texts):
            text = "begins or ends with a quotation mark, which is part of the value"
            yield fail(setting.name.upper(), text, "remove the quotation marks")


def _secrets(settings: Settings) -> Iterator[Finding]:
    for name, issued in (
        ("VIDESK_API_KEY", settings.videsk_api_key),
        ("CAPTCHA_SECRET", settings.captcha_secret),
    ):
        if issued and len(issued) < _MIN_ISSUED_LENGTH:
            yield fail(name, "too short to be complete", "copy it again")
    for name, secrets in (
        ("METRICS_TOKEN", settings.metrics_token),
        ("WEBHOOK_SECRET", settings.webhook_secret),
    ):
        if any(len(set(secret)) < _MIN_DIFFERENT for secret in secrets):
            yield fail(name, "easy to guess", "use the output of: openssl rand -hex 32")
        elif any(len(secret) < _MIN_LENGTH for secret in secrets):
            text = f"shorter than {_MIN_LENGTH} characters"
            yield warn(name, text, "use the output of: openssl rand -hex 32")


def _trusted_proxies(settings: Settings, environ: Mapping[str, str], *, chosen: bool) -> Finding:
    subject, number = "client addresses", settings.trusted_proxies
    routers = [host for variable, host in _ROUTERS.items() if variable in environ]
    step = "set TRUSTED_PROXIES, and test it as docs/deploy.md describes"
    if routers and not number:
        text = f"TRUSTED_PROXIES is 0, but {routers[0]} has a router: visitors share one address"
        return fail(subject, text, step)
    if not number and not chosen:
        text = "those of the connections: behind a router or nginx, visitors share one address"
        return warn(subject, text, f"{step}; if there is neither, set it to 0")
    if number:
        return ok(subject, f"entry {number} from the right of X-Forwarded-For")
    return ok(subject, "those of the connections (TRUSTED_PROXIES=0)")


def _account(settings: Settings) -> Finding:
    subject = "key rotation"
    if settings.videsk_account:
        return ok(subject, "data in Redis belongs to VIDESK_ACCOUNT and outlives the key")
    text = "data in Redis belongs to the key: with a new key, a retried booking may be repeated"
    return warn(
        subject, text, "set VIDESK_ACCOUNT, a name for the account, before you rotate the key"
    )

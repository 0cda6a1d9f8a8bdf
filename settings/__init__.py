"""The only reader of the environment. Every setting is typed, checked, and documented in README.md.

A wrong or missing setting stops the start with one line that names it and says what it must be;
the line never shows the value, which may be a secret. Secrets are left out of `repr`.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from redis.connection import parse_url

from common import secret_files
from common.origins import ANY, parse_origin
from web.referrers import MAX_CHARACTERS, Referrers

_YEAR_SECONDS = 365 * 24 * 60 * 60


class SettingsError(SystemExit):
    """A setting is wrong: Python prints the one line and exits with status 1."""

    def __init__(self, line: str) -> None:
        super().__init__(f"videsk-proxy cannot start: {line}")


@dataclass(frozen=True)
class Settings:
    """What the environment says, in the units that the names carry (`_ttl`, `_stale`: seconds)."""

    videsk_api_key: str = field(repr=False)
    videsk_account: str | None
    videsk_base_url: str
    videsk_rate_limit: int
    videsk_timeout: float
    redis_url: str | None = field(repr=False)
    redis_tls_verify: bool
    port: int
    web_concurrency: int
    cors_origins: tuple[str, ...]
    referrer_origins: tuple[str, ...]
    default_referrer: str | None
    trusted_proxies: int
    services_ttl: float
    services_stale: float
    dates_ttl: float
    dates_stale: float
    hours_ttl: float
    hours_stale: float
    client_rate_limit: str
    booking_rate_limit: str
    captcha_provider: str | None
    captcha_secret: str | None = field(repr=False)
    captcha_verify_url: str | None
    max_body_bytes: int
    log_level: str
    metrics_token: tuple[str, ...] = field(repr=False)
    webhook_secret: tuple[str, ...] = field(repr=False)

    @property
    def workers(self) -> int:
        """How many processes may serve: one, unless a Redis holds the cache for them all."""
        return self.web_concurrency if self.redis_url else 1


@cache
def from_environment() -> Settings:
    """Read the environment once. Raises SettingsError."""
    return load(os.environ)


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from names and texts; an empty text is no setting. Raises SettingsError."""
    given = {name: text.strip() for name, text in environ.items() if text.strip()}
    try:
        of_files = secret_files.read(given)
        given |= of_files
        values = _SCHEMA.load(_defaults(given) | given)
    except secret_files.SecretFileError as error:
        raise SettingsError(str(error)) from None
    except ValidationError as error:
        first = next(name for name in _FIELDS if name in error.messages_dict)
        if first in of_files:
            must = f"must be the path of a file that holds {_FIELDS[first].metadata['must']}"
            raise SettingsError(f"{secret_files.file_setting(first)} {must}") from None
        raise SettingsError(_line(first, missing=first not in given)) from None
    settings = Settings(**{name.lower(): value for name, value in values.items()})
    _check_together(settings)
    return settings


def named() -> frozenset[str]:
    """The settings that the environment names, itself or as a file; others have their defaults."""
    names = {name for name, text in os.environ.items() if text.strip()}
    return frozenset(
        name for name in _FIELDS if name in names or secret_files.file_setting(name) in names
    )


def _defaults(given: Mapping[str, str]) -> dict[str, str]:
    """Defaults that follow from other settings or from the host."""
    on_heroku = "DYNO" in given
    origins = given.get("CORS_ORIGINS")
    return {
        "REDIS_TLS_VERIFY": "false" if on_heroku else "true",
        "TRUSTED_PROXIES": "1" if on_heroku else "0",
        "WEB_CONCURRENCY": str(os.cpu_count() or 1) if "REDIS_URL" in given else "1",
    } | ({"REFERRER_ORIGINS": origins} if origins else {})


def _check_together(settings: Settings) -> None:
    """Rules over more than one setting. Raises SettingsError."""
    if settings.captcha_secret and not settings.captcha_provider:
        raise SettingsError(_line("CAPTCHA_PROVIDER", missing=True))
    if settings.captcha_provider and not settings.captcha_secret:
        raise SettingsError(_line("CAPTCHA_SECRET", missing=True))
    default = settings.default_referrer
    if default and Referrers(settings.referrer_origins, None).problem(default):
        raise SettingsError(_line("DEFAULT_REFERRER", missing=False))


def _line(name: str, *, missing: bool) -> str:
    must = _FIELDS[name].metadata["must"]
    return f"{name} is missing: it must be {must}" if missing else f"{name} must be {must}"


def _setting(must: str, loader: Callable[[str], Any], **kwargs: Any) -> fields.Function:
    """A setting read by `loader`, which raises ValueError for what is not as `must` says."""

    def deserialize(text: str) -> Any:
        try:
            return loader(text)
        except ValueError as error:
            raise ValidationError(must) from error

    return fields.Function(deserialize=deserialize, metadata={"must": must}, **kwargs)


def _text(must: str, pattern: str = r".+", **kwargs: Any) -> fields.Function:
    def load_text(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return _setting(must, load_text, **kwargs)


def _secrets() -> fields.Function:
    """A secret that strangers may try to guess; two values while it is rotated."""

    def load_secrets(text: str) -> tuple[str, ...]:
        values = tuple(value.strip() for value in text.split(","))
        if len(values) > 2 or not all(map(_SECRET.fullmatch, values)):
            raise ValueError
        return values

    return _setting(
        "at least 8 visible ASCII characters, or two such values separated by a comma",
        load_secrets,
        load_default=(),
    )


def _choice(*choices: str, load_default: str | None) -> fields.Function:
    def load_choice(text: str) -> str:
        return choices[choices.index(text.lower())]

    return _setting(
        ", ".join(choices[:-1]) + f" or {choices[-1]}", load_choice, load_default=load_default
    )


def _whole(least: int, most: int, **kwargs: Any) -> fields.Function:
    """A plain whole number, `1_000` and `+5` not among them."""

    def load_whole(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return _setting(f"a whole number from {least} to {most}", load_whole, **kwargs)


def _seconds(least: float, most: int, load_default: int) -> fields.Function:
    def load_seconds(text: str) -> float:
        if (
            not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", text)
            or not least <= float(text) <= most
        ):
            raise ValueError
        return float(text)

    must = f"a number of seconds from {least} to {most}"
    return _setting(must, load_seconds, load_default=float(load_default))


def _url(must: str, load_default: str | None) -> fields.Function:
    """An https URL without query; plain http only to this very machine."""

    def load_url(text: str) -> str:
        url = urlsplit(text)
        plain_and_remote = url.scheme == "http" and not _is_loopback(url.hostname or "")
        odd = url.username is not None or url.port == 0 or re.search(r"[\s\\?#]", text)
        if url.scheme not in {"https", "http"} or not url.hostname or plain_and_remote or odd:
            raise ValueError
        return text.rstrip("/")

    return _setting(must, load_url, load_default=load_default)


def _load_redis_url(text: str) -> str:
    options = parse_url(text)  # type: ignore[no-untyped-call]  # redis-py's
    odd = urlsplit(text).port == 0 or re.search(r"\s", text)
    if odd or not (options.get("host") or options.get("path")):
        raise ValueError
    return text


def _load_boolean(text: str) -> bool:
    return ("false", "true").index(text.lower()) == 1


def _load_origins(text: str) -> tuple[str, ...]:
    """Comma-separated exact origins, or `*` alone."""
    if text == ANY:
        return (ANY,)
    origins = [parse_origin(part.strip()) for part in text.split(",")]
    if not all(origins):
        raise ValueError
    return tuple(origin for origin in origins if origin)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_VISIBLE = r"[\x21-\x7e]+"
_SECRET = re.compile(r"[\x21-\x7e]{8,}")
_RATE = r"[1-9][0-9]{0,8}/(second|minute|hour|day)"
_RATE_MUST = "a number of requests per second, minute, hour or day, such as 600/minute"
_ORIGINS = "* or comma-separated origins, such as https://shop.example,http://localhost:3000"

_SCHEMA = Schema.from_dict(
    {
        "VIDESK_API_KEY": _text(
            "the secret key of your Videsk account, alone, without 'Bearer'",
            _VISIBLE,
            required=True,
        ),
        "VIDESK_ACCOUNT": _text(
            "a name for your Videsk account, of up to 100 characters",
            r".{1,100}",
            load_default=None,
        ),
        "VIDESK_BASE_URL": _url(
            "an https URL without a query (plain http only to a loopback host)",
            load_default="https://api.videsk.io",
        ),
        "VIDESK_RATE_LIMIT": _whole(1, 100_000, load_default=20),
        "VIDESK_TIMEOUT": _seconds(0.01, 3600, 10),
        "REDIS_URL": _setting(
            "a redis://, rediss:// or unix:// URL", _load_redis_url, load_default=None
        ),
        "REDIS_TLS_VERIFY": _setting("true or false", _load_boolean),
        "PORT": _whole(1, 65535, load_default=8000),
        "WEB_CONCURRENCY": _whole(1, 1000),
        "CORS_ORIGINS": _setting(_ORIGINS, _load_origins, load_default=()),
        "REFERRER_ORIGINS": _setting(_ORIGINS, _load_origins, load_default=()),
        "DEFAULT_REFERRER": _text(
            "a campaign's name, which does not start with a scheme such as campaign:, "
            f"or a URL of one of REFERRER_ORIGINS; at most {MAX_CHARACTERS} characters",
            load_default=None,
        ),
        "TRUSTED_PROXIES": _whole(0, 10),
        "SERVICES_TTL": _seconds(0, _YEAR_SECONDS, 300),
        "SERVICES_STALE": _seconds(0, _YEAR_SECONDS, 86400),
        "DATES_TTL": _seconds(0, _YEAR_SECONDS, 60),
        "DATES_STALE": _seconds(0, _YEAR_SECONDS, 600),
        "HOURS_TTL": _seconds(0, _YEAR_SECONDS, 5),
        "HOURS_STALE": _seconds(0, _YEAR_SECONDS, 30),
        "CLIENT_RATE_LIMIT": _text(_RATE_MUST, _RATE, load_default="600/minute"),
        "BOOKING_RATE_LIMIT": _text(_RATE_MUST, _RATE, load_default="10/minute"),
        "CAPTCHA_PROVIDER": _choice("turnstile", "hcaptcha", "recaptcha", load_default=None),
        "CAPTCHA_SECRET": _text("the provider's secret", _VISIBLE, load_default=None),
        "CAPTCHA_VERIFY_URL": _url(
            "an https URL without a query (plain http only to a loopback host)", load_default=None
        ),
        "MAX_BODY_BYTES": _whole(1, 100_000_000, load_default=65536),
        "LOG_LEVEL": _choice("debug", "info", "warning", "error", "critical", load_default="info"),
        "METRICS_TOKEN": _secrets(),
        "WEBHOOK_SECRET": _secrets(),
    }
)(unknown=EXCLUDE)
_FIELDS = _SCHEMA.fields

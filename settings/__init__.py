"""Typed and validated settings from the environment, documented in docs/configuration.md.

A wrong or missing setting stops the start with one line that names it and what it must be. The
line never shows the value, which may be a secret.
"""

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeVar

from common.cpu_limit import available_cpus
from settings import parsers, secret_files
from settings.parsers import Parser
from settings.parsers import SettingsError as SettingsError
from web.captcha import VERIFY_URLS
from web.referrers import MAX_CHARACTERS, Referrers

EXPORTER_PACKAGE = "opentelemetry.exporter.otlp.proto.http"

_TTL = parsers.seconds(0, 365 * 24 * 60 * 60)

T = TypeVar("T")


def _setting(parser: Parser[T], default: Any = MISSING, *, secret: bool = False) -> T:
    """Declare a setting. A secret is left out of `repr` and can be given as a file."""
    declared: T = field(default=default, repr=not secret, metadata={"parser": parser})
    return declared


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each setting under its environment variable's name in lower case. TTLs are in seconds."""

    videsk_api_key: str = _setting(
        parsers.text(
            "the secret key of your Videsk account, alone, without 'Bearer'", parsers.VISIBLE
        ),
        secret=True,
    )
    videsk_account: str | None = _setting(
        parsers.text("a name for your Videsk account, of up to 100 characters", r".{1,100}"), None
    )
    videsk_base_url: str = _setting(parsers.URL, "https://api.videsk.io")
    videsk_rate_limit: int = _setting(parsers.whole_number(1, 100_000), 20)
    videsk_timeout: float = _setting(parsers.seconds(0.01, 3600), 10.0)
    redis_url: str | None = _setting(parsers.REDIS_URL, None, secret=True)
    redis_tls_verify: bool = _setting(parsers.BOOLEAN)
    port: int = _setting(parsers.whole_number(1, 65535), 8000)
    web_concurrency: int = _setting(parsers.whole_number(1, 1000))
    cors_origins: tuple[str, ...] = _setting(parsers.ORIGINS, ())
    referrer_origins: tuple[str, ...] = _setting(parsers.ORIGINS, ())
    default_referrer: str | None = _setting(
        parsers.text(
            "a campaign's name, which does not start with a scheme such as campaign:, "
            f"or a URL of one of REFERRER_ORIGINS; at most {MAX_CHARACTERS} characters"
        ),
        None,
    )
    trusted_proxies: int = _setting(parsers.whole_number(0, 10))
    services_ttl: float = _setting(_TTL, 300.0)
    services_stale: float = _setting(_TTL, 86400.0)
    dates_ttl: float = _setting(_TTL, 60.0)
    dates_stale: float = _setting(_TTL, 600.0)
    hours_ttl: float = _setting(_TTL, 5.0)
    hours_stale: float = _setting(_TTL, 30.0)
    client_rate_limit: str = _setting(parsers.RATE, "600/minute")
    booking_rate_limit: str = _setting(parsers.RATE, "10/minute")
    captcha_provider: str | None = _setting(parsers.choice(*VERIFY_URLS), None)
    captcha_secret: str | None = _setting(
        parsers.text("the provider's secret", parsers.VISIBLE), None, secret=True
    )
    captcha_site_key: str | None = _setting(
        parsers.text("the site key that belongs to CAPTCHA_SECRET", parsers.VISIBLE), None
    )
    captcha_verify_url: str | None = _setting(parsers.URL, None)
    widget: bool = _setting(parsers.BOOLEAN, True)
    max_body_bytes: int = _setting(parsers.whole_number(1, 100_000_000), 65536)
    log_level: str = _setting(
        parsers.choice("debug", "info", "warning", "error", "critical"), "info"
    )
    metrics_token: tuple[str, ...] = _setting(parsers.SECRETS, (), secret=True)
    webhook_secret: tuple[str, ...] = _setting(parsers.SECRETS, (), secret=True)
    otel_exporter_otlp_endpoint: str | None = _setting(parsers.ANY_HTTP_URL, None)

    @property
    def workers(self) -> int:
        """The number of worker processes: one, unless they can share a cache in Redis."""
        return self.web_concurrency if self.redis_url else 1


_FIELDS = {setting.name.upper(): setting for setting in fields(Settings)}
NAMES = tuple(_FIELDS)
SECRET_NAMES = tuple(name for name, setting in _FIELDS.items() if not setting.repr)


@cache
def from_environment() -> Settings:
    """Read the environment once. Raises SettingsError."""
    return load(os.environ)


def load(environ: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; empty variables are ignored. Raises SettingsError."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    from_files = secret_files.read(given, SECRET_NAMES)
    given |= from_files
    texts = _default_texts(given) | given
    values = {}
    for name, setting in _FIELDS.items():
        if name in texts:
            try:
                values[setting.name] = setting.metadata["parser"].parse(texts[name])
            except ValueError:
                raise _invalid(name, in_file=name in from_files) from None
        elif setting.default is MISSING:
            raise _missing(name)
    settings = Settings(**values)
    _check_dependencies(settings)
    return settings


def names_in_environment() -> frozenset[str]:
    """Return the settings that the environment sets, directly or as a file."""
    variables = {name for name, value in os.environ.items() if value.strip()}
    return frozenset(name for name in NAMES if {name, secret_files.file_setting(name)} & variables)


def _default_texts(given: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults that follow from other settings or from the host."""
    on_heroku = "DYNO" in given
    origins = given.get("CORS_ORIGINS")
    return {
        "REDIS_TLS_VERIFY": "false" if on_heroku else "true",
        "TRUSTED_PROXIES": "1" if on_heroku else "0",
        "WEB_CONCURRENCY": str(available_cpus()) if "REDIS_URL" in given else "1",
    } | ({"REFERRER_ORIGINS": origins} if origins else {})


def _check_dependencies(settings: Settings) -> None:
    """Check rules over more than one setting. Raises SettingsError."""
    if (settings.captcha_secret or settings.captcha_site_key) and not settings.captcha_provider:
        raise _missing("CAPTCHA_PROVIDER")
    if settings.captcha_provider and not settings.captcha_secret:
        raise _missing("CAPTCHA_SECRET")
    default = settings.default_referrer
    if settings.otel_exporter_otlp_endpoint and not _is_installed(EXPORTER_PACKAGE):
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: "
            "install requirements-tracing.txt or unset it"
        )
    if default and Referrers(settings.referrer_origins, None).find_problem(default):
        raise _invalid("DEFAULT_REFERRER")


def _is_installed(package: str) -> bool:
    """Whether a package could be imported. Its modules are not."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even its parent package
        return False


def _missing(name: str) -> SettingsError:
    return SettingsError(f"{name} is missing: it must be {_must(name)}")


def _invalid(name: str, *, in_file: bool = False) -> SettingsError:
    if in_file:
        file_setting = secret_files.file_setting(name)
        return SettingsError(f"{file_setting} must be the path of a file that holds {_must(name)}")
    return SettingsError(f"{name} must be {_must(name)}")


def _must(name: str) -> str:
    parser: Parser[Any] = _FIELDS[name].metadata["parser"]
    return parser.must

"""Every setting: its default, valid values, and the error line for invalid ones."""

from dataclasses import fields

import pytest

from settings import Settings, SettingsError, load

KEY = "key-of-the-account"
REQUIRED = {"VIDESK_API_KEY": KEY}
SECRET_MARK = "hunter2"

DEFAULTS: dict[str, object] = {
    "VIDESK_API_KEY": KEY,
    "VIDESK_ACCOUNT": None,
    "VIDESK_BASE_URL": "https://api.videsk.io",
    "REDIS_URL": None,
    "REDIS_TLS_VERIFY": True,
    "PORT": 8000,
    "WEB_CONCURRENCY": 1,
    "CORS_ORIGINS": (),
    "TRUSTED_PROXIES": 0,
    "SERVICES_TTL": 300,
    "DATES_TTL": 60,
    "HOURS_TTL": 5,
    "SERVICES_STALE": 86400,
    "DATES_STALE": 600,
    "HOURS_STALE": 30,
    "VIDESK_RATE_LIMIT": 20,
    "VIDESK_TIMEOUT": 10,
    "CLIENT_RATE_LIMIT": "600/minute",
    "BOOKING_RATE_LIMIT": "10/minute",
    "REFERRER_ORIGINS": (),
    "DEFAULT_REFERRER": None,
    "CAPTCHA_PROVIDER": None,
    "CAPTCHA_SECRET": None,
    "CAPTCHA_SITE_KEY": None,
    "CAPTCHA_VERIFY_URL": None,
    "WIDGET": True,
    "MAX_BODY_BYTES": 65536,
    "LOG_LEVEL": "info",
    "METRICS_TOKEN": (),
    "WEBHOOK_SECRET": (),
    "OTEL_EXPORTER_OTLP_ENDPOINT": None,
}

BASE_URL = "an https URL without a query (plain http only to a loopback host)"
ORIGINS = "* or comma-separated origins, such as https://shop.example,http://localhost:3000"
RATE = "a number of requests per second, minute, hour or day, such as 600/minute"
SECONDS = "a number of seconds from 0 to 31536000"

INVALID_URLS = (
    SECRET_MARK,
    f"{SECRET_MARK}.example",
    f"http://{SECRET_MARK}.example",
    f"http://127.0.0.1.{SECRET_MARK}.example",
    f"http://localhost.{SECRET_MARK}.example",
    f"http://localhost@{SECRET_MARK}.example",
    f"ftp://{SECRET_MARK}.example",
    f"https:{SECRET_MARK}.example",
    f"https:///{SECRET_MARK}",
    f"https://user:{SECRET_MARK}@videsk.example",
    f"https://videsk.example?key={SECRET_MARK}",
    f"https://videsk.example/#{SECRET_MARK}",
    f"https://videsk.example/{SECRET_MARK}?",
    f"https://videsk.example\\{SECRET_MARK}",
    f"https://videsk.example/a {SECRET_MARK}",
    f"https://videsk.example/a\n{SECRET_MARK}",
    f"https://videsk.example:{SECRET_MARK}",
    f"https://videsk.example:99999/{SECRET_MARK}",
    f"https://[::1/{SECRET_MARK}",
)
INVALID_ORIGINS = (
    SECRET_MARK,
    "null",
    f"https://{SECRET_MARK}.example/",
    f"https://{SECRET_MARK}.example/page",
    f"https://*.{SECRET_MARK}.example",
    f"https://.*.{SECRET_MARK}.example",
    f"https://user@{SECRET_MARK}.example",
    f"https://a.example https://{SECRET_MARK}.example",
    f"https://{SECRET_MARK}.example,",
    f"https://{SECRET_MARK}.example,,https://a.example",
    f"*,https://{SECRET_MARK}.example",
)
INVALID_NUMBERS = (
    SECRET_MARK,
    "-1",
    "+1",
    "1e3",
    "1_0",
    "0x10",
    "nan",
    "inf",
    "1,5",
    "1 0",
    "٣",
    "9" * 16,
)
INVALID_WHOLE_NUMBERS = (*INVALID_NUMBERS, "5.5", "5.0")
INVALID_SECONDS = (*INVALID_NUMBERS, ".5", "5.", "31536000.5")
INVALID_RATES = (
    SECRET_MARK,
    "600",
    "0/minute",
    "-1/minute",
    "600/week",
    "600 per minute",
    "6.5/second",
)
SECRET = "at least 8 visible ASCII characters, or two such values separated by a comma"
INVISIBLE_TEXTS = (
    f"Bearer {SECRET_MARK}",
    f"{SECRET_MARK}\ttab",
    f"{SECRET_MARK}\nline",
    f"{SECRET_MARK}ñ",
)
INVALID_SECRETS = (
    *(f"{text}{SECRET_MARK}" for text in INVISIBLE_TEXTS),
    SECRET_MARK,
    f"{SECRET_MARK}{SECRET_MARK},",
    f",{SECRET_MARK}{SECRET_MARK}",
    f"{SECRET_MARK}{SECRET_MARK},{SECRET_MARK}",
    f"{SECRET_MARK},{SECRET_MARK}",
    f"{SECRET_MARK}-1,{SECRET_MARK}-2,{SECRET_MARK}-3",
    ",",
)

INVALID: dict[str, tuple[str, tuple[str, ...]]] = {
    "VIDESK_API_KEY": (
        "the secret key of your Videsk account, alone, without 'Bearer'",
        INVISIBLE_TEXTS,
    ),
    "VIDESK_ACCOUNT": (
        "a name for your Videsk account, of up to 100 characters",
        ("x" * 101, "a\nb"),
    ),
    "VIDESK_BASE_URL": (BASE_URL, INVALID_URLS),
    "REDIS_URL": (
        "a redis://, rediss:// or unix:// URL, or one such as redis+sentinel://host,host,host/service "
        "or redis+cluster://host,host,host",
        (
            SECRET_MARK,
            f"http://{SECRET_MARK}",
            f"redis://:{SECRET_MARK}@",
            f"redis://:{SECRET_MARK}@host:port",
            f"redis://:{SECRET_MARK}@host:99999",
            f"redis://:{SECRET_MARK}@host:0",
            f"redis://:pass#{SECRET_MARK}@host",
            f"unix://{SECRET_MARK}",
            f"redis://[{SECRET_MARK}",
            f"redis://host?{SECRET_MARK}=1",
            *(
                f"{scheme}://:{SECRET_MARK}@{rest}"
                for scheme, rest in (
                    ("redis+sentinel", "host:26379"),
                    ("redis+sentinel", "host:26379/"),
                    ("redis+sentinel", "host:26379/service/"),
                    ("redis+sentinel", "host:26379/service/x"),
                    ("redis+sentinel", "host:26379/service/0/1"),
                    ("redis+sentinel", "host:26379,/service"),
                    ("redis+sentinel", "host:0/service"),
                    ("redis+sentinel", "host:65536/service"),
                    ("redis+sentinel", "::1/service"),
                    ("redis+sentinel", "[::zz]/service"),
                    ("redis+sentinel", "/service"),
                    ("redis+sentinel", "host/service?db=1"),
                    ("redis+sentinel", "host/service?unknown=1"),
                    ("redis+sentinel", "host/service#0"),
                    ("redis+cluster", "host:6379/1"),
                    ("redis+cluster", "host:6379,host:0"),
                    ("redis+cluster", "host 6379"),
                    ("redis+other", "host"),
                )
            ),
        ),
    ),
    "WIDGET": ("true or false", (SECRET_MARK, "yes", "1", "0", "off")),
    "REDIS_TLS_VERIFY": ("true or false", (SECRET_MARK, "yes", "1", "0", "off")),
    "PORT": ("a whole number from 1 to 65535", (*INVALID_WHOLE_NUMBERS, "0", "65536")),
    "WEB_CONCURRENCY": ("a whole number from 1 to 1000", (*INVALID_WHOLE_NUMBERS, "0", "1001")),
    "CORS_ORIGINS": (ORIGINS, INVALID_ORIGINS),
    "TRUSTED_PROXIES": ("a whole number from 0 to 10", (*INVALID_WHOLE_NUMBERS, "11", "true")),
    "VIDESK_RATE_LIMIT": (
        "a whole number from 1 to 100000",
        (*INVALID_WHOLE_NUMBERS, "0", "100001", "20/second"),
    ),
    "VIDESK_TIMEOUT": (
        "a number of seconds from 0.01 to 3600",
        (*INVALID_SECONDS, "0", "3601", "10s"),
    ),
    "CLIENT_RATE_LIMIT": (RATE, INVALID_RATES),
    "BOOKING_RATE_LIMIT": (RATE, INVALID_RATES),
    "REFERRER_ORIGINS": (ORIGINS, INVALID_ORIGINS),
    "DEFAULT_REFERRER": (
        "a campaign's name, which does not start with a scheme such as campaign:, "
        "or a URL of one of REFERRER_ORIGINS; at most 2048 characters",
        (
            f"https://{SECRET_MARK}.example",
            f"//{SECRET_MARK}.example",
            f"spring\n{SECRET_MARK}",
            f"javascript:{SECRET_MARK}",
            f"campaign:{SECRET_MARK}",
            SECRET_MARK.ljust(2049, "x"),
        ),
    ),
    "CAPTCHA_PROVIDER": (
        "turnstile, hcaptcha or recaptcha",
        (SECRET_MARK, "true", "turnstile,hcaptcha"),
    ),
    "CAPTCHA_SECRET": ("the provider's secret", INVISIBLE_TEXTS),
    "CAPTCHA_SITE_KEY": ("the site key that belongs to CAPTCHA_SECRET", INVISIBLE_TEXTS),
    "CAPTCHA_VERIFY_URL": (BASE_URL, INVALID_URLS),
    "MAX_BODY_BYTES": (
        "a whole number from 1 to 100000000",
        (*INVALID_WHOLE_NUMBERS, "0", "100000001", "64K"),
    ),
    "LOG_LEVEL": ("debug, info, warning, error or critical", (SECRET_MARK, "20", "warn", "trace")),
    "METRICS_TOKEN": (SECRET, INVALID_SECRETS),
    "WEBHOOK_SECRET": (SECRET, INVALID_SECRETS),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (
        "an http or https URL without a user name or a query",
        tuple(url for url in INVALID_URLS if not url.startswith("http://") or "@" in url),
    ),
} | {
    f"{kind}_{what}": (SECONDS, INVALID_SECONDS)
    for kind in ("SERVICES", "DATES", "HOURS")
    for what in ("TTL", "STALE")
}


def error_line(**environ: str) -> str:
    """Return the line that Python prints for these settings."""
    with pytest.raises(SettingsError) as caught:
        load(environ)
    assert caught.value.__cause__ is None
    return str(caught.value.code)


def test_tables_cover_every_setting() -> None:
    names = {field.name.upper() for field in fields(Settings)}
    assert names == set(DEFAULTS) == set(INVALID)
    assert names == {name for name, _, _ in VALID}


@pytest.mark.parametrize("name", DEFAULTS)
def test_unset_setting_has_its_default(name: str) -> None:
    assert getattr(load(REQUIRED), name.lower()) == DEFAULTS[name]


@pytest.mark.parametrize("empty", ["", " ", "\t\n"])
@pytest.mark.parametrize("name", sorted(DEFAULTS.keys() - REQUIRED.keys()))
def test_empty_variable_counts_as_unset(name: str, empty: str) -> None:
    assert getattr(load(REQUIRED | {name: empty}), name.lower()) == DEFAULTS[name]


VALID: list[tuple[str, str, object]] = [
    ("VIDESK_API_KEY", f" {SECRET_MARK}+/=\n", f"{SECRET_MARK}+/="),
    ("VIDESK_ACCOUNT", " Clínica Ñuñoa ", "Clínica Ñuñoa"),
    ("VIDESK_BASE_URL", "https://videsk.example/eu/", "https://videsk.example/eu"),
    ("VIDESK_BASE_URL", "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ("VIDESK_BASE_URL", "http://[::1]:9000", "http://[::1]:9000"),
    ("VIDESK_BASE_URL", "http://localhost:9000/", "http://localhost:9000"),
    *(
        ("REDIS_URL", url, url)
        for url in (
            f"redis://:{SECRET_MARK}@host:6379/0",
            "rediss://host",
            "unix:///run/redis.sock",
            f"rediss+sentinel://me:{SECRET_MARK}@host,[::1]:7000/service/3",
            "redis+cluster://host:6379,host",
        )
    ),
    ("WIDGET", "false", False),
    ("REDIS_TLS_VERIFY", "False", False),
    ("REDIS_TLS_VERIFY", "true", True),
    ("PORT", "65535", 65535),
    ("WEB_CONCURRENCY", "4", 4),
    ("CORS_ORIGINS", "*", ("*",)),
    (
        "CORS_ORIGINS",
        "HTTPS://Shop.Example:443, http://[::1]:3000",
        ("https://shop.example", "http://[::1]:3000"),
    ),
    ("REFERRER_ORIGINS", "*", ("*",)),
    ("REFERRER_ORIGINS", "https://shop.example", ("https://shop.example",)),
    ("DEFAULT_REFERRER", "spring, a campaign", "spring, a campaign"),
    ("TRUSTED_PROXIES", "10", 10),
    *((f"{kind}_TTL", "0", 0) for kind in ("SERVICES", "DATES", "HOURS")),
    *((f"{kind}_STALE", "0.25", 0.25) for kind in ("SERVICES", "DATES", "HOURS")),
    ("VIDESK_RATE_LIMIT", "100000", 100_000),
    ("VIDESK_TIMEOUT", "0.5", 0.5),
    ("CLIENT_RATE_LIMIT", "5/second", "5/second"),
    ("BOOKING_RATE_LIMIT", "100/day", "100/day"),
    ("CAPTCHA_PROVIDER", "Turnstile", "turnstile"),
    ("CAPTCHA_SECRET", SECRET_MARK, SECRET_MARK),
    ("CAPTCHA_SITE_KEY", "0x4AAAAAAA", "0x4AAAAAAA"),
    ("CAPTCHA_VERIFY_URL", "https://captcha.example/verify", "https://captcha.example/verify"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/", "http://collector:4318"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example/otlp", "https://otlp.example/otlp"),
    ("MAX_BODY_BYTES", "1", 1),
    ("LOG_LEVEL", "DEBUG", "debug"),
    *(
        (name, text, values)
        for name in ("METRICS_TOKEN", "WEBHOOK_SECRET")
        for text, values in (
            (f"{SECRET_MARK}!", (f"{SECRET_MARK}!",)),
            (f"{SECRET_MARK}-1,{SECRET_MARK}-2", (f"{SECRET_MARK}-1", f"{SECRET_MARK}-2")),
            (f" {SECRET_MARK}-1 , {SECRET_MARK}-2 ", (f"{SECRET_MARK}-1", f"{SECRET_MARK}-2")),
        )
    ),
]
CAPTCHA = {"CAPTCHA_PROVIDER": "hcaptcha", "CAPTCHA_SECRET": "secret-of-the-captcha"}


@pytest.mark.parametrize(("name", "text", "value"), VALID)
def test_valid_value_is_parsed(name: str, text: str, value: object) -> None:
    others = CAPTCHA if name.startswith("CAPTCHA") else {}
    assert getattr(load(REQUIRED | others | {name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "must", "text"),
    [(name, must, text) for name, (must, texts) in INVALID.items() for text in texts],
)
def test_invalid_value_is_reported_without_the_value(name: str, must: str, text: str) -> None:
    line = error_line(**REQUIRED | {name: text})
    assert line == f"videsk-proxy cannot start: {name} must be {must}"
    assert SECRET_MARK not in line


@pytest.mark.parametrize("name", ["VIDESK_BASE_URL", "CAPTCHA_VERIFY_URL"])
def test_url_with_port_0_is_invalid(name: str) -> None:
    line = error_line(**REQUIRED | {name: "https://videsk.example:0"})
    assert line == f"videsk-proxy cannot start: {name} must be {BASE_URL}"


@pytest.mark.parametrize("environ", [{}, {"VIDESK_API_KEY": " "}])
def test_missing_api_key_is_an_error(environ: dict[str, str]) -> None:
    must, _ = INVALID["VIDESK_API_KEY"]
    assert error_line(**environ) == (
        f"videsk-proxy cannot start: VIDESK_API_KEY is missing: it must be {must}"
    )

"""Settings that depend on one another, and the masking of secrets."""

import pytest

from common.cpu_limit import available_cpus
from settings import SettingsError, load

REQUIRED = {"VIDESK_API_KEY": "key-of-the-account"}
REDIS = {"REDIS_URL": "redis://:password-of-redis@host"}
CAPTCHA = {"CAPTCHA_PROVIDER": "hcaptcha", "CAPTCHA_SECRET": "secret-of-the-captcha"}
SITE_KEY = {"CAPTCHA_SITE_KEY": "10000000-ffff"}
SHOP = {"CORS_ORIGINS": "https://shop.example"}


def error_line(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(REQUIRED | environ)
    return str(caught.value.code)


def test_defaults_on_heroku_trust_one_proxy_and_do_not_verify_redis_certificates() -> None:
    loaded = load(REQUIRED | {"DYNO": "web.1"})
    assert (loaded.trusted_proxies, loaded.redis_tls_verify) == (1, False)


def test_settings_override_the_defaults_of_heroku() -> None:
    chosen = {"TRUSTED_PROXIES": "3", "REDIS_TLS_VERIFY": "true"}
    loaded = load(REQUIRED | {"DYNO": "web.1"} | chosen)
    assert (loaded.trusted_proxies, loaded.redis_tls_verify) == (3, True)


def test_empty_dyno_does_not_mean_heroku() -> None:
    assert load(REQUIRED | {"DYNO": ""}).trusted_proxies == 0


def test_workers_default_to_the_available_cpus_with_redis_and_to_one_without() -> None:
    assert load(REQUIRED | REDIS).workers == available_cpus()
    assert load(REQUIRED).workers == 1


def test_workers_are_limited_to_one_without_redis() -> None:
    assert load(REQUIRED | {"WEB_CONCURRENCY": "7"}).workers == 1
    assert load(REQUIRED | REDIS | {"WEB_CONCURRENCY": "7"}).workers == 7


def test_referrer_origins_default_to_cors_origins() -> None:
    own = {"REFERRER_ORIGINS": "https://landing.example"}
    assert load(REQUIRED | SHOP).referrer_origins == ("https://shop.example",)
    assert load(REQUIRED | SHOP | own).referrer_origins == ("https://landing.example",)
    assert load(REQUIRED | SHOP | own).cors_origins == ("https://shop.example",)


def test_error_names_the_variable_with_the_invalid_origins() -> None:
    assert " CORS_ORIGINS must be " in error_line({"CORS_ORIGINS": "shop.example"})
    own = {"REFERRER_ORIGINS": "shop.example"}
    assert " REFERRER_ORIGINS must be " in error_line(SHOP | own)


@pytest.mark.parametrize(
    ("referrer", "origins"),
    [
        ("spring, a campaign", {}),
        ("myapp://booking/done", {"REFERRER_ORIGINS": "myapp://booking"}),
        ("https://shop.example/page", SHOP),
        ("HTTPS://SHOP.EXAMPLE:443", SHOP),
        ("https://any.example/page", {"REFERRER_ORIGINS": "*"}),
        ("https://any.example/page", {"CORS_ORIGINS": "*"}),
    ],
)
def test_default_referrer_is_a_campaign_or_a_url_of_a_referrer_origin(
    referrer: str, origins: dict[str, str]
) -> None:
    assert load(REQUIRED | origins | {"DEFAULT_REFERRER": referrer}).default_referrer == referrer


@pytest.mark.parametrize(
    "origins", [{}, SHOP, {"CORS_ORIGINS": "*", "REFERRER_ORIGINS": "https://shop.example"}]
)
@pytest.mark.parametrize(
    "referrer",
    [
        "https://shop.example.evil.example",
        "//shop.example",
        "https:evil.example",
        "javascript:alert(1)",
        "javascript://shop.example/%0aalert(1)",
    ],
)
def test_default_referrer_of_another_origin_is_an_error(
    referrer: str, origins: dict[str, str]
) -> None:
    assert error_line(origins | {"DEFAULT_REFERRER": referrer}) == (
        "videsk-proxy cannot start: DEFAULT_REFERRER must be "
        "a campaign's name, which does not start with a scheme such as campaign:, "
        "or a URL of one of REFERRER_ORIGINS; at most 2048 characters"
    )


@pytest.mark.parametrize(
    ("variables", "absent", "must"),
    [
        ("CAPTCHA_PROVIDER", "CAPTCHA_SECRET", "the provider's secret"),
        ("CAPTCHA_SECRET", "CAPTCHA_PROVIDER", "turnstile, hcaptcha or recaptcha"),
        ("CAPTCHA_SITE_KEY", "CAPTCHA_PROVIDER", "turnstile, hcaptcha or recaptcha"),
    ],
)
def test_captcha_provider_and_secret_require_each_other(
    variables: str, absent: str, must: str
) -> None:
    assert error_line({variables: (CAPTCHA | SITE_KEY)[variables]}) == (
        f"videsk-proxy cannot start: {absent} is missing: it must be {must}"
    )


def test_other_variables_are_ignored() -> None:
    assert load(REQUIRED | {"PATH": "/bin", "videsk_api_key": "x", "PORT_": "x"}) == load(REQUIRED)


def test_repr_contains_no_secrets() -> None:
    secrets = {"METRICS_TOKEN": "token-of-the-metrics", "WEBHOOK_SECRET": "secret-of-the-hook"}
    environ = REQUIRED | REDIS | CAPTCHA | secrets
    loaded = load(environ)
    hidden = {*environ} - {"CAPTCHA_PROVIDER"}
    for name in hidden:
        assert getattr(loaded, name.lower()) in (environ[name], (environ[name],))
        assert name.lower() not in repr(loaded)
    for secret in ("key-of", "password-of", "secret-of", "token-of"):
        assert secret not in repr(loaded)
        assert secret not in str(loaded)
    assert "port=8000" in repr(loaded)

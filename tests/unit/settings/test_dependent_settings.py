"""Settings that depend on one another, and secrets that nobody may read."""

import os

import pytest

from settings import SettingsError, load

REQUIRED = {"VIDESK_API_KEY": "key-of-the-account"}
REDIS = {"REDIS_URL": "redis://:password-of-redis@host"}
CAPTCHA = {"CAPTCHA_PROVIDER": "hcaptcha", "CAPTCHA_SECRET": "secret-of-the-captcha"}
SHOP = {"CORS_ORIGINS": "https://shop.example"}


def line_of(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(REQUIRED | environ)
    return str(caught.value.code)


def test_on_heroku_one_proxy_is_trusted_and_the_certificate_of_redis_is_not_verified() -> None:
    loaded = load(REQUIRED | {"DYNO": "web.1"})
    assert (loaded.trusted_proxies, loaded.redis_tls_verify) == (1, False)


def test_what_is_set_wins_over_the_defaults_of_heroku() -> None:
    chosen = {"TRUSTED_PROXIES": "3", "REDIS_TLS_VERIFY": "true"}
    loaded = load(REQUIRED | {"DYNO": "web.1"} | chosen)
    assert (loaded.trusted_proxies, loaded.redis_tls_verify) == (3, True)


def test_an_empty_dyno_is_no_heroku() -> None:
    assert load(REQUIRED | {"DYNO": ""}).trusted_proxies == 0


def test_with_redis_there_are_as_many_workers_as_cores_without_it_one() -> None:
    assert load(REQUIRED | REDIS).workers == (os.cpu_count() or 1)
    assert load(REQUIRED).workers == 1


def test_without_redis_a_higher_number_of_workers_is_brought_down_to_one() -> None:
    assert load(REQUIRED | {"WEB_CONCURRENCY": "7"}).workers == 1
    assert load(REQUIRED | REDIS | {"WEB_CONCURRENCY": "7"}).workers == 7


def test_referrers_may_have_the_origins_of_cors_unless_they_have_their_own() -> None:
    own = {"REFERRER_ORIGINS": "https://landing.example"}
    assert load(REQUIRED | SHOP).referrer_origins == ("https://shop.example",)
    assert load(REQUIRED | SHOP | own).referrer_origins == ("https://landing.example",)
    assert load(REQUIRED | SHOP | own).cors_origins == ("https://shop.example",)


def test_wrong_origins_are_refused_under_the_name_that_was_set() -> None:
    assert " CORS_ORIGINS must be " in line_of({"CORS_ORIGINS": "shop.example"})
    own = {"REFERRER_ORIGINS": "shop.example"}
    assert " REFERRER_ORIGINS must be " in line_of(SHOP | own)


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
def test_the_default_referrer_is_a_campaign_or_a_page_of_ours(
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
def test_a_default_referrer_of_a_foreign_origin_is_refused(
    referrer: str, origins: dict[str, str]
) -> None:
    assert line_of(origins | {"DEFAULT_REFERRER": referrer}) == (
        "videsk-proxy cannot start: DEFAULT_REFERRER must be "
        "a campaign's name, which does not start with a scheme such as campaign:, "
        "or a URL of one of REFERRER_ORIGINS; at most 2048 characters"
    )


@pytest.mark.parametrize(
    ("given", "absent", "must"),
    [
        ("CAPTCHA_PROVIDER", "CAPTCHA_SECRET", "the provider's secret"),
        ("CAPTCHA_SECRET", "CAPTCHA_PROVIDER", "turnstile, hcaptcha or recaptcha"),
    ],
)
def test_of_the_captcha_settings_one_needs_the_other(given: str, absent: str, must: str) -> None:
    assert line_of({given: CAPTCHA[given]}) == (
        f"videsk-proxy cannot start: {absent} is missing: it must be {must}"
    )


def test_an_environment_full_of_other_names_is_no_trouble() -> None:
    assert load(REQUIRED | {"PATH": "/bin", "videsk_api_key": "x", "PORT_": "x"}) == load(REQUIRED)


def test_secrets_can_be_read_from_the_settings_but_not_from_their_repr() -> None:
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

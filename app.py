"""The composition root: create_app() builds the parts of the proxy and wires them."""

import hashlib
from typing import TYPE_CHECKING

from flask import Flask

import settings as environment
from blueprints import (
    appointments,
    bookable,
    catalog,
    docs,
    errors,
    health,
    hooks,
    prometheus,
    response_metrics,
    widget,
)
from booking.captcha_confirmations import BookingCaptcha
from booking.service import BookingService
from cache.freshness import FreshnessPolicy
from cache.near_cache import LEASE_SECONDS, NearCache
from cache.read_through import ReadThroughCache
from cache.shared_single_flight import SharedSingleFlight
from cache.store import ALL_ENTRIES, process_store, redis_store
from cache.tiers import SharedCache
from common import redis_url
from common.resilient_redis import ResilientRedis
from idempotency.protocol import Idempotency
from idempotency.store import RedisStore
from openapi import document
from schemas.bookings import BookingSchema, UserBookingSchema
from settings import Settings
from videsk.api_key_status import ApiKeyStatus
from videsk.client import VideskClient
from videsk.errors import VideskErrors
from videsk.resources import SERVICES, USERS
from videsk.scheduling import Scheduling
from videsk.throttle.rate_limit import RateLimit
from videsk.throttle.throttle import RedisLimiter, UpstreamThrottle
from videsk.transport import API_PATH
from web import (
    access_log,
    client_limits,
    compression,
    cors,
    metrics,
    responses,
    shared_secrets,
)
from web.captcha import VERIFY_URLS, Captcha, RequiredCaptcha
from web.fast_path import CachedResponse, FastPath
from web.metrics import Metrics
from web.metrics_exposition import State
from web.referrers import Referrers

if TYPE_CHECKING:
    from web.tracing import Tracing


def create_app(settings: Settings | None = None) -> Flask:
    """Return the WSGI application, by default with the settings of the environment.

    Raises SettingsError.
    """
    settings = settings or environment.from_environment()

    app = Flask("videsk_proxy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config[client_limits.TRUSTED_PROXIES] = settings.trusted_proxies
    app.url_map.merge_slashes = False  # `//` in a path is a 404, not a redirect

    prefix = _prefix(settings)
    rate_limit = RateLimit(settings.videsk_rate_limit)
    redis, shared, redis_limiter = None, None, None
    if settings.redis_url:
        redis = ResilientRedis(settings.redis_url, verify_tls=settings.redis_tls_verify)
        redis.on_reconnect(lambda client: redis_store(client, prefix).invalidate([ALL_ENTRIES]))
        flights = SharedSingleFlight(redis, prefix, VideskErrors())
        shared = SharedCache(redis, redis_store(redis.client, prefix), flights)
        redis_limiter = RedisLimiter(redis, prefix, rate_limit, _address_hash_key(settings))
    instrumentation = Metrics()  # the Protocol in common/instrumentation.py
    if redis:
        redis.on_outage(instrumentation.count_redis_outage)
    local = process_store()
    near_cache: NearCache[CachedResponse] = NearCache(
        (shared or local).current_version, LEASE_SECONDS if shared else 0.0
    )
    cache = ReadThroughCache(shared, local, near_cache, instrumentation)
    throttle = UpstreamThrottle(rate_limit.share(settings.workers), redis_limiter, instrumentation)
    api_key_status = ApiKeyStatus(redis, f"{prefix}{_short_hash(settings.videsk_api_key)}:")
    client = VideskClient(
        settings.videsk_base_url,
        settings.videsk_api_key,
        settings.videsk_timeout,
        throttle,
        api_key_status,
        instrumentation,
    )
    scheduling = Scheduling(
        client,
        cache,
        {
            "services": FreshnessPolicy(settings.services_ttl, settings.services_stale),
            "dates": FreshnessPolicy(settings.dates_ttl, settings.dates_stale),
            "hours": FreshnessPolicy(settings.hours_ttl, settings.hours_stale),
        },
    )
    idempotency = Idempotency(RedisStore(redis, prefix) if redis else None)
    if redis:
        redis.on_reconnect(idempotency.publish)
    bookings = BookingService(
        scheduling,
        idempotency,
        Referrers(settings.referrer_origins, settings.default_referrer),
        _captcha(settings, redis, prefix),
    )

    errors.register(app)
    responses.register(app)
    compression.register(app)
    tracing = _observe(app, settings, instrumentation)
    app.before_request(responses.require_exact_path)
    cors.register(app, settings.cors_origins)
    limit = client_limits.register(
        app, redis, prefix, settings.client_rate_limit, settings.booking_rate_limit
    )
    app.register_blueprint(catalog.make_blueprint(scheduling, _required_captcha(settings)))
    for kind, schema in ((SERVICES, BookingSchema()), (USERS, UserBookingSchema())):
        app.register_blueprint(bookable.make_blueprint(kind, schema, scheduling, bookings))
    app.register_blueprint(appointments.make_blueprint(scheduling, bookings))
    guesses = shared_secrets.limit_guesses(app)
    app.register_blueprint(hooks.make_blueprint(scheduling, settings.webhook_secret, guesses))
    state = State(throttle.snapshot, api_key_status.is_rejected, redis)
    app.register_blueprint(
        prometheus.make_blueprint(instrumentation, state, settings.metrics_token, guesses)
    )
    app.register_blueprint(health.make_blueprint(api_key_status, throttle, redis, app.config))
    app.register_blueprint(docs.make_blueprint(lambda: document.build(app)))
    widget.register(app, enabled=settings.widget)
    instrumentation.add_routes(app)
    app.wsgi_app = FastPath(  # type: ignore[method-assign]
        app.wsgi_app, near_cache, limit, instrumentation, tracing
    )
    return app


def _observe(app: Flask, settings: Settings, instrumentation: Metrics) -> "Tracing | None":
    """Log and count every request, and export traces if a collector is set."""
    access_log.register(app)
    started = None
    if settings.otel_exporter_otlp_endpoint:
        from web import tracing  # noqa: PLC0415 - OpenTelemetry is optional, and large

        started = tracing.start(settings.videsk_base_url + API_PATH)
        tracing.register(app, started)
    metrics.register(app, instrumentation)
    response_metrics.register(app, instrumentation)
    return started


def _captcha(
    settings: Settings, redis: ResilientRedis | None, prefix: str
) -> BookingCaptcha | None:
    if not settings.captcha_provider or not settings.captcha_secret:
        return None
    url = settings.captcha_verify_url or VERIFY_URLS[settings.captcha_provider]
    return BookingCaptcha(Captcha(url, settings.captcha_secret), redis, prefix)


def _required_captcha(settings: Settings) -> RequiredCaptcha | None:
    provider = settings.captcha_provider
    return RequiredCaptcha(provider, settings.captcha_site_key) if provider else None


def _prefix(settings: Settings) -> str:
    """Return the prefix of every key in Redis, so that two accounts can share one Redis.

    It is a hash of VIDESK_ACCOUNT, which survives the rotation of the API key, else of the API key.
    """
    name = settings.videsk_account
    account = f"account {name}" if name else settings.videsk_api_key  # a key contains no space
    is_cluster = settings.redis_url and redis_url.parse(settings.redis_url).is_cluster
    tag = f"{redis_url.HASH_TAG}:" if is_cluster else ""
    return f"videsk-proxy:{tag}{_short_hash(f'{settings.videsk_base_url} {account}')}:"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _address_hash_key(settings: Settings) -> bytes:
    """Return the key that client addresses are hashed with, the same in all processes."""
    return hashlib.sha256(f"clients {settings.videsk_api_key}".encode()).digest()


app = create_app()

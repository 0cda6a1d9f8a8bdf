"""videsk-proxy: makes every part and joins them, top to bottom, on one screen."""

import hashlib
from datetime import UTC, datetime

from flask import Flask

import settings as environment
from blueprints import appointments, bookable, catalog, docs, errors, health, hooks
from cache.near import LEASE_SECONDS, Near
from cache.policy import Window
from cache.reader import Reader, Shared
from cache.shared_flight import SharedFlights
from cache.store import EVERYTHING, Store, process_store, redis_store
from captcha import VERIFY_URLS, Captcha
from openapi import document
from redis_link import RedisLink
from schemas.bookings import BookingSchema, UserBookingSchema
from settings import Settings
from videsk.ahead import Ahead
from videsk.client import VideskClient
from videsk.errors import VideskErrors
from videsk.gate import Gate, RedisGate
from videsk.key_state import KeyState
from videsk.kinds import SERVICES, USERS
from videsk.scheduling import Scheduling, Windows
from videsk.terms import Terms
from web import answers, compression, cors, limits, logs, metrics, metrics_endpoint, shared_secrets
from web.booking_captcha import BookingCaptcha
from web.idempotency import Once
from web.metrics import Metrics
from web.metrics_endpoint import State
from web.records import RedisRecords
from web.referrers import Referrers
from web.short_way import Ready, ShortWay


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application; without settings, as the environment says."""
    settings = settings or environment.from_environment()

    app = Flask("videsk_proxy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config[limits.TRUSTED_PROXIES] = settings.trusted_proxies
    app.url_map.merge_slashes = False  # a path is found or not: never a redirect

    prefix = _prefix(settings)
    terms = Terms(settings.videsk_rate_limit)
    link, shared, gate_of_all = None, None, None
    if settings.redis_url:
        link = RedisLink(settings.redis_url, verify_tls=settings.redis_tls_verify)
        link.when_back(lambda redis: redis_store(redis, prefix).outdate([EVERYTHING]))
        flights = SharedFlights(link, prefix, VideskErrors())
        shared = Shared(link, redis_store(link.redis, prefix), flights)
        gate_of_all = RedisGate(link, prefix, terms, _secret(settings))
    meter = Metrics()
    if link:
        link.on_outage(meter.redis_lost)
    local = process_store()
    near = _near(shared, local)
    cache = Reader(shared, local, near, meter)
    gate = Gate(terms.share(settings.workers), gate_of_all, link, meter)
    key_state = KeyState(link, f"{prefix}{_short_hash(settings.videsk_api_key)}:")
    client = VideskClient(
        settings.videsk_base_url,
        settings.videsk_api_key,
        settings.videsk_timeout,
        gate,
        key_state,
        meter,
    )
    scheduling = Scheduling(
        client,
        cache,
        Windows(
            services=Window(settings.services_ttl, settings.services_stale),
            dates=Window(settings.dates_ttl, settings.dates_stale),
            hours=Window(settings.hours_ttl, settings.hours_stale),
        ),
    )
    ahead = Ahead(scheduling)
    referrers = Referrers(settings.referrer_origins, settings.default_referrer)
    captcha = _captcha(settings, link, prefix)
    once = Once(RedisRecords(link, prefix) if link else None)
    if link:
        link.when_back(once.publish)

    errors.register(app)
    answers.register(app)
    compression.register(app)
    logs.register(app)
    metrics.register(app, meter)
    cors.register(app, settings.cors_origins)
    limit = limits.register(
        app, link, prefix, settings.client_rate_limit, settings.booking_rate_limit
    )
    app.register_blueprint(catalog.make_blueprint(scheduling))
    for kind, schema in ((SERVICES, BookingSchema()), (USERS, UserBookingSchema())):
        app.register_blueprint(
            bookable.make_blueprint(kind, schema, scheduling, ahead, referrers, captcha, once, _now)
        )
    app.register_blueprint(appointments.make_blueprint(scheduling, once))
    guesses = shared_secrets.limit_guesses(app)
    app.register_blueprint(hooks.make_blueprint(scheduling, settings.webhook_secret, guesses))
    state = State(gate.look, key_state.is_refused, lambda: bool(link and link.away))
    metrics_endpoint.register(app, meter, state, settings.metrics_token, guesses)
    app.register_blueprint(health.make_blueprint(key_state, gate, link, app.config))
    app.register_blueprint(docs.make_blueprint(lambda: document.build(app)))
    meter.add_routes(app)
    app.wsgi_app = ShortWay(app.wsgi_app, near, limit, meter)  # type: ignore[method-assign]
    return app


def _near(shared: Shared | None, local: Store) -> Near[Ready]:
    if not shared:
        return Near(local.changes)
    return Near(shared.changes, LEASE_SECONDS)


def _captcha(settings: Settings, link: RedisLink | None, prefix: str) -> BookingCaptcha | None:
    if not settings.captcha_provider or not settings.captcha_secret:
        return None
    url = settings.captcha_verify_url or VERIFY_URLS[settings.captcha_provider]
    return BookingCaptcha(Captcha(url, settings.captcha_secret), link, prefix)


def _prefix(settings: Settings) -> str:
    """Before every name in Redis, so that two accounts that share one Redis share no entry.

    With VIDESK_ACCOUNT it stays the same when the key is rotated. The key cannot be read from it.
    """
    name = settings.videsk_account
    account = f"account {name}" if name else settings.videsk_api_key  # a key contains no space
    return f"videsk-proxy:{_short_hash(f'{settings.videsk_base_url} {account}')}:"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _secret(settings: Settings) -> bytes:
    """What clients' addresses are hashed under, alike in all processes."""
    return hashlib.sha256(f"clients {settings.videsk_api_key}".encode()).digest()


def _now() -> datetime:
    return datetime.now(UTC)


app = create_app()

"""videsk-proxy: makes every part and joins them, top to bottom, on one screen."""

import hashlib
from datetime import UTC, datetime

from flask import Flask

import settings as environment
from blueprints import appointments, bookable, errors, health, services
from cache.policy import Window
from cache.reader import Reader
from cache.store import Store, make_backend, make_redis
from schemas.bookings import BookingSchema, UserBookingSchema
from settings import Settings
from videsk.client import VideskClient
from videsk.kinds import SERVICES, USERS
from videsk.scheduling import Scheduling, Windows
from web import answers, cors
from web.referrers import Referrers


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application; without settings, as the environment says."""
    settings = settings or environment.from_environment()
    app = Flask("videsk_proxy", static_folder=None)
    app.logger.setLevel(settings.log_level.upper())
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.merge_slashes = False  # a path is found or not: never a redirect
    app.url_map.strict_slashes = True

    redis = (
        make_redis(settings.redis_url, verify_tls=settings.redis_tls_verify)
        if settings.redis_url
        else None
    )
    cache = Reader(Store(make_backend(app, redis, _namespace(settings))))
    client = VideskClient(
        settings.videsk_base_url, settings.videsk_api_key, settings.videsk_timeout
    )
    scheduling = Scheduling(
        client,
        cache,
        Windows(
            services=Window(settings.services_ttl),
            dates=Window(settings.dates_ttl),
            hours=Window(settings.hours_ttl),
        ),
    )
    referrers = Referrers(settings.referrer_origins, settings.default_referrer)

    errors.register(app)
    answers.register(app)
    cors.register(app, settings.cors_origins)
    app.register_blueprint(services.make_blueprint(scheduling))
    for kind, schema in ((SERVICES, BookingSchema()), (USERS, UserBookingSchema())):
        app.register_blueprint(bookable.make_blueprint(kind, schema, scheduling, referrers, _now))
    app.register_blueprint(appointments.make_blueprint(scheduling))
    app.register_blueprint(health.make_blueprint())
    return app


def _namespace(settings: Settings) -> str:
    """Two accounts that share one Redis share no entry; the key itself cannot be read out of it."""
    account = f"{settings.videsk_base_url} {settings.videsk_api_key}"
    return "videsk-proxy:" + hashlib.sha256(account.encode()).hexdigest()[:16]


def _now() -> datetime:
    return datetime.now(UTC)


app = create_app()

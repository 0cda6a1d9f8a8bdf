"""Views that require a secret of the proxy: /metrics and those below /hooks.

A secret can have two values while it is rotated. After MAX_WRONG_PER_MINUTE wrong ones, requests
from that address get a 429 before their secret is compared, so that a correct guess among them has
no effect. Correct secrets are not counted.
"""

import hmac
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Flask, g
from werkzeug.exceptions import NotFound, Unauthorized

from web.client_limits import client_network

V = TypeVar("V", bound=Callable[..., Any])

MAX_WRONG_PER_MINUTE = 20
"""Per client network, for all of these views. A misconfigured Prometheus sends 4 to 12."""


class MetricsTokenError(Unauthorized):
    description = "The Bearer token must be METRICS_TOKEN."


class WebhookSecretError(Unauthorized):
    description = "The X-Webhook-Secret header must be WEBHOOK_SECRET."


def check(sent: str, secrets: Iterable[str], error: type[Unauthorized]) -> None:
    """Compare what a client has sent with each value, in constant time.

    Raises NotFound if no secret is set, and `error` for a wrong secret.
    """
    matches = [hmac.compare_digest(sent.encode(), secret.encode()) for secret in secrets]
    if not matches:
        raise NotFound
    if not any(matches):
        g.wrong_secret = bool(sent)
        raise error


def limit_guesses(app: Flask) -> Callable[[V], V]:
    """Return a decorator that responds with a 429 to an address with too many wrong secrets.

    The limiter is that of web/client_limits.py, which has to be registered before.
    """
    (limiter,) = app.extensions["limiter"]
    decorate: Callable[[V], V] = limiter.shared_limit(
        f"{MAX_WRONG_PER_MINUTE}/minute",
        scope="wrong-secrets",
        key_func=client_network,
        deduct_when=lambda _: g.get("wrong_secret", False),
    )
    return decorate

"""Views that a secret of ours opens: /metrics and /hooks/videsk.

A secret may have two values while it is rotated, and either opens. Guessing is slow: after
MAX_WRONG_PER_MINUTE wrong ones an address is refused before its secret is compared, so that a right
guess among them opens nothing. A right secret is never counted.
"""

import hmac
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Flask, g
from werkzeug.exceptions import NotFound, Unauthorized

from web.client_limits import client_network

V = TypeVar("V", bound=Callable[..., Any])

MAX_WRONG_PER_MINUTE = 20
"""Per client network, both views together. A misconfigured Prometheus asks 4 to 12 times."""


def check(given: str, secrets: Iterable[str], refusal: str) -> None:
    """Compare what a client has sent with each value, in constant time.

    Raises NotFound where there is no secret, and Unauthorized with the text of `refusal`.
    """
    opens = [hmac.compare_digest(given.encode(), secret.encode()) for secret in secrets]
    if not opens:
        raise NotFound
    if not any(opens):
        g.wrong_secret = bool(given)
        raise Unauthorized(refusal)


def limit_guesses(app: Flask) -> Callable[[V], V]:
    """Return the decorator of these views. They raise Flask-Limiter's 429 for an address that has
    sent too many wrong secrets. web/client_limits.py has to be registered before.
    """
    (limiter,) = app.extensions["limiter"]
    decorate: Callable[[V], V] = limiter.shared_limit(
        f"{MAX_WRONG_PER_MINUTE}/minute",
        scope="wrong-secrets",
        key_func=client_network,
        deduct_when=lambda _: g.get("wrong_secret", False),
    )
    return decorate

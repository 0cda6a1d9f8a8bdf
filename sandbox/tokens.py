"""API keys and the tokens of appointments: creating and verifying them.

Whether a valid token still gives access to an appointment is decided in appointment_routes.py.
"""

import base64
import json
from typing import Literal

import jwt

from sandbox.bodies import VideskError

Use = Literal["key", "access", "action"]

# Public on purpose, because keys must be the same at every start. There is one secret for each use,
# so that a token for another use has an invalid signature.
_SECRETS: dict[Use, str] = {
    "key": "sandbox integration keys, which open nothing real",
    "access": "sandbox access tokens, which open nothing real",
    "action": "sandbox action tokens, which open nothing real",
}

_KEY_KINDS = ("backend", "rotated", "public", "limited", "removed", "expired")
_LONG_AGO = 1_577_836_800  # 2020-01-01T00:00:00Z, epoch seconds


def mint(use: Use, subject: str) -> str:
    """Return a token of `use` for `subject`: a kind of key, or the id of an appointment."""
    claims: dict[str, object] = {"sub": subject, "use": use}
    if subject == "expired":
        claims["exp"] = _LONG_AGO
    return jwt.encode(claims, _SECRETS[use], algorithm="HS256")


def keys() -> dict[str, str]:
    """Return every API key by its kind. Keys are always the same."""
    return {kind: mint("key", kind) for kind in _KEY_KINDS}


def read_key(authorization: str | None, path: str) -> str:
    """Return the kind of a valid key: `backend`, `rotated` or `public`.

    Raises the documented 401s and 403s.
    """
    kind = read_token(authorization, "key")
    if kind == "limited":
        raise VideskError(
            403, f"You don't have access to {path}. Please contact to your administrator."
        )
    if kind == "removed":
        raise VideskError(403, "The integration token it's invalid or was removed.")
    return kind


def read_token(authorization: str | None, use: Use) -> str:
    """Return the subject of a valid token of `use`. Raises the documented 401s."""
    words = (authorization or "").split()
    if len(words) != 2 or words[0].lower() != "bearer":
        raise VideskError(401, "Authorization header with valid JWT is required.")
    token = words[1]
    parts = token.split(".")
    if len(parts) != 3:
        raise VideskError(401, "jwt malformed")
    if not _is_json(parts[0]):
        raise VideskError(401, "Unexpected token \ufffd in JSON at position 6")
    try:
        return str(jwt.decode(token, _SECRETS[use], algorithms=["HS256"])["sub"])
    except jwt.ExpiredSignatureError:
        raise VideskError(401, "jwt expired") from None
    except jwt.InvalidTokenError:
        raise VideskError(401, "invalid signature") from None


def _is_json(part: str) -> bool:
    try:
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return False
    return True

"""Compression of cached reads by Flask-Compress, once per content instead of once per response.

Other responses are not compressed: if a response contains a secret and text that a client has sent,
as a booking does, its compressed length reveals the secret (https://www.breachattack.com).
"""

from flask import Flask, Response, current_app, g, request
from flask_caching.backends import SimpleCache
from flask_compress import Compress

MIN_BYTES = 1024
"""Below that, compression saves no packet."""

MAX_CONTENTS = 500
"""At most 11 MB: gzip needs 22 kB for 31 days with an hour every five minutes."""

CODINGS = ("br", "gzip")
"""In order of preference."""

_NAME = "compress"


def register(app: Flask) -> None:
    """Set up Flask-Compress for `compressed`."""
    contents = SimpleCache(threshold=MAX_CONTENTS, default_timeout=0)  # of this process
    app.config["COMPRESS_REGISTER"] = False
    app.config["COMPRESS_MIN_SIZE"] = 0  # `compressed` checks the size
    app.config["COMPRESS_CACHE_BACKEND"] = lambda: contents
    app.config["COMPRESS_CACHE_KEY"] = lambda _: g.digest
    app.extensions[_NAME] = compress = {}
    for coding in CODINGS:
        app.config["COMPRESS_ALGORITHM"] = [coding]
        compress[coding] = Compress(app)


def accepted_coding() -> str | None:
    """Return the coding that the client prefers, or None if it accepts none of them."""
    accepted = request.accept_encodings
    coding = max(CODINGS, key=accepted.quality)
    # Flask-Compress would use a coding with `q=0`:
    # https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
    if accepted.quality(coding) <= 0 or accepted.quality(coding) < accepted.quality("identity"):
        return None
    return coding


def compressed(response: Response, body: bytes, digest: str) -> Response:
    """Return the response in the coding that the client prefers. `digest`: of the plain body."""
    if len(body) < MIN_BYTES:
        return response
    response.vary.add("Accept-Encoding")
    coding = accepted_coding()
    if not coding:
        return response
    g.digest = digest
    compress: Compress = current_app.extensions[_NAME][coding]
    return compress.after_request(response)

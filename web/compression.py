"""Compression of remembered reads, by Flask-Compress: once for each content, not once an answer.

Only of these. What holds a secret beside something that a client has sent, such as a booking's
answer with its tokens, tells about the secret by its length once it is compressed (BREACH).
"""

from flask import Flask, Response, current_app, g, request
from flask_caching.backends import SimpleCache
from flask_compress import Compress
from werkzeug.datastructures import Accept

MIN_BYTES = 1024
"""Below that it saves no packet."""

MAX_CONTENTS = 500
"""Then all go. 11 MB at most: 22 kB each for 31 days of an hour every five minutes, by gzip."""

CODINGS = ("br", "gzip")
"""The best first."""

_NAME = "compress"


def register(app: Flask) -> None:
    """Have `compressed` at hand."""
    contents = SimpleCache(threshold=MAX_CONTENTS, default_timeout=0)  # in this process alone
    app.config["COMPRESS_REGISTER"] = False
    app.config["COMPRESS_MIN_SIZE"] = 0  # what is small does not come here
    app.config["COMPRESS_CACHE_BACKEND"] = lambda: contents
    app.config["COMPRESS_CACHE_KEY"] = lambda _: g.content
    app.extensions[_NAME] = compress = {}
    for coding in CODINGS:
        app.config["COMPRESS_ALGORITHM"] = [coding]
        compress[coding] = Compress(app)


def compressed(response: Response, body: bytes, content: str) -> Response:
    """The answer as the client likes it. `content` names what is in the body, whatever its form."""
    if len(body) < MIN_BYTES:
        return response
    response.vary.add("Accept-Encoding")
    coding = _choose_coding(request.accept_encodings)
    if not coding:
        return response
    g.content = content
    compress: Compress = current_app.extensions[_NAME][coding]
    return compress.after_request(response)


def _choose_coding(accepted: Accept) -> str | None:
    """The coding that the client prefers (RFC 9110, section 12.5.3), None for none. Flask-Compress
    takes a coding with `q=0`, which the client does not accept, for one that it does.
    """
    best = max(CODINGS, key=accepted.quality)
    quality = accepted.quality(best)
    return best if quality > 0 and quality >= accepted.quality("identity") else None

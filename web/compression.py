"""Compression of remembered reads, by Flask-Compress: once for each content, not once an answer.

Only of these. What holds a secret beside something that a client has sent, such as a booking's
answer with its tokens, tells about the secret by its length once it is compressed (BREACH).
"""

from flask import Flask, Response, current_app, g
from flask_caching.backends import SimpleCache
from flask_compress import Compress

SMALLEST_BYTES = 1024
"""Below that it saves no packet."""

MOST_CONTENTS = 500
"""Then all go. 11 MB at most: 22 kB each for 31 days of an hour every five minutes, by gzip."""

_NAME = "compress"


class _Contents(SimpleCache):
    """Compressed contents, in this process alone."""

    def __init__(self) -> None:
        super().__init__(threshold=MOST_CONTENTS, default_timeout=0)


def register(app: Flask) -> None:
    """Have `compressed` at hand."""
    app.config["COMPRESS_REGISTER"] = False
    app.config["COMPRESS_ALGORITHM"] = ["br", "gzip"]
    app.config["COMPRESS_MIN_SIZE"] = 0  # what is small does not come here
    app.config["COMPRESS_CACHE_BACKEND"] = _Contents
    app.config["COMPRESS_CACHE_KEY"] = lambda _: g.content
    app.extensions[_NAME] = Compress(app)


def compressed(response: Response, body: bytes, content: str) -> Response:
    """The answer as the client likes it. `content` names what is in the body, whatever its form."""
    if len(body) < SMALLEST_BYTES:
        return response
    g.content = content
    compress: Compress = current_app.extensions[_NAME]
    return compress.after_request(response)

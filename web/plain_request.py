"""Parses plain requests: complete, without a body, and without anything unusual.

That is what browsers and reverse proxies send. gunicorn's parser, which handles everything, takes
several times as long. A request that does not match here is not rejected: gunicorn's parser gets
the same bytes and remains the only authority on it.
"""

import re
from functools import lru_cache

_HEAD = re.compile(
    r"(?P<method>GET|HEAD) (?P<uri>/[!\"$-~]*) HTTP/1\.1\r\n"
    r"(?P<fields>(?:[A-Za-z0-9-]+: [ -~]*\r\n)+)\r\n"
)
"""A subset of https://www.rfc-editor.org/rfc/rfc9112#section-3 and its section 5: no fragment, no
folded line, and of the characters that a field may have only visible ASCII and spaces.
"""

_NOT_PLAIN = {
    f"HTTP_{name}"
    for name in ("CONTENT_LENGTH", "TRANSFER_ENCODING", "TRAILER", "EXPECT", "UPGRADE")
}


def parse(head: bytes, max_fields: int) -> dict[str, str] | None:
    """Return the WSGI variables of the request line and the fields of a plain request.

    None for bytes that are not exactly one plain request, and for one that repeats a field, has
    more than `max_fields`, or has a Connection other than keep-alive.
    """
    try:
        found = _HEAD.fullmatch(head.decode("ascii"))
    except UnicodeDecodeError:
        return None
    if not found:
        return None
    method, uri, lines = found.groups()
    fields = [line.split(": ", 1) for line in lines.splitlines()]
    environ = {_variable(name): value.strip(" ") for name, value in fields}
    if not len(environ) == len(fields) <= max_fields or not _NOT_PLAIN.isdisjoint(environ):
        return None
    if environ.get("HTTP_CONNECTION", "keep-alive") != "keep-alive":
        return None
    environ["REQUEST_METHOD"], environ["RAW_URI"] = method, uri
    return environ


@lru_cache(maxsize=512)
def _variable(name: str) -> str:
    return f"HTTP_{name.upper().replace('-', '_')}"

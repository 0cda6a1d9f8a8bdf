"""Origins (RFC 6454) of settings, headers and referrers, read alike. Knows no Flask."""

import re

ANY = "*"
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE,
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def parse_origin(text: str) -> str | None:
    """The origin that `text` is, in lower case and without its scheme's own port; else None."""
    found = _ORIGIN.fullmatch(text)
    return _normal(found) if found else None


def origin_of(url: str) -> str | None:
    """The origin of an absolute URL; None where a browser might read another one out of it.

    User info, a backslash, white space and control characters are ways to make two readers see two
    hosts in one URL: a URL with any of them has no origin here.
    """
    found = _ORIGIN.match(url)
    if not found or not url.isprintable() or re.search(r"[\\\s]", url):
        return None
    return _normal(found) if url[found.end() : found.end() + 1] in ("", "/", "?", "#") else None


def _normal(found: re.Match[str]) -> str:
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"]
    own_port = not port or port == _DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{host}" if own_port else f"{scheme}://{host}:{port}"

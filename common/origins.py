"""Parse origins (https://www.rfc-editor.org/rfc/rfc6454) in settings, headers and referrers."""

import re

ANY = "*"
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE,
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def parse_origin(text: str) -> str | None:
    """Return the origin in lower case, without the scheme's default port; None for other text."""
    found = _ORIGIN.fullmatch(text)
    return _normalize(found) if found else None


def origin_of(url: str) -> str | None:
    """Return the origin of an absolute URL; None if a browser might parse a different one.

    Parsers disagree about the host of a URL with user info, a backslash, white space or control
    characters, so such a URL has no origin here.
    """
    found = _ORIGIN.match(url)
    if not found or not url.isprintable() or re.search(r"[\\\s]", url):
        return None
    return _normalize(found) if url[found.end() : found.end() + 1] in ("", "/", "?", "#") else None


def _normalize(found: re.Match[str]) -> str:
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"]
    is_default = not port or port == _DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{port}"

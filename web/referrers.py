"""Which page a booking comes from: the guard of `referrer`.

Videsk e-mails the customer links to that page with the appointment's token in them, so a URL of a
stranger's origin would hand the token to the stranger, and `javascript:…` would run in the page
that shows the link. A campaign's name leads nowhere.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from marshmallow import ValidationError

from common.origins import ANY, origin_of

MAX_CHARACTERS = 2048
"""Of a `referrer`."""

_URL = re.compile(r"(?://|https?:)|.*://", re.IGNORECASE | re.DOTALL)

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
"""RFC 3986, 3.1."""

_WITHOUT_ORIGIN = {"javascript", "data", "vbscript"}
"""Schemes that run or show what is in the URL: in `javascript://shop.example/%0aalert(1)` the host
is a comment."""


@dataclass(frozen=True)
class Referrers:
    """`origins`: those a URL may have, `*` for any. `default`: for a booking that names none."""

    origins: tuple[str, ...]
    default: str | None

    def choose(self, named: str | None, headers: Iterable[str | None]) -> str:
        """The body's own `referrer`, else the first good header, else the default.

        Raises ValidationError under `referrer` when the body's own is refused (see `problem`), or
        when there is none at all.
        """
        if named is not None:
            problem = self.problem(named)
            if problem:
                raise ValidationError({"referrer": [problem]})
            return named
        for url in headers:
            if url and is_url(url) and not self.problem(url):
                return url
        if self.default is None:
            raise ValidationError({"referrer": ["is required"]})
        return self.default

    def problem(self, referrer: str) -> str | None:
        """What is wrong with it. None for a campaign's name, and for a URL of one of the origins.

        A text that starts with a scheme is no campaign's name: `summer: sale` is refused, since a
        browser reads it as `javascript: …`.
        """
        if len(referrer) > MAX_CHARACTERS:
            return f"must have at most {MAX_CHARACTERS} characters"
        scheme = _SCHEME.match(_as_browsers_read(referrer))
        if is_url(referrer) and not (scheme and scheme[1].lower() in _WITHOUT_ORIGIN):
            allowed = ANY in self.origins or origin_of(referrer) in self.origins
            return None if allowed else "must be a URL of an origin in REFERRER_ORIGINS"
        if scheme:
            return (
                "must be a campaign's name or a URL of an origin in REFERRER_ORIGINS: it must not "
                "start with a scheme, a word and a colon such as javascript: or campaign:"
            )
        return None


def is_url(referrer: str) -> bool:
    """Whether a browser may follow it: `://`, a leading `//`, or what a browser takes for them."""
    return bool(_URL.match(_as_browsers_read(referrer)))


def _as_browsers_read(text: str) -> str:
    """Without what they drop: spaces before it, tabs and line breaks inside (URL Standard, 4.4).

    Other invisible characters are dropped too: software that makes a link of it may do the same.
    """
    visible = "".join(character for character in text if character.isprintable())
    return visible.lstrip().replace("\\", "/")

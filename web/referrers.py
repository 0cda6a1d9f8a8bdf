"""Validates `referrer`, the page that a booking comes from.

Videsk sends the customer links to that page with the appointment's token, so a URL of a foreign
origin would disclose the token, and `javascript:…` would run in the page that shows the link. The
name of a campaign is no link.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from marshmallow import ValidationError

from common.origins import ANY, origin_of

MAX_CHARACTERS = 2048
"""The maximum length of a `referrer`."""

_URL = re.compile(r"(?://|https?:)|.*://", re.IGNORECASE | re.DOTALL)

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
"""https://www.rfc-editor.org/rfc/rfc3986#section-3.1"""

_WITHOUT_ORIGIN = {"javascript", "data", "vbscript"}
"""Schemes that execute or show the URL: in `javascript://shop.example/%0aalert(1)` the host is
a comment.
"""


@dataclass(frozen=True)
class Referrers:
    """`origins`: allowed for URLs, `*` for all. `default`: for a booking without a referrer."""

    origins: tuple[str, ...]
    default: str | None

    def choose(self, sent: str | None, headers: Iterable[str | None]) -> str:
        """Return the body's `referrer` (`sent`), else the first valid header, else the default.

        Raises ValidationError under `referrer` if the body's is invalid, or if there is none.
        """
        if sent is not None:
            problem = self.find_problem(sent)
            if problem:
                raise ValidationError({"referrer": [problem]})
            return sent
        for url in headers:
            if url and is_url(url) and not self.find_problem(url):
                return url
        if self.default is None:
            raise ValidationError({"referrer": ["is required"]})
        return self.default

    def find_problem(self, referrer: str) -> str | None:
        """Return what is wrong, or None for the name of a campaign and a URL of an allowed origin.

        A text that starts with a scheme, such as `summer: sale`, is rejected, since a browser
        parses it like `javascript: …`.
        """
        if len(referrer) > MAX_CHARACTERS:
            return f"must have at most {MAX_CHARACTERS} characters"
        scheme = _SCHEME.match(_as_parsed_by_browsers(referrer))
        if is_url(referrer) and not (scheme and scheme[1].lower() in _WITHOUT_ORIGIN):
            allowed = ANY in self.origins or origin_of(referrer) in self.origins
            return None if allowed else "must be a URL whose origin is in REFERRER_ORIGINS"
        if scheme:
            return (
                "must be a URL whose origin is in REFERRER_ORIGINS, or a campaign's name that does "
                "not start with a word and a colon, such as javascript: or campaign:"
            )
        return None


def is_url(referrer: str) -> bool:
    """Whether a browser could follow it: it has `://`, a leading `//`, or their equivalents."""
    return bool(_URL.match(_as_parsed_by_browsers(referrer)))


def _as_parsed_by_browsers(text: str) -> str:
    """Drop leading spaces, tabs and line breaks (https://url.spec.whatwg.org/#concept-basic-url-parser).

    Other invisible characters are dropped too, as software that makes a link of it may do.
    """
    visible = "".join(character for character in text if character.isprintable())
    return visible.lstrip().replace("\\", "/")

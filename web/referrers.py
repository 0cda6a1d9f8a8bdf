"""Which page a booking comes from: the guard of `referrer`.

Videsk e-mails the customer links to that page with the appointment's token in them, so a URL of a
stranger's origin would hand the token to the stranger. A campaign's name leads nowhere and is free.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from marshmallow import ValidationError

from web.origins import ANY, origin_of

_URL = re.compile(r"\s*(?://|https?:)|.*://", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Referrers:
    """`origins`: those a URL may have, `*` for any. `default`: for a booking that names none."""

    origins: tuple[str, ...]
    default: str | None

    def choose(self, named: str | None, headers: Iterable[str | None]) -> str:
        """The body's own `referrer`, else the first good header, else the default.

        Raises ValidationError under `referrer` when the body's own is a URL of a foreign origin,
        or when there is none at all.
        """
        if named is not None:
            if not self.allows(named):
                raise ValidationError(
                    {"referrer": ["must be a URL of an origin in REFERRER_ORIGINS"]}
                )
            return named
        for url in headers:
            if url and is_url(url) and self.allows(url):
                return url
        if self.default is None:
            raise ValidationError({"referrer": ["is required"]})
        return self.default

    def allows(self, referrer: str) -> bool:
        """True for a campaign's name, and for a URL of one of the origins."""
        return not is_url(referrer) or ANY in self.origins or origin_of(referrer) in self.origins


def is_url(referrer: str) -> bool:
    """Whether a browser may follow it: `://`, a leading `//`, or what a browser takes for them."""
    return bool(_URL.match(re.sub(r"[\x00-\x1f\x7f]", "", referrer).replace("\\", "/")))

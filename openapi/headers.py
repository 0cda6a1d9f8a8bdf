"""Response headers, and which responses carry them."""

from typing import Any

from videsk.client import FORWARDED_HEADERS
from web.compression import CODINGS


def _header(description: str, *, required: bool = True, **schema: Any) -> dict[str, Any]:
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string"} | schema,
    }


_ETAG = rf'^"[0-9a-f]{{32}}(:({"|".join(CODINGS)}))?"$'

HEADERS = {
    "X-Request-ID": _header(
        "The request's own ID if it is valid, else a new one.",
        pattern="^[A-Za-z0-9._-]{1,128}$",
    ),
    "NoStore": _header("The response must not be stored.", const="no-store"),
    "NoCache": _header(
        "A browser may store the response, and revalidates it each time.", const="no-cache"
    ),
    "NoCacheIfComplete": _header(
        "`no-cache`, or `no-store` if the response is incomplete.", enum=["no-cache", "no-store"]
    ),
    "MaxAge30": _header(
        "A browser may reuse the response for 30 seconds.", const="public, max-age=30"
    ),
    "Immutable": _header(
        "A browser may reuse the file forever: its URL contains a digest of its content.",
        const="public, max-age=31536000, immutable",
    ),
    "WidgetCacheControl": _header(
        "A file whose name contains a hash may be reused forever. Others must be revalidated.",
        enum=["public, max-age=31536000, immutable", "public, no-cache"],
    ),
    "X-Content-Type-Options": _header(
        "Browsers must not guess another content type.", const="nosniff"
    ),
    "Referrer-Policy": _header(
        "Browsers send no Referer with requests from this response.", const="no-referrer"
    ),
    "Content-Security-Policy": _header("What a browser may load for this response."),
    "Vary": _header("Caches must store a response for each origin.", pattern="Origin"),
    "Access-Control-Allow-Origin": _header(
        "Sent to pages of CORS_ORIGINS, which may read the response.", required=False
    ),
    "Access-Control-Expose-Headers": _header(
        "Sent to pages of CORS_ORIGINS, which may also read these headers.", required=False
    ),
    "ETag": _header("Send it back as If-None-Match.", pattern=_ETAG),
    "ETag-if-complete": _header(
        "Send it back as If-None-Match. An incomplete response has none.",
        required=False,
        pattern=_ETAG,
    ),
    "Content-Encoding": _header(
        "The encoding of a long response, as Accept-Encoding permits.",
        required=False,
        enum=list(CODINGS),
    ),
    "Cache-Status": _header(
        "RFC 9211. `hit; ttl=N`: cached, and fresh for N more seconds. `hit; ttl=-N; "
        "detail=stale`: cached, and stale for N seconds. `fwd=miss`: fetched from Videsk. "
        "`collapsed`: another request's fetch was awaited.",
        pattern="^videsk-proxy; "
        "(hit; ttl=-?[0-9]+(; detail=stale)?|fwd=miss(; (stored|collapsed))?)$",
    ),
    "Cache-Status-of-error": _header(
        "Sent if a cached read was forwarded to Videsk.",
        required=False,
        const="videsk-proxy; fwd=miss",
    ),
    "X-Error-Source": _header("The origin of the error.", enum=["proxy", "videsk"]),
    **dict.fromkeys(FORWARDED_HEADERS, _header("Passed on from Videsk.", required=False)),
    "Retry-After": _header("Seconds to wait.", required=False),  # Videsk's, or the proxy's own
    "Idempotency-Replayed": _header(
        "The response is a replay of the first one to this Idempotency-Key, or to a double click.",
        required=False,
        const="true",
    ),
    "Link": _header(
        "The list of hours that are still free, up to date.",
        pattern="^</api/(services|users)/[0-9a-f]{24}/hours[?]date=.+&timezone=.+>; "
        'rel="alternate"$',
    ),
}
"""By the name of the component: the header's name, unless the header has several components."""

_OTHER_NAMES = {
    "NoStore": "Cache-Control",
    "NoCache": "Cache-Control",
    "NoCacheIfComplete": "Cache-Control",
    "MaxAge30": "Cache-Control",
    "ETag-if-complete": "ETag",
    "Immutable": "Cache-Control",
    "WidgetCacheControl": "Cache-Control",
    "Cache-Status-of-error": "Cache-Status",
}

ALL = (
    "X-Request-ID",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Content-Security-Policy",
    "Vary",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
)


def name_of(component: str) -> str:
    """Return the header that the component describes."""
    return _OTHER_NAMES.get(component, component)

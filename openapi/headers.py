"""The headers of the answers, each described once, and which answers carry which."""

from typing import Any


def _header(description: str, *, required: bool = True, **schema: Any) -> dict[str, Any]:
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string"} | schema,
    }


_ETAG = '^"[0-9a-f]{32}(:(br|gzip))?"$'

HEADERS = {
    "X-Request-ID": _header(
        "The request's own, where it sent a good one, else a new one.",
        pattern="^[A-Za-z0-9._-]{1,128}$",
    ),
    "NoStore": _header("Nobody keeps it.", const="no-store"),
    "AlwaysAsk": _header("A browser may keep it, and asks each time.", const="no-cache"),
    "AlwaysAskIfComplete": _header(
        "`no-cache`, or `no-store` if the answer is not complete.", enum=["no-cache", "no-store"]
    ),
    "Briefly": _header("A browser keeps it for half a minute.", const="public, max-age=30"),
    "Immutable": _header(
        "A browser keeps it: the page links to it with a digest of its content.",
        const="public, max-age=31536000, immutable",
    ),
    "X-Content-Type-Options": _header("It is what Content-Type says.", const="nosniff"),
    "Referrer-Policy": _header("Its links tell nobody where they stood.", const="no-referrer"),
    "Content-Security-Policy": _header("What a browser may load for it."),
    "Vary": _header("Caches keep an answer for each origin apart.", pattern="Origin"),
    "Access-Control-Allow-Origin": _header(
        "To pages of CORS_ORIGINS: they may read it.", required=False
    ),
    "Access-Control-Expose-Headers": _header(
        "To pages of CORS_ORIGINS: these headers too.", required=False
    ),
    "ETag": _header("Send it back as If-None-Match.", pattern=_ETAG),
    "ETag-if-complete": _header(
        "Send it back as If-None-Match. An answer that is not complete has none.",
        required=False,
        pattern=_ETAG,
    ),
    "Content-Encoding": _header(
        "As Accept-Encoding has it, where the answer is long.",
        required=False,
        enum=["br", "gzip"],
    ),
    "Cache-Status": _header(
        "RFC 9211: `hit; ttl=N` from memory, fresh for N seconds more; `hit; ttl=-N; detail=stale` "
        "stale for N; `fwd=miss` Videsk was asked; `collapsed` somebody else just asked it.",
        pattern="^videsk-proxy; "
        "(hit; ttl=-?[0-9]+(; detail=stale)?|fwd=miss(; (stored|collapsed))?)$",
    ),
    "Cache-Status-of-error": _header(
        "Where a remembered read has asked Videsk for it.",
        required=False,
        const="videsk-proxy; fwd=miss",
    ),
    "X-Error-Source": _header("Whose error it is.", enum=["proxy", "videsk"]),
    "Retry-After": _header("Seconds to wait.", required=False),
    "Ratelimit-Limit": _header("Videsk's, as it came.", required=False),
    "Ratelimit-Remaining": _header("Videsk's, as it came.", required=False),
    "Ratelimit-Reset": _header("Videsk's, as it came.", required=False),
    "Ratelimit-Policy": _header("Videsk's, as it came.", required=False),
    "Idempotency-Replayed": _header(
        "The first answer to this Idempotency-Key, or to a double click, again.",
        required=False,
        const="true",
    ),
    "Link": _header(
        "Where the hours are that are still free: that list is fresh.",
        pattern="^</api/(services|users)/[0-9a-f]{24}/hours[?]date=.+&timezone=.+>; "
        'rel="alternate"$',
    ),
    "Allow": _header("The methods that the path takes."),
}
"""By the name of the component, which is the header's but for those that have several."""

_OTHER_NAMES = {
    "NoStore": "Cache-Control",
    "AlwaysAsk": "Cache-Control",
    "AlwaysAskIfComplete": "Cache-Control",
    "Briefly": "Cache-Control",
    "ETag-if-complete": "ETag",
    "Immutable": "Cache-Control",
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
OF_VIDESK = (
    "Retry-After",
    "Ratelimit-Limit",
    "Ratelimit-Remaining",
    "Ratelimit-Reset",
    "Ratelimit-Policy",
)


def name_of(component: str) -> str:
    """The header that the component describes."""
    return _OTHER_NAMES.get(component, component)

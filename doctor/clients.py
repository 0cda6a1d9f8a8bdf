"""Which pages may call and which ones the customers' e-mails lead to."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from flask.testing import FlaskClient

from common.origins import ANY, parse_origin
from doctor.findings import Finding, fail, ok, warn
from doctor.http import NoAnswerError, get
from settings import Settings
from web.referrers import is_url

_BOOKING = "/api/services/000000000000000000000000/appointments"
_SENT = ("content-type", "idempotency-key")
_SOME_ORIGIN = "https://some.page.example"
_PAGE_SECONDS = 5
_LOCAL = ("localhost", "127.0.0.1", "::1")


def check_origins(settings: Settings) -> Iterator[Finding]:
    """Each of CORS_ORIGINS asks, as a browser would before a booking, the proxy in this process."""
    # Not before: whoever imports app makes an app, with everything that belongs to it.
    from app import create_app  # noqa: PLC0415

    client = create_app(replace(settings, redis_url=None)).test_client()
    if not settings.cors_origins:
        step = "set CORS_ORIGINS to your pages' origins, unless only phone apps call"
        yield warn("CORS", "no page may call", step)
    for origin in settings.cors_origins:
        yield _origin(client, origin)


def _origin(client: FlaskClient, origin: str) -> Finding:
    subject = f"CORS {origin}"
    if origin != ANY and parse_origin(origin) != origin:
        return fail(subject, "no origin", "write it as https://shop.example in CORS_ORIGINS")
    if not _admitted(client, _SOME_ORIGIN if origin == ANY else origin, origin):
        step = "check how it is written in CORS_ORIGINS; if it is right, report this"
        return fail(subject, "its preflight is refused", step)
    if origin == ANY:
        return warn(subject, "any page may call", "name your own pages in CORS_ORIGINS")
    url = urlsplit(origin)
    if url.scheme == "http" and url.hostname not in _LOCAL:
        return warn(subject, "admitted, but its page comes unencrypted", "serve it over https")
    return ok(subject, "its preflight is admitted")


def _admitted(client: FlaskClient, origin: str, expected: str) -> bool:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ", ".join(_SENT),
    }
    answer = client.options(_BOOKING, headers=headers)
    methods = answer.headers.get("Access-Control-Allow-Methods", "")
    allowed = answer.headers.get("Access-Control-Allow-Headers", "").lower()
    return (
        answer.status_code in (200, 204)
        and answer.headers.get("Access-Control-Allow-Origin") == expected
        and "POST" in methods
        and all(name in allowed for name in _SENT)
    )


def check_referrers(settings: Settings) -> Iterator[Finding]:
    """Each page that an e-mailed link may lead to is asked for once."""
    default = settings.default_referrer
    if default and is_url(default):
        yield _page("DEFAULT_REFERRER page", default, worst_status=399)
    if not settings.referrer_origins:
        step = "set REFERRER_ORIGINS, if e-mailed links are to lead to a page of yours"
        yield warn("referrers", "no page's URL may be one, campaigns' names only", step)
    for origin in settings.referrer_origins:
        subject = f"referrer {origin}"
        if origin == ANY:
            told = "e-mailed links, which open the appointment, may lead anywhere"
            yield warn(subject, told, "name your own pages in REFERRER_ORIGINS")
        elif origin.startswith(("https://", "http://")):
            yield _page(subject, f"{origin}/", worst_status=499)  # a root without a page is common
        else:
            yield ok(subject, "an app's own scheme: not asked")


def _page(subject: str, url: str, worst_status: int) -> Finding:
    """A warning at most: a page may be there for customers and not for this machine."""
    step = "open it in a browser: customers' e-mailed links lead there"
    try:
        status = get(url, _PAGE_SECONDS).status
    except NoAnswerError as error:
        return warn(subject, str(error), step)
    if status > worst_status:
        return warn(subject, f"answers {status}", step)
    return ok(subject, f"reachable (answers {status})")

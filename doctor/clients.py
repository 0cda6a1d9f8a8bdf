"""CORS origins, and the pages that links in customers' e-mails lead to."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from flask.testing import FlaskClient

from common.origins import ANY, parse_origin
from doctor.findings import Finding, fail, ok, warn
from doctor.http import explain, get_status
from settings import Settings
from web.referrers import is_url

_BOOKING = "/api/services/000000000000000000000000/appointments"
_SENT = ("content-type", "idempotency-key")
_SOME_ORIGIN = "https://some.page.example"
_PAGE_SECONDS = 5
_LOCAL = ("localhost", "127.0.0.1", "::1")


def check_origins(settings: Settings) -> Iterator[Finding]:
    """Send the preflight of a booking from each of CORS_ORIGINS to an app in this process."""
    # Importing app builds one, with all of its parts.
    from app import create_app  # noqa: PLC0415

    client = create_app(replace(settings, redis_url=None)).test_client()
    if not settings.cors_origins:
        step = "set CORS_ORIGINS to the origins of your pages, unless you only have phone apps"
        yield warn("CORS", "none: no page can call the API", step)
    for origin in settings.cors_origins:
        yield _origin(client, origin)


def _origin(client: FlaskClient, origin: str) -> Finding:
    subject = f"CORS {origin}"
    if origin != ANY and parse_origin(origin) != origin:
        return fail(subject, "not an origin", "write it as https://shop.example in CORS_ORIGINS")
    if not _is_allowed(client, _SOME_ORIGIN if origin == ANY else origin, origin):
        step = "check its spelling in CORS_ORIGINS; if it is correct, report a bug"
        return fail(subject, "its preflight request is rejected", step)
    if origin == ANY:
        return warn(subject, "every page can call the API", "set CORS_ORIGINS to your own pages")
    url = urlsplit(origin)
    if url.scheme == "http" and url.hostname not in _LOCAL:
        return warn(subject, "allowed, but its pages are not encrypted", "serve them over https")
    return ok(subject, "its preflight request is allowed")


def _is_allowed(client: FlaskClient, origin: str, expected: str) -> bool:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ", ".join(_SENT),
    }
    response = client.options(_BOOKING, headers=headers)
    methods = response.headers.get("Access-Control-Allow-Methods", "")
    allowed = response.headers.get("Access-Control-Allow-Headers", "").lower()
    return (
        response.status_code in (200, 204)
        and response.headers.get("Access-Control-Allow-Origin") == expected
        and "POST" in methods
        and all(name in allowed for name in _SENT)
    )


def check_referrers(settings: Settings) -> Iterator[Finding]:
    """Request each page that links in e-mails may lead to."""
    default = settings.default_referrer
    if default and is_url(default):
        yield _page("DEFAULT_REFERRER page", default, worst_status=399)
    if not settings.referrer_origins:
        step = "set REFERRER_ORIGINS if links in e-mails should lead to your page"
        yield warn("referrers", "only names of campaigns are allowed, no URLs", step)
    for origin in settings.referrer_origins:
        subject = f"referrer {origin}"
        if origin == ANY:
            text = "links in e-mails, which open the appointment, can lead anywhere"
            yield warn(subject, text, "set REFERRER_ORIGINS to your own pages")
        elif origin.startswith(("https://", "http://")):
            yield _page(subject, f"{origin}/", worst_status=499)  # a root without a page is common
        else:
            yield ok(subject, "the scheme of an app: not requested")


def _page(subject: str, url: str, worst_status: int) -> Finding:
    """Request a page. Warn at most: it may be reachable for customers but not from here."""
    step = "open it in a browser: links in e-mails lead there"
    try:
        status = get_status(url, _PAGE_SECONDS)
    except (OSError, UnicodeError) as error:  # requests.RequestException is an OSError
        return warn(subject, explain(error, _PAGE_SECONDS), step)
    if status > worst_status:
        return warn(subject, f"responds with status {status}", step)
    return ok(subject, f"reachable (status {status})")

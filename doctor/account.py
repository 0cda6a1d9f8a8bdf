"""What the key gives access to at Videsk; also the rate limit and the clock."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from doctor.findings import Finding, fail, ok, warn
from doctor.upstream import Reply, Videsk

_AVAILABILITY_REQUESTS = 4
"""Reserved for days and hours of a service and of an agent."""

SKEW_SECONDS, GREAT_SKEW_SECONDS = 2, 60

_ID = re.compile(r"[0-9a-fA-F]{24}")


def check(videsk: Videsk, rate_limit: int, now: datetime) -> Iterator[Finding]:
    """Yield the findings on the key, on each endpoint that reads, on the limit and the clock."""
    first = videsk.get("/services")
    problem = first.problem
    if problem and not problem.key_accepted:
        yield fail("key", problem.text, problem.next_step)
    else:
        yield ok("key", "accepted by Videsk")
    if problem is None:
        yield ok("GET services", "accessible")
        yield from _services(videsk, first, now)
    else:
        if problem.key_accepted:
            yield fail("GET services", problem.text, problem.next_step)
        yield warn("GET dates, hours", "not checked: no id is available", "fix GET services first")
    skipped = "not checked, since they book, cancel and reschedule"
    yield warn("POST endpoints", skipped, "book, reschedule and cancel one appointment by hand")
    if first.status:
        yield _limit(first, rate_limit)
        yield _clock(first)


def _services(videsk: Videsk, first: Reply, now: datetime) -> Iterator[Finding]:
    """Count services and agents, then read days and hours of the first of each."""
    services = list(first.items)
    page = first
    while (
        page.items
        and not page.problem
        and len(services) < first.total
        and videsk.requests_left > _AVAILABILITY_REQUESTS
    ):
        page = videsk.get("/services", {"$skip": len(services)})
        if page.problem:
            yield fail("GET services, next page", page.problem.text, page.problem.next_step)
        services += page.items
    service_ids = _ids(services)
    agent_ids = _ids(user for service in services for user in _users(service))
    if not services:
        yield warn("services", "none: nothing can be booked", "create one in Videsk")
    else:
        partly = f" (in the first {len(services)} services)" if len(services) < first.total else ""
        yield ok("services", f"{max(first.total, len(services))}")
        automatic = any(not _users(service) for service in services)
        besides = ", besides those of automatic services" if automatic else ""
        yield ok("agents", f"{len(agent_ids)}{besides}{partly}")
    for kind, noun, ids in (("services", "service", service_ids), ("users", "agent", agent_ids)):
        for what in ("dates", "hours"):
            subject = f"GET {kind}/{{id}}/{what}"
            if ids:
                yield _availability(videsk, subject, f"/{kind}/{ids[0]}/{what}", now)
            else:
                step = f"run the doctor again when there is a {noun}"
                yield warn(subject, f"not checked: no {noun} is listed", step)


def _availability(videsk: Videsk, subject: str, path: str, now: datetime) -> Finding:
    """Read from tomorrow on: with a clock that is slow, today might be in the past."""
    instant = f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%S}.000Z"
    reply = videsk.get(path, {"date": instant, "timezone": "UTC"})
    if reply.problem:
        return fail(subject, reply.problem.text, reply.problem.next_step)
    return ok(subject, f"accessible; {len(reply.items)} free")


def _limit(reply: Reply, setting: int) -> Finding:
    """Compare VIDESK_RATE_LIMIT with the RateLimit headers from Videsk.

    See https://github.com/videsk/developers-docs-es/blob/HEAD/vpaas/introduccion.md
    """
    subject = "rate limit"
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*", reply.headers.get("Ratelimit-Limit", ""))
    if not found:
        text = f"no Ratelimit headers from Videsk; VIDESK_RATE_LIMIT is {setting} per second"
        return warn(subject, text, "compare it with your contract; the default is 20")
    limit, seconds = int(found[1]), _window_seconds(reply)
    text = f"Videsk allows {limit} per {seconds} s; VIDESK_RATE_LIMIT is {setting} per second"
    if setting * seconds > limit:
        return fail(subject, text, f"set VIDESK_RATE_LIMIT={max(1, limit // seconds)}")
    return ok(subject, text)


def _window_seconds(reply: Reply) -> int:
    """Return the window of Ratelimit-Policy, else Ratelimit-Reset, else 1."""
    found = re.search(r";\s*w=([0-9]{1,6})", reply.headers.get("Ratelimit-Policy", ""))
    found = found or re.fullmatch(r"\s*([0-9]{1,6})\s*", reply.headers.get("Ratelimit-Reset", ""))
    return max(1, int(found[1])) if found else 1


def _clock(reply: Reply) -> Finding:
    subject = "clock"
    ahead_seconds = reply.clock_ahead_seconds
    if ahead_seconds is None:
        return warn(subject, "no Date header from Videsk", "make sure that NTP sets the clock")
    tolerance = SKEW_SECONDS + reply.uncertain_seconds
    if abs(ahead_seconds) <= tolerance:
        return ok(subject, f"within {tolerance:.0f} s of Videsk's")
    direction = "behind" if ahead_seconds > 0 else "ahead of"
    finding = fail if abs(ahead_seconds) > GREAT_SKEW_SECONDS + reply.uncertain_seconds else warn
    return finding(
        subject,
        f"{abs(ahead_seconds):.0f} s {direction} Videsk's",
        "set the clock by NTP: which days and hours are in the past depends on it",
    )


def _users(service: Any) -> list[Any]:
    users = service.get("users") if isinstance(service, dict) else None
    return users if isinstance(users, list) else []


def _ids(records: Iterable[Any]) -> list[str]:
    """Return each record's `id` or `_id` once, in order: 24 hex digits."""
    idents = (
        str(record.get("id") or record.get("_id")) for record in records if isinstance(record, dict)
    )
    return list(dict.fromkeys(ident for ident in idents if _ID.fullmatch(ident)))

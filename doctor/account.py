"""What the key opens at Videsk: the list, days and hours, the limit, and what time it is there."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from doctor.findings import Finding, fail, ok, warn
from doctor.upstream import Reply, Videsk

_TRIES = 4
"""Requests kept for days and hours, of a service and of an agent."""

SKEW_SECONDS, GREAT_SKEW_SECONDS = 2, 60

_ID = re.compile(r"[0-9a-fA-F]{24}")


def check(videsk: Videsk, rate_limit: int, now: datetime) -> Iterator[Finding]:
    """The findings on the key, on each endpoint that reads, and on what every answer carries."""
    first = videsk.get("/services")
    trouble = first.trouble
    if trouble and not trouble.key_known:
        yield fail("key", trouble.told, trouble.next_step)
    else:
        yield ok("key", "Videsk accepts it")
    if trouble is None:
        yield ok("GET services", "may be used")
        yield from _walk(videsk, first, now)
    else:
        if trouble.key_known:
            yield fail("GET services", trouble.told, trouble.next_step)
        yield warn("GET dates, hours", "not tried: no id is known", "run again when the list comes")
    told = "not tried, as they book, cancel and move"
    yield warn("POST endpoints", told, "book, move and cancel one appointment by hand")
    if first.status:
        yield _limit(first, rate_limit)
        yield _clock(first)


def _walk(videsk: Videsk, first: Reply, now: datetime) -> Iterator[Finding]:
    """Count the services and their agents, and ask for days and hours of the first of each."""
    services = list(first.items)
    page = first
    while page.items and not page.trouble and len(services) < first.total and videsk.left > _TRIES:
        page = videsk.get("/services", {"$skip": str(len(services))})
        if page.trouble:
            yield fail("GET services, next page", page.trouble.told, page.trouble.next_step)
        services += page.items
    service_ids = _ids(services)
    agent_ids = _ids(user for service in services for user in _users(service))
    if not services:
        yield warn("services", "none: nothing can be booked", "make one in Videsk")
    else:
        partly = f" (told by the first {len(services)})" if len(services) < first.total else ""
        yield ok("services", f"{max(first.total, len(services))}")
        unnamed = any(not _users(service) for service in services)
        besides = ", besides those that automatic services do not name" if unnamed else ""
        yield ok("agents", f"{len(agent_ids)}{besides}{partly}")
    for kind, who, ids in (("services", "service", service_ids), ("users", "agent", agent_ids)):
        for what in ("dates", "hours"):
            subject = f"GET {kind}/{{id}}/{what}"
            if ids:
                yield _availability(videsk, subject, f"/{kind}/{ids[0]}/{what}", now)
            else:
                told = f"not tried: no {who} is listed"
                yield warn(subject, told, f"run again when there is a {who} to choose")


def _availability(videsk: Videsk, subject: str, path: str, now: datetime) -> Finding:
    """Asked from tomorrow on, as a clock that is late would ask for the past."""
    instant = f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%S}.000Z"
    reply = videsk.get(path, {"date": instant, "timezone": "UTC"})
    if reply.trouble:
        return fail(subject, reply.trouble.told, reply.trouble.next_step)
    return ok(subject, f"may be used; {len(reply.items)} free")


def _limit(reply: Reply, setting: int) -> Finding:
    """The limit as the headers tell it (Videsk, Limits): so many in a window of seconds."""
    subject = "limit"
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*", reply.headers.get("Ratelimit-Limit", ""))
    if not found:
        told = f"Videsk sends no Ratelimit headers; VIDESK_RATE_LIMIT is {setting} a second"
        return warn(subject, told, "compare it with your contract: 20 without one")
    limit, seconds = int(found[1]), _window_seconds(reply)
    told = f"Videsk's Ratelimit headers tell {limit} in {seconds} s; VIDESK_RATE_LIMIT is {setting}"
    if setting * seconds > limit:
        return fail(subject, told, f"set VIDESK_RATE_LIMIT={max(1, limit // seconds)}")
    return ok(subject, told)


def _window_seconds(reply: Reply) -> int:
    """The policy's window, else Ratelimit-Reset, else 1."""
    told = re.search(r";\s*w=([0-9]{1,6})", reply.headers.get("Ratelimit-Policy", ""))
    told = told or re.fullmatch(r"\s*([0-9]{1,6})\s*", reply.headers.get("Ratelimit-Reset", ""))
    return max(1, int(told[1])) if told else 1


def _clock(reply: Reply) -> Finding:
    subject = "clock"
    if reply.ahead_seconds is None:
        told = "Videsk tells no time (no Date header)"
        return warn(subject, told, "see that this machine's clock is set by NTP")
    off = abs(reply.ahead_seconds)
    which = "behind" if reply.ahead_seconds > 0 else "ahead of"
    told = f"{off:.0f} s {which} Videsk's"
    if off <= SKEW_SECONDS + reply.unsure_seconds:
        return ok(subject, f"as Videsk's, within {SKEW_SECONDS + reply.unsure_seconds:.0f} s")
    finding = fail if off > GREAT_SKEW_SECONDS + reply.unsure_seconds else warn
    return finding(subject, told, "have this machine's clock set by NTP: days and hours hang on it")


def _users(service: Any) -> list[Any]:
    users = service.get("users") if isinstance(service, dict) else None
    return users if isinstance(users, list) else []


def _ids(records: Any) -> list[str]:
    """Each record's id, once, in order: `id` or `_id`, 24 hex digits."""
    told = (
        str(record.get("id") or record.get("_id")) for record in records if isinstance(record, dict)
    )
    return list(dict.fromkeys(ident for ident in told if _ID.fullmatch(ident)))

"""Visitors (visitors.py) of the proxy with its default settings, compared with an ideal cache.

There are two kinds of visitors. Similar visitors need fewer requests than Videsk's limit allows, if
the proxy caches well, so the ideal is a target. Diverse visitors need more than twice the limit
with any cache, so they show what the proxy does if demand exceeds the limit.

**The ideal.** The visitors record the time of each read and of each booking's response. The same
reads and bookings are replayed in this order through an ideal cache: it has one entry for each
month or day, fetches take no time and have no limit, and all processes share it. It counts a fetch
if a read finds no entry, an entry older than its TTL, or one that a booking has invalidated. This
includes background refreshes: a read that finds a stale entry counts as a fetch in the ideal cache,
and starts a refresh in the proxy. A booking invalidates what docs/guarantees.md#g4 lists: the user,
the service, every service that shares the user, and every service whose users are not listed. A 409
invalidates the same. A fetch of the services counts one request for each page.

The sandbox counts the requests that it received, without the bookings. The number may be below the
ideal, because the rate limit delays refreshes, during which stale responses are served.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

from redis import Redis

from bench.report import Row, busiest_second, milliseconds, percentile
from bench.visitors import Booking, Read, VisitLog, VisitorProfile
from tests.processes import Sandbox, proxy_server, redis_server, sandbox_server

SEED = 20261
SIMILAR = VisitorProfile(seconds=60, per_second=50, skew=2.5, booking=0.01)
DIVERSE = VisitorProfile(seconds=20, per_second=50, skew=1, booking=0.015)
LIMIT = 20
TTLS = {"services": 300, "dates": 60, "hours": 5}
REQUESTS_FOR_SERVICES = 2
"""The sandbox lists its services on two pages."""


def measure() -> list[Row]:
    """Measure two workers with Redis and default TTLs. Proxy and sandbox both have LIMIT."""
    with redis_server() as redis, sandbox_server() as sandbox:
        sandbox.control("POST", "rate", {"limit": LIMIT})
        settings = {
            "REDIS_URL": redis.redis_url,
            "VIDESK_RATE_LIMIT": str(LIMIT),
        }
        with proxy_server(sandbox, **settings) as proxy:
            similar = _rows("Similar visitors", SIMILAR, visitors(proxy.port, SIMILAR), sandbox)
            Redis(port=redis.port).flushall()
            sandbox.clear_request_log()
            log = visitors(proxy.port, DIVERSE)
            diverse = _rows("Diverse visitors", DIVERSE, log, sandbox, too_many=True)
    return [*similar, *diverse]


def ideal_requests(log: VisitLog) -> int:
    """Return the number of requests that the ideal cache sends."""
    fetched_at: dict[str, float] = {}
    requests = 0
    # Sorted by time. A booking's response and a read never have the same time.
    moments: list[tuple[float, Read | Booking]] = [(read.requested_at, read) for read in log.reads]
    moments += [(booking.responded_at, booking) for booking in log.bookings]
    for at, event in sorted(moments, key=lambda moment: moment[0]):
        if isinstance(event, Booking):
            if event.status in {201, 409}:
                dropped = _dropped(log, event)
                fetched_at = {
                    key: since
                    for key, since in fetched_at.items()
                    if _resource_of(key) not in dropped
                }
            continue
        label = _kind_of(event.key)
        if event.key not in fetched_at or at - fetched_at[event.key] >= TTLS[label]:
            fetched_at[event.key] = at
            requests += REQUESTS_FOR_SERVICES if label == "services" else 1
    return requests


def visitors(port: int, kind: VisitorProfile, date_format: str = "short") -> VisitLog:
    """Run the visitors, and return their log. visitors.py describes the date formats."""
    arguments = [port, date_format, SEED, *kind]
    done = subprocess.run(
        [sys.executable, "-m", "bench.visitors", *map(str, arguments)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=kind.seconds + 60,
    )
    log = VisitLog(**json.loads(done.stdout))
    log.reads = [Read(*read) for read in log.reads]
    log.bookings = [Booking(*booking) for booking in log.bookings]
    return log


def _rows(
    label: str, kind: VisitorProfile, log: VisitLog, sandbox: Sandbox, *, too_many: bool = False
) -> list[Row]:
    request_log = sandbox.request_log()
    fetches = sum(entry["method"] == "GET" for entry in request_log)
    refused = sum(entry["status"] == 429 for entry in request_log)
    worst = busiest_second([float(str(entry["at"])) for entry in request_log])
    least = ideal_requests(log)
    reads = len(log.reads)
    errors = Counter(read.status or read.cache_status for read in log.reads if read.status != 200)
    booked = Counter(booking.status for booking in log.bookings)
    keys = len({read.key for read in log.reads})
    return [
        Row(
            f"{label}, {kind.seconds:.0f} s: reads",
            f"{reads} ({reads / kind.seconds:.0f}/s, {keys} keys), bookings by status "
            f"{dict(booked)}; the ideal: {least / kind.seconds:.1f} requests/s",
        ),
        Row(
            f"{label}: requests to Videsk for each read",
            f"{fetches / reads:.4f} ({fetches} requests; the ideal: {least})",
        ),
        Row(
            f"{label}: requests to Videsk, to the ideal",
            f"{fetches / least:.3f}",
            "" if too_many else "≤ 1.1",
        ),
        Row(
            f"{label}: worst second at Videsk, bookings included",
            f"{worst}, {refused} rejected with 429",
            f"≤ {LIMIT}",
        ),
        Row(
            f"{label}: reads with an error",
            f"{errors.total()} {dict(errors) or ''}".strip(),
            "" if too_many else "0",
        ),
        Row(
            f"{label}: booked hours shown as free",
            f"{log.shown} of {log.could_show} reads that could have shown one",
            "0",
        ),
        *_times(label, log.reads),
    ]


def _times(label: str, reads: Sequence[Read]) -> list[Row]:
    """Return the durations of reads by cache status."""
    groups: dict[str, list[float]] = {"fresh": [], "stale": [], "missed": [], "all": []}
    for read in reads:
        if read.status == 200:
            cache_status = "stale" if "stale" in read.cache_status else "fresh"
            groups["missed" if "fwd=miss" in read.cache_status else cache_status].append(
                read.seconds
            )
        groups["all"].append(read.seconds)
    return [
        Row(
            f"{label}: response time, {cache_status}",
            f"p50 {milliseconds(percentile(seconds, 50))}, "
            f"p99 {milliseconds(percentile(seconds, 99))}, "
            f"max {milliseconds(max(seconds))} ({len(seconds)} reads)",
        )
        for cache_status, seconds in groups.items()
        if seconds
    ]


def _dropped(log: VisitLog, booking: Booking) -> set[str]:
    """Return `services/{id}` and `users/{id}` of what the booking invalidates."""
    sharing = {
        f"services/{service['id']}"
        for service in log.services
        if not service["users"] or booking.user in [user["id"] for user in service["users"]]
    }
    return {f"users/{booking.user}", f"services/{booking.service}"} | sharing


def _resource_of(key: str) -> str:
    """Return `services/{id}` for `/api/services/{id}/hours?...`."""
    return key.removeprefix("/api/").rpartition("/")[0]


def _kind_of(key: str) -> str:
    """Return `services`, `dates` or `hours`."""
    return key.partition("?")[0].rpartition("/")[2]

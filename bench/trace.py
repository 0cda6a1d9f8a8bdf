"""Visitors (visitors.py) before the proxy as it is by default, and an ideal cache.

Two kinds of them. Those who are alike need less of Videsk than the limit allows, if the proxy
wastes nothing: there the ideal is a target. Those who differ need over twice the limit, whatever
caches for them: there the figures show what the proxy does when demand exceeds the limit.

**The ideal.** The visitors record when they requested what, and when each booking was answered. The
same reads and bookings, in the order of these moments, go by a cache that is ideal except for its
information: it holds one entry for each month or day, a fetch takes no time and has no limit, and
all processes share it. It counts one fetch wherever a read finds no entry, one as old as its TTL,
or one that a booking has dropped since. A refresh behind the scenes is such a fetch as well: the
read that finds an entry stale pays for it in the ideal and starts it in the proxy. A booking drops
what docs/guarantees.md#g4 lists: the user, the service, every service that shares the user, and
every service whose users are not listed. A 409 drops the same. The services are read page by page,
so that fetch counts as many requests as it has pages.

Videsk's side counts what came to the sandbox, the bookings themselves apart. It may be below the
ideal: the budget delays refreshes, and stale answers are served meanwhile.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

from redis import Redis

from bench.figures import Row, milliseconds, percentile, worst_second
from bench.visitors import Booking, Met, Read, VisitorProfile
from tests.processes import Sandbox, proxy_server, redis_server, sandbox_server

SEED = 20261
ALIKE = VisitorProfile(seconds=60, per_second=50, steepness=2.5, booking=0.01)
DIFFERENT = VisitorProfile(seconds=20, per_second=50, steepness=1, booking=0.015)
LIMIT = 20
TTLS = {"services": 300, "dates": 60, "hours": 5}
PAGES = 2
"""Of the sandbox's services."""


def measure() -> list[Row]:
    """Two workers on Redis, all TTLs by default; both the proxy and the sandbox keep to LIMIT."""
    with redis_server() as redis, sandbox_server() as sandbox:
        sandbox.control("POST", "rate", {"limit": LIMIT})
        settings = {
            "REDIS_URL": redis.redis_url,
            "VIDESK_RATE_LIMIT": str(LIMIT),
        }
        with proxy_server(sandbox, **settings) as proxy:
            alike = _rows("Visitors alike", ALIKE, visitors(proxy.port, ALIKE), sandbox)
            Redis(port=redis.port).flushall()
            sandbox.clear_request_log()
            met = visitors(proxy.port, DIFFERENT)
            different = _rows("Visitors different", DIFFERENT, met, sandbox, too_many=True)
    return [*alike, *different]


def ideal(met: Met) -> int:
    """The requests that the ideal cache makes."""
    fetched_at: dict[str, float] = {}
    requests = 0
    # Sorted by their moments; a booking's answer and a read never share one.
    moments: list[tuple[float, Read | Booking]] = [(read.asked_at, read) for read in met.reads]
    moments += [(booking.answered_at, booking) for booking in met.bookings]
    for at, event in sorted(moments, key=lambda moment: moment[0]):
        if isinstance(event, Booking):
            if event.status in {201, 409}:
                dropped = _dropped(met, event)
                fetched_at = {
                    key: since for key, since in fetched_at.items() if _whose(key) not in dropped
                }
            continue
        what = _what(event.key)
        if event.key not in fetched_at or at - fetched_at[event.key] >= TTLS[what]:
            fetched_at[event.key] = at
            requests += PAGES if what == "services" else 1
    return requests


def visitors(port: int, kind: VisitorProfile, spelling: str = "short") -> Met:
    """What they met with; visitors.py describes how they spell dates."""
    arguments = [port, spelling, SEED, *kind]
    done = subprocess.run(
        [sys.executable, "-m", "bench.visitors", *map(str, arguments)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=kind.seconds + 60,
    )
    met = Met(**json.loads(done.stdout))
    met.reads = [Read(*read) for read in met.reads]
    met.bookings = [Booking(*booking) for booking in met.bookings]
    return met


def _rows(
    what: str, kind: VisitorProfile, met: Met, sandbox: Sandbox, *, too_many: bool = False
) -> list[Row]:
    request_log = sandbox.request_log()
    fetches = sum(entry["method"] == "GET" for entry in request_log)
    refused = sum(entry["status"] == 429 for entry in request_log)
    worst = worst_second([float(str(entry["at"])) for entry in request_log])
    least = ideal(met)
    reads = len(met.reads)
    errors = Counter(read.status or read.cache_status for read in met.reads if read.status != 200)
    booked = Counter(booking.status for booking in met.bookings)
    keys = len({read.key for read in met.reads})
    return [
        Row(
            f"{what}, {kind.seconds:.0f} s: reads",
            f"{reads} ({reads / kind.seconds:.0f}/s, {keys} keys), bookings by status "
            f"{dict(booked)}; the ideal: {least / kind.seconds:.1f} requests/s",
        ),
        Row(
            f"{what}: requests to Videsk for each read",
            f"{fetches / reads:.4f} ({fetches} requests; the ideal: {least})",
        ),
        Row(
            f"{what}: requests to Videsk, to the ideal",
            f"{fetches / least:.3f}",
            "" if too_many else "≤ 1.1",
        ),
        Row(
            f"{what}: worst second at Videsk, bookings included",
            f"{worst}, {refused} answered 429",
            f"≤ {LIMIT}",
        ),
        Row(
            f"{what}: reads with an error",
            f"{errors.total()} {dict(errors) or ''}".strip(),
            "" if too_many else "0",
        ),
        Row(
            f"{what}: booked hours shown as free",
            f"{met.shown} of {met.could_show} reads that could have shown one",
            "0",
        ),
        *_times(what, met.reads),
    ]


def _times(what: str, reads: Sequence[Read]) -> list[Row]:
    """How long reads took by how they were answered."""
    groups: dict[str, list[float]] = {"fresh": [], "stale": [], "missed": [], "all": []}
    for read in reads:
        if read.status == 200:
            how = "stale" if "stale" in read.cache_status else "fresh"
            groups["missed" if "fwd=miss" in read.cache_status else how].append(read.seconds)
        groups["all"].append(read.seconds)
    return [
        Row(
            f"{what}: time to answer, {how}",
            f"p50 {milliseconds(percentile(seconds, 50))}, "
            f"p99 {milliseconds(percentile(seconds, 99))}, "
            f"max {milliseconds(max(seconds))} ({len(seconds)} reads)",
        )
        for how, seconds in groups.items()
        if seconds
    ]


def _dropped(met: Met, booking: Booking) -> set[str]:
    """`services/{id}` and `users/{id}` of what the booking touches."""
    sharing = {
        f"services/{service['id']}"
        for service in met.services
        if not service["users"] or booking.user in [user["id"] for user in service["users"]]
    }
    return {f"users/{booking.user}", f"services/{booking.service}"} | sharing


def _whose(key: str) -> str:
    """`services/{id}` of `/api/services/{id}/hours?...`."""
    return key.removeprefix("/api/").rpartition("/")[0]


def _what(key: str) -> str:
    """services, dates or hours."""
    return key.partition("?")[0].rpartition("/")[2]

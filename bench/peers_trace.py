"""The visitors of trace.py who are alike, before the proxy and each peer, one after the other.

They say dates as Videsk takes them, in the way that is kindest to caches which compare addresses;
the proxy and nginx are visited once more by those who ask for the present instant. visitors.py
describes the ways. Videsk enforces its limit; only the proxy has a setting for it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bench import servers
from bench.figures import Row, worst_second
from bench.servers import PEERS, PROXY
from bench.trace import ALIKE, LIMIT, visitors
from tests.processes import Sandbox, redis_server, sandbox_server

KIND = ALIKE
NGINX = "nginx"
WAYS = {"instant": "by first instants", "now": "by present instants"}


class Seen(NamedTuple):
    """What one run of visitors brought to Videsk, and what it showed them."""

    name: str
    spelling: str
    reads: int
    sent: int
    refused: int
    worst: int
    errors: int
    shown: int
    could_show: int

    @property
    def share(self) -> float:
        """Requests to Videsk for each read."""
        return self.sent / self.reads


def measure() -> list[Row]:
    runs = [(name, "instant") for name in PEERS] + [(PROXY, "now"), (NGINX, "now")]
    with redis_server() as redis, sandbox_server() as sandbox:
        seen = [
            _visit(name, spelling, sandbox, redis.redis_url)
            for name, spelling in runs
            if not servers.missing(name)
        ]
    return [
        *(row for each in seen for row in _rows(each)),
        *(row for spelling in WAYS for row in _ratios([s for s in seen if s.spelling == spelling])),
        *servers.not_measured(PEERS),
    ]


def _visit(name: str, spelling: str, sandbox: Sandbox, redis_url: str) -> Seen:
    sandbox.reset()
    sandbox.control("POST", "rate", {"limit": LIMIT})
    settings = {"VIDESK_RATE_LIMIT": str(LIMIT)}
    with servers.started(name, sandbox, redis_url, **settings) as contestant:
        contestant.forget()
        met = visitors(contestant.port, KIND, spelling)
        contestant.forget()
    request_log = sandbox.request_log()
    return Seen(
        name,
        spelling,
        reads=len(met.reads),
        sent=sum(entry["method"] == "GET" for entry in request_log),
        refused=sum(entry["status"] == 429 for entry in request_log),
        worst=worst_second([float(str(entry["at"])) for entry in request_log]),
        errors=sum(read.status != 200 for read in met.reads),
        shown=met.shown,
        could_show=met.could_show,
    )


def _rows(seen: Seen) -> list[Row]:
    what = f"Visitors {WAYS[seen.spelling]}, {KIND.seconds:.0f} s, {seen.name}"
    is_ours = seen.name == PROXY
    return [
        Row(
            f"{what}: worst second at Videsk",
            f"{seen.worst}, {seen.refused} answered 429",
            f"≤ {LIMIT}" if is_ours else "",
        ),
        Row(f"{what}: reads with an error", f"{seen.errors} of {seen.reads}", "0" * is_ours),
        Row(
            f"{what}: booked hours shown as free",
            f"{seen.shown} of {seen.could_show} reads that could have shown one",
            "0" * is_ours,
        ),
    ]


def _ratios(seen: Sequence[Seen]) -> list[Row]:
    ours = next(each for each in seen if each.name == PROXY)
    return [
        Row(
            f"Visitors {WAYS[each.spelling]}: requests to Videsk for each read, "
            f"{PROXY} to {each.name}",
            f"{ours.share / each.share:.2f}; {ours.share:.4f} to {each.share:.4f}",
            "≤ 0.5" if each.name == NGINX else "",
        )
        for each in seen
        if each.name != PROXY
    ]

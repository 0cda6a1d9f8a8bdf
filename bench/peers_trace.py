"""The similar visitors of trace.py, for the proxy and each peer, one after another.

They send dates as instants, as Videsk requires, in the format that suits caches that compare URLs
best. The proxy and nginx are also measured with visitors who send the current instant. visitors.py
describes the date formats. Videsk enforces its limit. Only the proxy has a setting for it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bench import servers
from bench.report import Row, busiest_second
from bench.servers import PEERS, PROXY
from bench.trace import LIMIT, SIMILAR, visitors
from tests.processes import Sandbox, redis_server, sandbox_server

KIND = SIMILAR
NGINX = "nginx"
DATE_LABELS = {"instant": "by first instants", "now": "by present instants"}


class TraceResult(NamedTuple):
    """The requests to Videsk during one run of the visitors, and what the visitors saw."""

    name: str
    date_format: str
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
        results = [
            _visit(name, date_format, sandbox, redis.redis_url)
            for name, date_format in runs
            if not servers.missing(name)
        ]
    return [
        *(row for each in results for row in _rows(each)),
        *(
            row
            for date_format in DATE_LABELS
            for row in _ratios([s for s in results if s.date_format == date_format])
        ),
        *servers.not_measured(PEERS),
    ]


def _visit(name: str, date_format: str, sandbox: Sandbox, redis_url: str) -> TraceResult:
    sandbox.reset()
    sandbox.control("POST", "rate", {"limit": LIMIT})
    settings = {"VIDESK_RATE_LIMIT": str(LIMIT)}
    with servers.start_server(name, sandbox, redis_url, **settings) as candidate:
        candidate.flush_redis()
        log = visitors(candidate.port, KIND, date_format)
        candidate.flush_redis()
    request_log = sandbox.request_log()
    return TraceResult(
        name,
        date_format,
        reads=len(log.reads),
        sent=sum(entry["method"] == "GET" for entry in request_log),
        refused=sum(entry["status"] == 429 for entry in request_log),
        worst=busiest_second([float(str(entry["at"])) for entry in request_log]),
        errors=sum(read.status != 200 for read in log.reads),
        shown=log.shown,
        could_show=log.could_show,
    )


def _rows(results: TraceResult) -> list[Row]:
    label = f"Visitors {DATE_LABELS[results.date_format]}, {KIND.seconds:.0f} s, {results.name}"
    is_ours = results.name == PROXY
    return [
        Row(
            f"{label}: worst second at Videsk",
            f"{results.worst}, {results.refused} answered 429",
            f"≤ {LIMIT}" if is_ours else "",
        ),
        Row(f"{label}: reads with an error", f"{results.errors} of {results.reads}", "0" * is_ours),
        Row(
            f"{label}: booked hours shown as free",
            f"{results.shown} of {results.could_show} reads that could have shown one",
            "0" * is_ours,
        ),
    ]


def _ratios(results: Sequence[TraceResult]) -> list[Row]:
    own = next(each for each in results if each.name == PROXY)
    return [
        Row(
            f"Visitors {DATE_LABELS[each.date_format]}: requests to Videsk for each read, "
            f"{PROXY} to {each.name}",
            f"{own.share / each.share:.2f}; {own.share:.4f} to {each.share:.4f}",
            "≤ 0.5" if each.name == NGINX else "",
        )
        for each in results
        if each.name != PROXY
    ]

"""The table: for each fault what visitors saw, what was booked, and which alerts fired."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from bench.game_day.faults import Fault
from bench.game_day.prometheus import Firing
from bench.game_day.visitors import Booking, Request, doubled, lost
from bench.report import milliseconds, percentile

HEAD = (
    "Fault",
    "Requests",
    "Errors by status",
    "p99 of reads",
    "Stale reads",
    "Booked",
    "In doubt",
    "Lost",
    "Doubled",
    "Booked hour shown as free",
    "Alerts, and seconds until they fired",
)


class Episode(NamedTuple):
    """A fault and what followed, until the next one."""

    fault: Fault
    start: float
    end: float

    def includes(self, at: float) -> bool:
        return self.start <= at < self.end


def describe(
    episode: Episode,
    requests: Sequence[Request],
    bookings: Sequence[Booking],
    ledger: Counter[str],
    firings: Sequence[Firing],
) -> tuple[str, ...]:
    """Return the row of a fault. Requests belong to it that ended, and bookings that began."""
    sent = [it for it in requests if episode.includes(it.at + it.seconds)]
    reads = [it for it in sent if it.is_read]
    tried = [it for it in bookings if episode.includes(it.at)]
    unknown = [ledger[it.email] for it in tried if not 0 < it.status < 429]
    failed = Counter(it.status for it in sent if it.status not in (200, 201))
    shown = [it.shows for it in reads if it.shows is not None]
    return (
        episode.fault.name,
        str(len(sent)),
        ", ".join(f"{status or 'cut'}: {n}" for status, n in sorted(failed.items())) or "0",
        milliseconds(percentile([it.seconds for it in reads], 99)),
        str(sum(it.is_stale for it in reads)),
        str(sum(it.status == 201 for it in tried)),
        f"{len(unknown)} ({sum(map(bool, unknown))} made)" if unknown else "0",
        str(lost(tried, ledger)),
        str(doubled(tried, ledger)),
        f"{sum(shown)} of {len(shown)}",
        _alerts(episode, firings),
    )


def _alerts(episode: Episode, firings: Sequence[Firing]) -> str:
    after: dict[str, float] = {}
    for firing in sorted(firings, key=lambda it: it.start):
        if episode.includes(firing.start):
            after.setdefault(firing.alert, firing.start - episode.start)
    texts = [f"{name} {seconds:.0f} s" for name, seconds in after.items()]
    if episode.fault.alert and episode.fault.alert not in after:
        texts.insert(0, f"{episode.fault.alert} DID NOT FIRE")
    return ", ".join(texts) or "none"

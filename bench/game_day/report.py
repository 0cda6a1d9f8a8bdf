"""The table: for each fault the responses to visitors, the bookings, and the alerts that fired."""

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
    """Return the row of a fault.

    It includes the requests that ended during it, and the bookings that began then.
    """
    ended = [sent for sent in requests if episode.includes(sent.at + sent.seconds)]
    reads = [sent for sent in ended if sent.is_read]
    tried = [booking for booking in bookings if episode.includes(booking.at)]
    unknown = [ledger[booking.email] for booking in tried if not 0 < booking.status < 429]
    failed = Counter(sent.status for sent in ended if sent.status not in (200, 201))
    shown = [read.shows for read in reads if read.shows is not None]
    return (
        episode.fault.name,
        str(len(ended)),
        ", ".join(f"{status or 'cut'}: {n}" for status, n in sorted(failed.items())) or "0",
        milliseconds(percentile([read.seconds for read in reads], 99)),
        str(sum(read.is_stale for read in reads)),
        str(sum(booking.status == 201 for booking in tried)),
        f"{len(unknown)} ({sum(map(bool, unknown))} made)" if unknown else "0",
        str(lost(tried, ledger)),
        str(doubled(tried, ledger)),
        f"{sum(shown)} of {len(shown)}",
        _alerts(episode, firings),
    )


def _alerts(episode: Episode, firings: Sequence[Firing]) -> str:
    after: dict[str, float] = {}
    for firing in sorted(firings, key=lambda firing: firing.start):
        if episode.includes(firing.start):
            after.setdefault(firing.alert, firing.start - episode.start)
    texts = [f"{name} {seconds:.0f} s" for name, seconds in after.items()]
    if episode.fault.alert and episode.fault.alert not in after:
        texts.insert(0, f"{episode.fault.alert} DID NOT FIRE")
    return ", ".join(texts) or "none"

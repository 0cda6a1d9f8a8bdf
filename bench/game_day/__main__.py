"""`python -m bench.game_day [NUMBER...]` runs the faults with these numbers, or all of them.

Prints the table, and exits with status 1 if a booking was lost or doubled.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep, time

from bench.game_day.faults import FAULTS, Fault
from bench.game_day.prometheus import FOR_SECONDS, Prometheus, prometheus
from bench.game_day.report import HEAD, Episode, describe
from bench.game_day.scene import VIDESK_TIMEOUT, Scene, set_up
from bench.game_day.visitors import Visitors, doubled, lost

AFTER_SECONDS = (8, 45)
"""The next fault begins so long after one, in between as soon as no alert fires."""


def main() -> None:
    chosen = [FAULTS[int(number)] for number in sys.argv[1:]] or FAULTS
    with TemporaryDirectory() as name, set_up(Path(name)) as scene:
        visitors = Visitors([instance.url for instance in scene.instances])
        with prometheus(Path(name), [instance.port for instance in scene.instances]) as alerts:
            with visitors.present():
                sleep(AFTER_SECONDS[0])
                episodes = _run(chosen, scene, alerts)
            firings = alerts.firings(episodes[0].start, episodes[-1].end)
        ledger = Counter(str(each["email"]) for each in scene.sandbox.appointments())
    for row in (HEAD, ("---",) * len(HEAD)):
        print(f"| {' | '.join(row)} |")
    for episode in episodes:
        row = describe(episode, visitors.requests + scene.crowd, visitors.bookings, ledger, firings)
        print(f"| {' | '.join(row)} |")
    print(
        "\nIn the rules of the alerts, an hour is a minute, a minute is a second, and each"
        f" `for:` is {FOR_SECONDS} s. VIDESK_TIMEOUT is {VIDESK_TIMEOUT} s."
    )
    wrong = lost(visitors.bookings, ledger), doubled(visitors.bookings, ledger)
    print(f"{len(visitors.bookings)} bookings: {wrong[0]} lost, {wrong[1]} doubled.")
    raise SystemExit(1 if any(wrong) else 0)


def _run(faults: Sequence[Fault], scene: Scene, alerts: Prometheus) -> list[Episode]:
    episodes = []
    for fault in faults:
        print(f"{fault.name} ...", file=sys.stderr, flush=True)
        start = time()
        with fault.happen(scene):
            sleep(fault.seconds)
        ended = monotonic()
        sleep(AFTER_SECONDS[0])
        while alerts.active() and monotonic() < ended + AFTER_SECONDS[1]:
            sleep(1)
        episodes.append(Episode(fault, start, time()))
    return episodes


if __name__ == "__main__":
    main()

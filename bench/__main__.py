"""Run benchmarks and print a table: `python -m bench [NAME...]`. Default: all but ON_DEMAND."""

import argparse
import os
import platform
import sys
from importlib.metadata import version

from bench import (
    attacks,
    crowds,
    far_redis,
    hits,
    lighthouse,
    lost_hours,
    memory,
    misses,
    open_loop,
    peers_crowds,
    peers_speed,
    peers_stalled,
    peers_startup,
    peers_trace,
    soak,
    stalled_videsk,
    startup,
    trace,
)

BENCHES = {
    "misses": misses.measure,
    "far-redis": far_redis.measure,
    "startup": startup.measure,
    "memory": memory.measure,
    "hits": hits.measure,
    "crowds": crowds.measure,
    "trace": trace.measure,
    "lost-hours": lost_hours.measure,
    "hanging": stalled_videsk.measure,
    "attacks": attacks.measure,
    "lighthouse": lighthouse.measure,
    "soak": soak.measure,
    "peers": peers_speed.measure,
    "peers-open-loop": open_loop.measure,
    "peers-startup": peers_startup.measure,
    "peers-crowds": peers_crowds.measure,
    "peers-stalled": peers_stalled.measure,
    "peers-trace": peers_trace.measure,
}
ON_DEMAND = {"soak", *(name for name in BENCHES if name.startswith("peers"))}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench")
    arguments.add_argument(
        "bench",
        nargs="*",
        help=f"any of {', '.join(BENCHES)}; by default all except soak and peers",
    )
    chosen = arguments.parse_args().bench or [name for name in BENCHES if name not in ON_DEMAND]
    if unknown := set(chosen) - set(BENCHES):
        arguments.error(f"no such benchmark: {', '.join(sorted(unknown))}")

    rows = []
    for name in chosen:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += BENCHES[name]()
    print("| What | Figure | Target |")
    print("|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(f"\nMeasured on {_machine()}.")


def _machine() -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {python}, gunicorn {version('gunicorn')}"


if __name__ == "__main__":
    main()

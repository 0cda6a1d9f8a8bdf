"""Measures and prints one table: `python -m bench [NAME...]`, all of BENCHES without a name."""

import argparse
import os
import platform
import sys
from importlib.metadata import version

from bench import crowds, hanging, hits, memory, misses, startup, trace, workers

BENCHES = {
    "misses": misses.measure,
    "startup": startup.measure,
    "memory": memory.measure,
    "hits": hits.measure,
    "crowds": crowds.measure,
    "trace": trace.measure,
    "hanging": hanging.measure,
    "workers": workers.measure,
}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench")
    arguments.add_argument("bench", nargs="*", help=f"of {', '.join(BENCHES)}; all when left out")
    chosen = arguments.parse_args().bench or list(BENCHES)
    if unknown := set(chosen) - set(BENCHES):
        arguments.error(f"no such bench: {', '.join(sorted(unknown))}")

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

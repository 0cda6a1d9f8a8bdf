"""The memory of a worker under load."""

import os
import re
from pathlib import Path

from bench import load, read_paths
from bench.report import Row
from tests.processes import proxy_server, redis_server, sandbox_server

READS = 2000
SECONDS = 30


def measure() -> list[Row]:
    """Measure two workers with Redis after many reads, a fifth of them misses."""
    paths = ["services", *read_paths.months(12), *read_paths.days(60)]
    with redis_server() as redis, sandbox_server() as sandbox:
        redis_url = redis.redis_url
        with proxy_server(sandbox, REDIS_URL=redis_url, **read_paths.TTLS) as proxy:
            done = load.run(proxy.port, [f"/api/{path}" for path in paths], READS, SECONDS)
            return [
                Row(
                    f"Memory of worker {number} of 2 after {done.responses} reads",
                    f"PSS {_megabytes(worker, 'Pss')}, RSS {_megabytes(worker, 'Rss')}",
                    "≤ 60 MB PSS",
                )
                for number, worker in enumerate(_children(proxy.process.pid), start=1)
            ]


def proportional_megabytes(gunicorn: int) -> list[str]:
    """Return the PSS of each worker."""
    return [_megabytes(worker, "Pss") for worker in _children(gunicorn)]


def tree_megabytes(pid: int) -> float:
    """Return the PSS of a process and its descendants, in MB."""
    return _kilobytes(pid, "Pss") * 1024 / 1e6 + sum(map(tree_megabytes, _children(pid)))


def tree_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its descendants.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    own = sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")
    return own + sum(map(tree_cpu_seconds, _children(pid)))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _megabytes(pid: int, field: str) -> str:
    """Return the `Pss`, which counts shared pages proportionally, or the `Rss`."""
    return f"{_kilobytes(pid, field) * 1024 / 1e6:.0f} MB"


def _kilobytes(pid: int, field: str) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(rf"^{field}: +([0-9]+) kB$", rollup, re.MULTILINE)
    if not found:
        raise ValueError(f"no {field} in smaps_rollup")
    return int(found[1])

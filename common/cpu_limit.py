"""The number of CPUs that this process may use.

os.cpu_count() counts the machine's, and os.process_cpu_count() of Python 3.13 ignores the limit of
a control group, which `docker run --cpus`, Kubernetes and systemd's CPUQuota set.
"""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")


def available_cpus(own: Path = Path("/proc/self/cgroup"), mounted: Path = CGROUPS) -> int:
    """Return the number of CPUs, at least one: those it may run on, or a smaller limit, rounded up.

    `own` lists the control groups of the process, and `mounted` is the folder with their files.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [limit for folder in _folders(own, mounted) if (limit := _read_limit(folder))]
    return max(1, math.ceil(min([cpus or 1, *limits])))


def _folders(own: Path, mounted: Path) -> Iterator[Path]:
    """Yield the folders of the control groups that may limit the process, and of their parents.

    A line is `0::/path` in version 2 and `3:cpu,cpuacct:/path` in version 1. In a container, the
    path may be that on the host, which is not there: the container's group is mounted as the root.
    https://man7.org/linux/man-pages/man7/cgroups.7.html
    """
    lines = []
    with suppress(OSError):  # not Linux
        lines = own.read_text().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        hierarchy = mounted / "cpu" if controllers else mounted  # `cpu` may be a symbolic link
        group = PurePosixPath(path.lstrip("/"))
        for folder in (group, *group.parents):
            yield hierarchy / folder


def _read_limit(folder: Path) -> float | None:
    """Return the CPUs that a control group may use, or None without a limit."""
    quota = period = ""
    with suppress(OSError, ValueError):  # the root has no limit, and other versions other files
        quota, period = (folder / "cpu.max").read_text().split()
    with suppress(OSError):
        quota = (folder / "cpu.cfs_quota_us").read_text().strip()
        period = (folder / "cpu.cfs_period_us").read_text().strip()
    is_limited = quota.isdecimal() and period.isdecimal() and int(quota) and int(period)
    return int(quota) / int(period) if is_limited else None

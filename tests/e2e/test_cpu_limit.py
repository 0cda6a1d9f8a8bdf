"""Workers follow the CPU limit of a real control group."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT, clean_environ

PRINT_WORKERS = "import os, settings; print(settings.load(os.environ).workers)"
SETTINGS = {"VIDESK_API_KEY": "the-key-of-the-tests", "REDIS_URL": "redis://127.0.0.1:1"}


def folder_of_groups() -> tuple[Path, Path]:
    """Return a folder for groups with a CPU limit, and where that of a new one stands in it.

    Skips the test if this machine has no such folder, or does not allow new groups.
    """
    v1 = Path("/sys/fs/cgroup/cpu")
    v2 = Path("/sys/fs/cgroup")
    for folder, limit in ((v1, "cpu.cfs_quota_us"), (v2, "cpu.max")):
        group = folder / f"videsk-proxy-tests-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / limit).exists() and os.access(group / limit, os.W_OK):
            return group, group / limit
        group.rmdir()
    pytest.skip("this machine does not allow a control group with a CPU limit")


@pytest.fixture
def limit() -> Iterator[Path]:
    group, limit = folder_of_groups()
    yield limit
    group.rmdir()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a limit shows on two cores or more")
@pytest.mark.parametrize(
    ("given", "workers"), [({}, 1), ({"WEB_CONCURRENCY": "5"}, 5)], ids=["default", "set"]
)
def test_workers_follow_the_limit_of_the_control_group(
    limit: Path, given: dict[str, str], workers: int
) -> None:
    limit.write_text("100000" if limit.name == "cpu.cfs_quota_us" else "100000 100000")
    enter = f'echo $$ > "{limit.parent}/cgroup.procs" && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", enter, "sh", sys.executable, "-c", PRINT_WORKERS],
        cwd=ROOT,
        env=clean_environ() | SETTINGS | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == workers

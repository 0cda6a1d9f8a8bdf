"""The number of CPUs, from files such as Linux has in /proc/self and /sys/fs/cgroup."""

import os
from pathlib import Path

import pytest

from common.cpu_limit import available_cpus

MACHINE = 8
V1 = "7:memory:/docker/abc\n3:cpuacct,cpu:/docker/abc\n1:cpuset:/\n0::/docker/abc\n"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MACHINE)))


def cpus(folder: Path, own: str, **files: str) -> int:
    """Return the number with this /proc/self/cgroup, and these files below /sys/fs/cgroup."""
    (folder / "self").write_text(own)
    for name, text in files.items():
        file = folder / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return available_cpus(folder / "self", folder / "cgroup")


def v1(folder: str, quota: str, period: str = "100000\n") -> dict[str, str]:
    name = f"cpu/{folder}/cpu.cfs_"
    return {f"{name}quota_us": quota, f"{name}period_us": period}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1000 100000\n", 1),
        ("300000 200000\n", 2),
        ("1600000 100000\n", MACHINE),
        ("max 100000\n", MACHINE),
        ("", MACHINE),
        ("odd\n", MACHINE),
        ("100000 0\n", MACHINE),
    ],
)
def test_the_limit_of_version_2_is_rounded_up(tmp_path: Path, limit: str, expected: int) -> None:
    assert cpus(tmp_path, "0::/\n", **{"cpu.max": limit}) == expected


def test_the_smallest_limit_of_a_group_and_its_parents_counts(tmp_path: Path) -> None:
    """As with CPUQuota of a systemd service and of its slice."""
    own = "0::/system.slice/proxy.service\n"
    files = {
        "system.slice/proxy.service/cpu.max": "400000 100000\n",
        "system.slice/cpu.max": "300000 100000\n",
        "cpu.max": "max 100000\n",
    }
    assert cpus(tmp_path, own, **files) == 3
    assert cpus(tmp_path, own, **files | {"system.slice/cpu.max": "max 100000\n"}) == 4


@pytest.mark.parametrize(("quota", "expected"), [("250000\n", 3), ("-1\n", MACHINE)])
def test_the_limit_of_version_1_is_that_of_the_cpu_controller(
    tmp_path: Path, quota: str, expected: int
) -> None:
    assert cpus(tmp_path, V1, **v1("docker/abc", quota)) == expected


def test_in_a_container_the_path_of_the_host_is_missing(tmp_path: Path) -> None:
    assert cpus(tmp_path, V1, **v1(".", "200000\n")) == 2


def test_a_path_may_contain_colons(tmp_path: Path) -> None:
    assert cpus(tmp_path, "0::/a:b\n", **{"a:b/cpu.max": "100000 100000\n"}) == 1


def test_without_a_limit_the_process_uses_the_cpus_that_it_may_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cpus(tmp_path, "0::/\n") == MACHINE
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5})
    assert cpus(tmp_path, "0::/\n", **{"cpu.max": "800000 100000\n"}) == 2


def test_other_systems_have_neither_affinity_nor_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert available_cpus(tmp_path / "none", tmp_path) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cpus(tmp_path / "none", tmp_path) == 1

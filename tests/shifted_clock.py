"""Run date-dependent tests with a shifted clock: `python -m tests.shifted_clock [--changes]`.

For each date, a library that shifts the clock (clock_shift.c) is compiled and preloaded into pytest
and into every process that a test starts. `--changes` runs only the dates on which Santiago's clocks
change.
"""

import os
import shutil
import subprocess
import sys
from calendar import isleap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from tests.client import ZONE
from tests.processes import ROOT

SANTIAGO = ZoneInfo(ZONE)
HALF_AN_HOUR = timedelta(minutes=30)
PARALLEL_RUNS = 2
NO_COMPILER = (
    "== the tests with a shifted clock did NOT run: there is no C compiler (cc); "
    "on Debian, `apt-get install gcc libc6-dev` installs one"
)


def clock_changes(after: datetime) -> dict[str, datetime]:
    """Return the instants within a year at which Santiago's clocks go "back" and "forward"."""
    start = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    changes: dict[str, datetime] = {}
    for hours in range(1, 366 * 24):
        instant = start + timedelta(hours=hours)
        before, since = _offset(instant - timedelta(seconds=1)), _offset(instant)
        if before != since:
            changes.setdefault("back" if since < before else "forward", instant)
    return changes


def _offset(instant: datetime) -> timedelta:
    return instant.astimezone(SANTIAGO).utcoffset() or timedelta()


def clock_change_days(now: datetime) -> dict[str, datetime]:
    """Return the instants half an hour after each change: in the repeated hour, and after the skipped one."""
    return {
        f"the clocks have just gone {way}": change + HALF_AN_HOUR
        for way, change in clock_changes(now).items()
    }


def special_days(now: datetime) -> dict[str, datetime]:
    """Return the next of each kind of date that calendar code tends to get wrong, by description."""
    about_to_change = {
        f"the clocks are about to go {way}": change - HALF_AN_HOUR
        for way, change in clock_changes(now).items()
    }
    weekday = now.astimezone(SANTIAGO).isoweekday()
    sunday = now.astimezone(SANTIAGO) + timedelta(days=7 - weekday or 7)
    return about_to_change | {
        "New Year's Eve, 23:58": _coming(now, 12, 31, 23, 58),
        "New Year's Eve, 23:58 UTC": _coming(now, 12, 31, 23, 58, zone=UTC),
        "28 February of a leap year": _coming(now, 2, 28, 12, leap=True),
        "29 February, already 1 March in UTC": _coming(now, 2, 29, 22, leap=True),
        "a 31st, before a shorter month": _coming(now, 1, 31, 12),
        "a Sunday": sunday.replace(hour=12),
        "a day in Chilean winter": _coming(now, 7, 15, 12),
        "ten years from now": now + timedelta(days=3653),
    }


def _coming(
    now: datetime, month: int, day: int, hour: int, minute: int = 0, *,
    zone: tzinfo = SANTIAGO, leap: bool = False,
) -> datetime:  # fmt: skip
    """Return the next such local time after now. With `leap`, the year is a leap year."""
    years = (year for year in count(now.year) if isleap(year) or not leap)
    instants = (datetime(year, month, day, hour, minute, tzinfo=zone) for year in years)
    return next(instant for instant in instants if instant > now)


def run_tests(name: str, instant: datetime) -> bool:
    """Run the tests marked `dates` with a clock that starts at that instant, and print their output."""
    title = f"== tests on {instant.astimezone(SANTIAGO):%Y-%m-%d %H:%M %z}: {name}"
    with TemporaryDirectory() as folder:
        shift_seconds = round((instant - datetime.now(UTC)).total_seconds())
        library = compile_clock_shift(Path(folder), shift_seconds)
        environ = os.environ | {"LD_PRELOAD": str(library)}
        _check_clock(environ, instant)
        command = [sys.executable, "-m", "pytest", "-q", "-m", "dates", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *_marked_files()], cwd=ROOT, env=environ, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    sys.stdout.write(f"{title}\n{done.stdout}")
    sys.stdout.flush()
    return done.returncode == 0


def compile_clock_shift(folder: Path, shift_seconds: int) -> Path:
    """Return a library for LD_PRELOAD that shifts the wall clock of a process."""
    library = folder / "clock_shift.so"
    options = ["-O2", "-shared", "-fPIC", f"-DSHIFT_SECONDS={shift_seconds}LL"]
    source = ROOT / "tests/clock_shift.c"
    subprocess.run(["cc", *options, "-o", library, source], check=True)
    return library


def _marked_files() -> list[Path]:
    """Return the files with such tests, because collecting all other files takes seconds."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [path for path in files if "pytest.mark.dates" in path.read_text(encoding="utf-8")]


def _check_clock(environ: dict[str, str], instant: datetime) -> None:
    """Exit if the preloaded library has no effect, because every test would run today."""
    command = [sys.executable, "-c", "import time; print(time.time())"]
    shifted = subprocess.run(command, env=environ, capture_output=True, check=True)
    if abs(float(shifted.stdout) - instant.timestamp()) > 60:
        sys.exit("The preloaded library does not shift the clock on this system.")


def main(arguments: list[str]) -> int:
    """Run the tests for all dates, `PARALLEL_RUNS` at a time.

    Return 1 if a test fails on any date, or if there is no compiler and CI=true.
    """
    if not shutil.which("cc"):
        sys.stdout.write(f"{NO_COMPILER}\n")
        return int(os.environ.get("CI") == "true")
    now = datetime.now(UTC)
    days = clock_change_days(now) | ({} if "--changes" in arguments else special_days(now))
    with ThreadPoolExecutor(PARALLEL_RUNS) as pool:
        passed = list(pool.map(run_tests, days, days.values()))
    failed = [name for name, has_passed in zip(days, passed, strict=True) if not has_passed]
    sys.stdout.writelines(f"== failed: {name}\n" for name in failed)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

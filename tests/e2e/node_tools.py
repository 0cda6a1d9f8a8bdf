"""Find and run Node.js and commands of npm packages."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version

from tests.processes import ROOT

CLIENT = ROOT / "frontend/client"


def node() -> str:
    """Return Node's command. Without Node, skip the test, or fail it if CI=true."""
    found = shutil.which("node")
    if not found:
        _unavailable("Node.js is not installed")
    return str(found)


def tool(name: str, folder: Path = CLIENT) -> str:
    """Return a command that `npm ci` has installed in the folder. Without it, skip or fail like node().

    Skip it too if Node is older than the folder's package.json requires.
    """
    _skip_with_older_node(folder, name)
    command = folder / "node_modules" / ".bin" / name
    if not command.exists():
        _unavailable(f"no {name} here: run `npm ci` in {folder.name}/")
    return str(command)


def npm(folder: Path) -> str:
    """Return npm's command. Without one, or with a Node that is too old for the folder, skip or fail like tool()."""
    found = shutil.which("npm")
    if not found:
        _unavailable("no npm here")
    _skip_with_older_node(folder, folder.name)
    return str(found)


def install(folder: Path) -> None:
    """Install what the folder's lock file names. Where the registry cannot be reached, skip or fail like tool()."""
    command = npm(folder)
    done = subprocess.run(
        [command, "ci", "--prefer-offline", "--no-audit", "--no-fund"], cwd=folder,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert "EUSAGE" not in done.stderr, f"the lock file does not fit: {done.stderr}"
    if done.returncode:
        _unavailable(f"npm cannot install the packages of {folder.name}/: {done.stderr[:500]}")


def _skip_with_older_node(folder: Path, name: str) -> None:
    """Skip if Node is older than the folder's package.json requires."""
    package = json.loads((folder / "package.json").read_text())
    required = package["engines"]["node"].removeprefix(">=")
    found = run(node(), "--version").strip().removeprefix("v")
    if Version(found) < Version(required):  # Debian 12 has Node 18
        pytest.skip(f"{name} needs Node {required}, and this is {found}")


def _unavailable(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run(
    *command: str | Path, cwd: Path = CLIENT, timeout_seconds: float = 100, **environ: str
) -> str:
    """Return the output of a command. If the command fails, fail the test with its output."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environ, capture_output=True, text=True,
        timeout=timeout_seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

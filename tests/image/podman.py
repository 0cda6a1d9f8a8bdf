"""Podman with a storage of its own: `--root` and what else this machine may need."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.image.debian import CERTIFICATES, run
from tests.processes import ROOT

BASE = "localhost/python"
OPTIONS = [
    "--network=host",
    "--health-interval=disable",  # on request only: Podman needs systemd for the interval
    "--ulimit=nofile=4096:4096",  # some roots may not raise limits, as Podman does by default
    "--ulimit=nproc=4096:4096",
]


@dataclass
class Podman:
    """`options` come before the command."""

    options: Sequence[str]

    def __call__(self, *arguments: str) -> str:
        return run(*self.options, *arguments).strip()

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        (found,) = json.loads(self(kind, "inspect", name))
        return dict(found)

    @contextmanager
    def running(self, image: str, *options: str) -> Iterator[str]:
        """Run a container with this machine's network until the block ends, and yield its name."""
        name = f"videsk-proxy-{os.getpid()}"
        self("run", "-d", "--name", name, *OPTIONS, *options, image)
        try:
            yield name
        finally:
            self("rm", "--force", name)


@contextmanager
def podman(folder: Path) -> Iterator[Podman]:
    """Keep images and containers in the folder, which is deleted in the end."""
    command = ["podman", "--log-level=fatal", "--storage-driver=vfs"]
    command += [f"--root={folder / 'root'}", f"--runroot={folder / 'run'}"]
    if shutil.which("runc"):  # crun rejects the control groups of some virtual machines
        command.append("--runtime=runc")
    try:
        yield Podman(command)
    finally:
        shutil.rmtree(folder)


def build(podman: Podman, debian: Path, name: str) -> None:
    """Build the Dockerfile with a Debian that has Python and pip as its base image."""
    (debian / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
    with subprocess.Popen(["tar", "-C", debian, "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run([*podman.options, "import", "-", BASE], stdin=tar.stdout, check=True,
                       capture_output=True)  # fmt: skip
    pip = debian.parent / "pip.conf"
    pip.write_text(f"[global]\ncert = {CERTIFICATES}\n")
    podman(
        "build",
        "--isolation=chroot",
        "--format=docker",
        "--layers=false",  # each layer would be a copy of the whole root
        f"--from={BASE}",
        f"--volume={CERTIFICATES}:{CERTIFICATES}:ro",
        f"--volume={pip}:/etc/pip.conf:ro",
        f"--tag={name}",
        str(ROOT),
    )

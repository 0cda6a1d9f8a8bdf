"""A bare Debian in a folder, made with debootstrap. It needs root."""

import shutil
import subprocess
from pathlib import Path

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Of this machine: a proxy in front of the package registries may have a certificate of its own."""


def bootstrap(release: str, root: Path, *packages: str) -> None:
    """Install the essential packages of the release and these."""
    include = ",".join(["ca-certificates", *packages])
    run("debootstrap", "--variant=minbase", f"--include={include}", release, str(root))


def run(*command: str) -> str:
    """Run the command and return its output, which is in the error if it fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}"
    return done.stdout


MOUNT_AND_ENTER = """
mount -t proc proc "$0/proc"
mount -t sysfs sysfs "$0/sys"
mount -t devpts devpts "$0/dev/pts"
mount -t tmpfs tmpfs "$0/dev/shm"
chroot "$0" "$@"
"""


def enter(root: Path) -> list[str]:
    """Return the command that runs a command in the root, with this machine's network.

    Its mounts and processes are in namespaces of their own, and end with it.
    """
    for file in (CERTIFICATES, Path("/etc/resolv.conf"), Path("/etc/hosts")):
        shutil.copy(file, root / file.relative_to("/"))
    namespaces = ["--mount", "--pid", "--fork", "--kill-child"]
    return ["unshare", *namespaces, "sh", "-euc", MOUNT_AND_ENTER, str(root)]

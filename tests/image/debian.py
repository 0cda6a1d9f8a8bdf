"""A bare Debian in a folder, made with debootstrap. It needs root."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


@contextmanager
def usable(root: Path) -> Iterator[list[str]]:
    """Mount what programs need, and yield the command that runs one in the root.

    It has this machine's network, and a namespace of process ids that ends with the block.
    """
    for file in (CERTIFICATES, Path("/etc/resolv.conf")):
        shutil.copy(file, root / file.relative_to("/"))
    with ExitStack() as stack:
        for kind, folder in (("devpts", "dev/pts"), ("tmpfs", "dev/shm"), ("sysfs", "sys")):
            run("mount", "-t", kind, kind, str(root / folder))
            stack.callback(run, "umount", "--lazy", str(root / folder))
        yield ["unshare", "--pid", "--fork", "--kill-child", f"--mount-proc={root / 'proc'}",
               "chroot", str(root)]  # fmt: skip

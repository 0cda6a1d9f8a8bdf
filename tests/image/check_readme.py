"""The README's two commands, `make run` and `make test`, on a bare Debian: `make bare-debian`, as root.

TEST_OPTIONS, if set, are options of pytest in `make test`. `TEST_OPTIONS="-k replication"` runs a part
of the tests. Each of the four runs of pytest fails if its part is empty.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest
import requests

from tests.e2e.fleet import wait_until
from tests.image.debian import CERTIFICATES, bootstrap, enter, run
from tests.processes import ROOT, free_port

INSTALL_SECONDS = 1200
ENVIRON = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    **dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(CERTIFICATES)),
}


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What runs a command in a clone of the project, on a Debian with Python and make."""
    root = tmp_path_factory.mktemp(request.param) / "root"
    bootstrap(request.param, root, "python3", "make")
    run("git", "clone", "--quiet", str(ROOT), str(root / "videsk-proxy"))
    return [*enter(root), "env", "--default-signal=INT", "-C", "/videsk-proxy"]


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).ok
    except requests.ConnectionError:
        return False


def test_make_run_serves_until_ctrl_c(command: list[str], tmp_path: Path) -> None:
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    log = tmp_path / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "make", "run"],
            env=ENVIRON | ports,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    proxy, sandbox = (f"http://127.0.0.1:{port}" for port in ports.values())
    try:
        wait_until(
            lambda: process.poll() is not None or answers(f"{proxy}/healthz"), INSTALL_SECONDS
        )
        wait_until(lambda: answers(f"{sandbox}/demo/"))
        assert (
            requests.get(f"{proxy}/api/services", timeout=10).json()[0]["title"]
            == "Asesoría hipotecaria"
        )
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) in (0, 130, -signal.SIGINT)
        assert not answers(f"{proxy}/healthz")
    finally:
        print(log.read_text())  # noqa: T201 - shown if the test fails
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_make_test_passes(command: list[str]) -> None:
    environ = ENVIRON | {"PYTEST_ADDOPTS": os.environ.get("TEST_OPTIONS", "")}
    done = subprocess.run(
        [*command, "make", "test"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)  # noqa: T201 - shown if the test fails
    assert done.returncode == 0

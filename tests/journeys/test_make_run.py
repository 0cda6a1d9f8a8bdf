"""`make run`, the newcomer's first command: it starts both servers, and Ctrl-C ends both."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.client import Client
from tests.processes import ROOT

PROXY, SANDBOX = 8000, 9000
START_SECONDS = 60
STOP_SECONDS = 15


@pytest.fixture
def make_run(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`make run` in a process group of its own, as a terminal would start it; output to a file.

    `env` undoes an ignored SIGINT, which a job in the background of a script inherits.
    """
    for port in (PROXY, SANDBOX):
        assert not listens(port), (
            f"port {port} is taken, which `make run` needs: is another `make run` up? "
            f"`ss -ltnp 'sport = :{port}'` tells whose it is."
        )
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            ["env", "--default-signal=INT", "make", "run"],
            cwd=ROOT,
            env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=STOP_SECONDS)


def test_make_run_serves_and_ctrl_c_ends_everything(
    make_run: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    proxy = Client(f"http://127.0.0.1:{PROXY}")
    wait_until_healthy(proxy, make_run, tmp_path / "output")
    services = proxy.get("/api/services")
    assert (services.status_code, services.json()[0]["title"]) == (200, "My service")
    page = Client(f"http://127.0.0.1:{SANDBOX}").get("/demo/")
    assert (page.status_code, "<title>Book an appointment</title>" in page.text) == (200, True)

    os.killpg(make_run.pid, signal.SIGINT)
    status = make_run.wait(timeout=STOP_SECONDS)
    output = (tmp_path / "output").read_text()
    # GNU make, once its recipe has ended well, ends itself by the SIGINT that it got, whatever the
    # recipe's status: a shell shows 130. A recipe that failed would be `make: *** … Error`, status 2.
    assert status in (0, -signal.SIGINT), output
    assert "***" not in output
    assert f"http://127.0.0.1:{PROXY}/api/docs" in output
    assert f"http://127.0.0.1:{SANDBOX}/demo/" in output
    for port in (PROXY, SANDBOX):
        assert not listens(port), f"something still listens on {port}:\n{output}"
    assert processes_of_session(make_run.pid) == []


def wait_until_healthy(proxy: Client, process: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if listens(SANDBOX) and proxy.get("/healthz").status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"`make run` did not come up:\n{output.read_text()}")


def listens(port: int) -> bool:
    """Whether anything can be reached on that port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def processes_of_session(session: int) -> list[int]:
    """Processes that `make run` left behind; honcho's children have sessions, and ports, of their own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                found.append(int(folder.name))
        except ProcessLookupError:
            continue
    return found

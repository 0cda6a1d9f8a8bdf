"""`make run` starts the sandbox and the proxy, and Ctrl-C stops both."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.client import Client, bearer
from tests.processes import ROOT, free_port

START_SECONDS = 60
STOP_SECONDS = 15


@dataclass
class MakeRun:
    """A `make run` in its own process group, as a terminal starts it."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text()


Start = Callable[..., MakeRun]


@pytest.fixture
def make_run(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts it with variables, such as `make_run(PORT="8001")`.

    `env` restores SIGINT, which background jobs of a script ignore.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(**variables: str) -> MakeRun:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        log = tmp_path / "output"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["env", "--default-signal=INT", "make", "run"],
                cwd=ROOT,
                env=kept | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return MakeRun(process, log)

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=STOP_SECONDS)


def test_make_run_serves_and_ctrl_c_ends_everything(make_run: Start) -> None:
    ports = free_port(), free_port()
    run = make_run(PORT=str(ports[0]), SANDBOX_PORT=str(ports[1]))
    proxy, sandbox = (Client(f"http://127.0.0.1:{port}") for port in ports)
    wait_until_healthy(proxy, ports[1], run)
    services = proxy.get("/api/services", headers={"Origin": f"http://localhost:{ports[1]}"})
    assert (services.status_code, services.json()[0]["title"]) == (200, "Asesoría hipotecaria")
    assert "Access-Control-Allow-Origin" in services.headers
    page = sandbox.get("/demo/")
    assert (page.status_code, "<title>Book an appointment</title>" in page.text) == (200, True)
    assert f'src="http://127.0.0.1:{ports[0]}/widget/v1/videsk-booking.js"' in page.text

    # Trying the page takes more POSTs in a minute than a customer sends.
    statuses = {proxy.post("/api/appointment/cancel", {}, headers=bearer("a.b.c")).status_code for _ in range(30)}  # fmt: skip
    assert statuses == {401}

    os.killpg(run.process.pid, signal.SIGINT)
    status = run.process.wait(timeout=STOP_SECONDS)
    # If the recipe succeeds, GNU make ends with the SIGINT that it received, and a shell shows 130.
    # If the recipe fails, make prints `make: *** … Error` and its status is 2.
    assert status in (0, -signal.SIGINT), run.output()
    assert "***" not in run.output()
    assert f"{proxy.url}/api/docs" in run.output()
    assert f"{sandbox.url}/demo/" in run.output()
    for port in ports:
        assert not listens(port), f"a process still listens on {port}:\n{run.output()}"
    assert processes_of_session(run.process.pid) == []


@pytest.mark.parametrize("name", ["PORT", "SANDBOX_PORT"])
def test_a_port_in_use_is_reported_in_one_line(make_run: Start, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = make_run(
            **{"PORT": str(free_port()), "SANDBOX_PORT": str(free_port()), name: str(port)}
        )
        assert run.process.wait(timeout=START_SECONDS) == 2
    refusal = f"Port {port} is already in use. Stop what uses it, or choose another one, as in: {name}={port + 1} make run"
    assert without_make_messages(run) == [refusal]


def test_the_same_port_for_both_is_reported_in_one_line(make_run: Start) -> None:
    port = str(free_port())
    run = make_run(PORT=port, SANDBOX_PORT=port)
    assert run.process.wait(timeout=START_SECONDS) == 2
    assert without_make_messages(run) == ["PORT and SANDBOX_PORT must differ."]


@pytest.mark.parametrize("text", ["http", "0", "65536", "8000 9000"])
def test_an_invalid_port_is_reported_in_one_line(make_run: Start, text: str) -> None:
    run = make_run(SANDBOX_PORT=text)
    assert run.process.wait(timeout=START_SECONDS) == 2
    assert without_make_messages(run) == [f"SANDBOX_PORT must be a number from 1 to 65535, not {text!r}."]  # fmt: skip


def without_make_messages(run: MakeRun) -> list[str]:
    """Return the lines of the output without make's message about a failed recipe."""
    return [line for line in run.output().splitlines() if not line.startswith("make: ***")]


def wait_until_healthy(proxy: Client, sandbox_port: int, run: MakeRun) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and run.process.poll() is None:
        try:
            if listens(sandbox_port) and proxy.get("/healthz").status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"`make run` did not come up:\n{run.output()}")


def listens(port: int) -> bool:
    """Whether a process listens on this port of the machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def processes_of_session(session: int) -> list[int]:
    """Return the processes of a session. honcho starts its children in their own sessions."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                found.append(int(folder.name))
        except ProcessLookupError:
            continue
    return found

"""The systemd units and the nginx site of docs/deploy.md: they are valid, a restart loses no request, and
an outage is logged.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
import requests

from tests.client import JOHN
from tests.days import YEAR
from tests.e2e.fleet import wait_until
from tests.e2e.pages import DEPLOY
from tests.processes import (
    ROOT,
    Process,
    Sandbox,
    clean_environ,
    free_port,
    running_server,
    start_command,
)
from tests.timing import TIMING

SOCKET, SERVICE = (text for _, text in DEPLOY.blocks("ini"))
((_, SITE),) = DEPLOY.blocks("nginx")
READ = f"/api/users/{JOHN}/hours?date={YEAR}-05-06&timezone=UTC"
CLIENTS = 8
RESTART_SECONDS = 12
"""How long a client may wait during a restart on a busy machine. Usually it is 1 to 2 s."""

analyze = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)
nginx = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")


def write_units(folder: Path) -> list[str]:
    """Write the units with an existing command and environment file, and return their paths."""
    (folder / "videsk-proxy.env").touch()
    service = SERVICE.replace("/opt/videsk-proxy/.venv/bin/gunicorn", shutil.which("true") or "")
    service = service.replace("/etc/videsk-proxy.env", str(folder / "videsk-proxy.env"))
    service = service.replace("WorkingDirectory=/opt/videsk-proxy", f"WorkingDirectory={folder}")
    (folder / "videsk-proxy.service").write_text(service)
    (folder / "videsk-proxy.socket").write_text(SOCKET)
    return [str(folder / f"videsk-proxy.{kind}") for kind in ("socket", "service")]


def systemd_analyze(*arguments: str) -> None:
    """Run systemd-analyze, and check that it succeeds without warnings."""
    done = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


@analyze
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    systemd_analyze("verify", *write_units(tmp_path))


@analyze
def test_the_service_has_the_documented_exposure_score(tmp_path: Path) -> None:
    (exposure,) = re.findall(r"at (\d)\.(\d) of 10", DEPLOY.text)
    _, service = write_units(tmp_path)
    systemd_analyze("security", "--offline=yes", f"--threshold={int(''.join(exposure))}", service)


@contextmanager
def open_socket() -> Iterator[socket.socket]:
    """Open the unit's socket on a free port."""
    assert "ListenStream=127.0.0.1:8000\n" in SOCKET
    with socket.create_server(("127.0.0.1", free_port()), backlog=4096) as listener:
        yield listener


def start(listener: socket.socket, environ: dict[str, str], log: Path) -> Process:
    """Start the unit's command with the socket as file descriptor 3, as systemd does.

    https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
    """
    (command,) = re.findall(r"^ExecStart=/opt/videsk-proxy/\.venv/bin/(.+)$", SERVICE, re.M)
    number = os.dup(listener.fileno())
    os.set_inheritable(number, True)
    script = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{number} {number}<&-'
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command.split()],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[number],
        )
    os.close(number)
    return process


@contextmanager
def service(
    sandbox: Sandbox, redis_url: str, listener: socket.socket, tmp_path: Path
) -> Iterator["Service"]:
    """Run the service until the block ends."""
    environ = clean_environ() | {
        "VIDESK_API_KEY": sandbox.keys["backend"],
        "VIDESK_BASE_URL": sandbox.url,
        "VIDESK_ACCOUNT": "main",
        "REDIS_URL": redis_url,
        "WEB_CONCURRENCY": "2",
        "TRUSTED_PROXIES": "1",
        "CLIENT_RATE_LIMIT": "1000000/minute",
        "TMPDIR": str(tmp_path),
    }
    server = Service(listener, environ, tmp_path / "log")
    try:
        yield server
    finally:
        server.kill()


class Service:
    def __init__(self, listener: socket.socket, environ: dict[str, str], log: Path) -> None:
        self._arguments = listener, environ, log
        self.log = log
        self.process = start(*self._arguments)

    def restart(self) -> None:
        """Restart it as `systemctl restart` does."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        self.process = start(*self._arguments)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def load(url: str) -> Iterator[list[tuple[object, float]]]:
    """Send requests from CLIENTS clients, each over a new connection, until the block ends.

    Yields the list of their statuses, or errors, and seconds.
    """
    ended, results = Event(), []

    def send() -> None:
        while not ended.is_set():
            started = monotonic()
            try:
                status: object = requests.get(url, timeout=30).status_code
            except requests.RequestException as error:
                status = type(error).__name__
            results.append((status, monotonic() - started))

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(CLIENTS):
            pool.submit(send)
        try:
            yield results
        finally:
            ended.set()


def wait_for_more(results: Sequence[object]) -> None:
    """Wait for 100 more results."""
    before = len(results)
    wait_until(lambda: len(results) > before + 100, seconds=30)


def restart_under_load(unit: Service, url: str) -> None:
    """Restart the service twice, and check that every request gets its response."""
    assert requests.get(url, timeout=30).status_code == 200
    with load(url) as results:
        for _ in range(2):
            wait_for_more(results)
            unit.restart()
            wait_for_more(results)
    assert {status for status, _ in results} == {200}
    assert max(seconds for _, seconds in results) < RESTART_SECONDS


@TIMING
def test_a_restart_refuses_no_connection(sandbox: Sandbox, redis_url: str, tmp_path: Path) -> None:
    with open_socket() as listener, service(sandbox, redis_url, listener, tmp_path) as unit:
        port = listener.getsockname()[1]
        restart_under_load(unit, f"http://127.0.0.1:{port}{READ}")


@contextmanager
def documented_nginx(proxy_port: int, folder: Path) -> Iterator[int]:
    """Run nginx with the page's site, and yield its port."""
    port = free_port()
    site = SITE.replace("127.0.0.1:8000", f"127.0.0.1:{proxy_port}")
    site = re.sub(r"listen .*80;\n", "", site).replace(
        "server_name", f"listen 127.0.0.1:{port};\n    server_name"
    )
    site = site.replace("/var/log/nginx/", f"{folder}/")
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\npid {folder}/pid;\nevents {{}}\nhttp {{\n{paths}{site}}}\n"
    )
    command = ["nginx", "-p", str(folder), "-e", "error.log", "-c", "nginx.conf"]
    with running_server(command, port, start=start_command):
        yield port


@nginx
@TIMING
def test_a_restart_behind_nginx_loses_no_request_and_an_outage_is_logged(
    sandbox: Sandbox, redis_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "videsk-proxy.log"
    with open_socket() as listener:
        proxy_port = listener.getsockname()[1]
        with documented_nginx(proxy_port, tmp_path) as port:
            url = f"http://127.0.0.1:{port}{READ}"
            with service(sandbox, redis_url, listener, tmp_path) as unit:
                restart_under_load(unit, url)
            assert log.read_text() == ""
            listener.close()
            headers = {"Referer": "https://www.your-shop.example/?token=s3cr3t"}
            assert requests.get(f"{url}&s3cr3t", headers=headers, timeout=30).status_code == 502
            wait_until(lambda: re.search(r" 502 seconds=[\d.]+ request_id=-\n$", log.read_text()))
    written = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "s3cr3t" not in written

"""Start the processes that the tests use: Redis, the sandbox, and gunicorn with the proxy.

Each listens on a free loopback port, writes its output to a file and is killed at the end of the block.
"""

import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import requests
from redis import ConnectionError as RedisConnectionError
from redis import Redis

ROOT = Path(__file__).parent.parent
START_SECONDS = 20


def local_redis_url(port: int) -> str:
    """Return the REDIS_URL of a Redis server on this machine."""
    return f"redis://127.0.0.1:{port}"


class Process(Protocol):
    """A `subprocess.Popen`, or a ForkedGunicorn (tests/gunicorn_forks.py)."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


Start = Callable[[Sequence[str], Mapping[str, str], Path], Process]


def start_command(command: Sequence[str], environ: Mapping[str, str], log: Path) -> Process:
    """Start the command, with its output in the file `log`."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environ,
            start_new_session=True,
        )


start_gunicorn: Start = start_command
"""How `proxy_server` starts gunicorn. tests/conftest.py replaces it with ForkedGunicorn."""


@dataclass
class ServerProcess:
    """A process that accepts connections on a port."""

    process: Process
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def redis_url(self) -> str:
        """The REDIS_URL, if the process is a Redis server."""
        return local_redis_url(self.port)

    def output(self) -> str:
        return self.log.read_text(errors="replace")


RUNNING_SERVERS: list[ServerProcess] = []
"""The processes that are running. The report of a failed test contains their last output."""


@contextmanager
def running_server(
    command: Sequence[str],
    port: int,
    environ: Mapping[str, str] | None = None,
    start: Start = start_command,
) -> Iterator[ServerProcess]:
    """Start the command, wait until its port accepts connections, and kill it after the block.

    Its children are killed too, because gunicorn takes more than a second to stop. Temporary files
    go to a folder that is deleted afterwards.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder, "output")
        log.touch()
        process = start(command, clean_environ() | {"TMPDIR": folder} | dict(environ or {}), log)
        server = ServerProcess(process, port, log)
        try:
            _wait_for_port(server)
            RUNNING_SERVERS.append(server)
            yield server
        finally:
            if server in RUNNING_SERVERS:
                RUNNING_SERVERS.remove(server)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def clean_environ() -> dict[str, str]:
    """Return this process's environment without the proxy's settings.

    LD_PRELOAD is kept for the shifted clock of tests/shifted_clock.py.
    """
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "LD_PRELOAD")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _wait_for_port(server: ServerProcess) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"the server did not start:\n{server.output()}")


@cache
def gunicorn_settings() -> dict[str, str]:
    """Return gunicorn's settings with gunicorn.conf.py loaded, as `--print-config` prints them."""
    with TemporaryDirectory() as folder:
        environ = clean_environ() | {"VIDESK_API_KEY": "a-key-of-the-tests", "TMPDIR": folder}
        command = ["gunicorn", "--print-config", "app:app"]
        printed = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True
        ).stdout
    settings = [line.partition("=") for line in printed.splitlines() if " = " in line]
    return {name.strip(): value.strip() for name, _, value in settings}


_PORTS_PER_PROCESS = 2_000


@cache
def _ports() -> Iterator[int]:
    """Yield the ports of this process of pytest-xdist, in random order, and then again.

    Processes with a common range sometimes gave a port to two servers that started together, and
    one test then tested the server of another.
    """
    index = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 11
    ports = [10_000 + index * _PORTS_PER_PROCESS + offset for offset in range(_PORTS_PER_PROCESS)]
    random.SystemRandom().shuffle(ports)
    return itertools.cycle(ports)


def free_port() -> int:
    """Return an unused port outside the range of ephemeral ports."""
    while True:
        port = next(_ports())
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@contextmanager
def redis_server(
    port: int | None = None, *options: str, environ: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Run a Redis server without persistence."""
    port = port or free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--rdbcompression", "no"]
    command += ["--bind", "127.0.0.1", *options]
    with running_server(command, port, environ) as server:
        while True:
            try:
                Redis(port=port).ping()
            except RedisConnectionError:
                time.sleep(0.02)
            else:
                break
        yield server


def dump_all(redis: Redis) -> dict[bytes, bytes]:
    """Return each key with its serialized value (DUMP)."""
    return {key: redis.dump(key) or b"" for key in redis.scan_iter()}


@dataclass
class Sandbox(ServerProcess):
    """A running sandbox, with methods for its control routes."""

    keys: dict[str, str] = field(default_factory=dict)

    def reset(self) -> None:
        """Restore the seed, remove faults and the rate limit, and empty the request log."""
        self.control("POST", "reset")
        self.control("POST", "rate", {"limit": None})

    def control(self, method: str, path: str, body: object = None) -> requests.Response:
        response = requests.request(method, f"{self.url}/__sandbox__/{path}", json=body, timeout=10)
        assert response.ok, response.text
        return response

    def fault(self, fault: str, **options: object) -> None:
        self.control("POST", "faults", {"fault": fault, **options})

    def request_log(self) -> list[dict[str, object]]:
        """Return every request that Videsk received, oldest first."""
        entries: list[dict[str, object]] = self.control("GET", "requests").json()
        return entries

    def clear_request_log(self) -> None:
        self.control("DELETE", "requests")

    def appointments(self) -> list[dict[str, object]]:
        appointments: list[dict[str, object]] = self.control("GET", "appointments").json()
        return appointments


@contextmanager
def sandbox_server(*options: str) -> Iterator[Sandbox]:
    """Run the sandbox, a fake Videsk, with these further options of its command line."""
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), *options]
    with running_server(command, port) as server:
        sandbox = Sandbox(server.process, server.port, server.log)
        sandbox.keys = sandbox.control("GET", "keys").json()
        sandbox.reset()
        yield sandbox


@contextmanager
def proxy_server(
    sandbox: Sandbox, app: str = "app:app", **settings: str
) -> Iterator[ServerProcess]:
    """Run the proxy as the Procfile does, with the sandbox as Videsk. Without a PORT, it gets a free one."""
    port = int(settings.get("PORT", free_port()))
    environ = {
        "VIDESK_API_KEY": sandbox.keys["backend"],
        "VIDESK_BASE_URL": sandbox.url,
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "VIDESK_RATE_LIMIT": "10000",
        "CLIENT_RATE_LIMIT": "1000000/minute",
        "BOOKING_RATE_LIMIT": "1000000/minute",
        "DEFAULT_REFERRER": "tests",
    }
    with running_server(["gunicorn", app], port, environ | settings, start_gunicorn) as server:
        while requests.get(f"{server.url}/healthz", timeout=10).status_code != 200:
            time.sleep(0.02)
        yield server

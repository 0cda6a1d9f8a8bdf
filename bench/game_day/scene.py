"""The processes that the faults affect: two instances with sockets, Sentinels, and Videsk."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from bench.game_day.visitors import Request
from tests.e2e.fleet import wait_until, workers_of
from tests.e2e.metrics import TOKEN
from tests.e2e.redis.topologies import Sentinels, sentinels
from tests.e2e.test_systemd import Service, open_socket
from tests.processes import Sandbox, ServerProcess, clean_environ, redis_server, sandbox_server

LIMIT = 20
VIDESK_TIMEOUT = 5
REDIS = ("--maxmemory", "64mb", "--maxmemory-policy", "noeviction")


@dataclass
class Instance:
    """An instance of two workers that is restarted as systemd does, which keeps its socket open."""

    port: int
    environ: dict[str, str]
    service: Service

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def restart(self) -> None:
        self.service.restart()
        self.wait()

    def wait(self) -> None:
        wait_until(lambda: requests.get(f"{self.url}/healthz", timeout=30).ok, seconds=30)

    def workers(self) -> list[int]:
        return workers_of(ServerProcess(self.service.process, self.port, Path(os.devnull)))


@dataclass
class Scene:
    """Everything that runs, until `stack` is closed."""

    folder: Path
    stack: ExitStack
    sandbox: Sandbox
    redis: Sentinels
    instances: list[Instance]
    crowd: list[Request]

    def kill_redis(self, *servers: ServerProcess) -> None:
        for server in servers:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()

    def start_redis(self, port: int, primary: int = 0) -> None:
        """Start a server on the port of one that has ended, as a replica of a primary if given."""
        options = ["--repl-diskless-sync-delay", "0", "--dir", str(self.folder), *REDIS]
        if primary:
            options += ["--replicaof", f"127.0.0.1 {primary}"]
        server = self.stack.enter_context(redis_server(port, *options))
        self.redis.servers = [old for old in self.redis.servers if old.port != port] + [server]


@contextmanager
def set_up(folder: Path) -> Iterator[Scene]:
    """Start everything. The limits per client are off: all visitors share one address."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(sandbox_server())
        sandbox.control("POST", "rate", {"limit": LIMIT})
        redis = stack.enter_context(sentinels(folder, *REDIS))
        scene = Scene(folder, stack, sandbox, redis, [], [])
        for number in range(2):
            scene.instances.append(_instance(scene, folder / f"instance-{number}"))
        for instance in scene.instances:
            instance.wait()
        yield scene


def _instance(scene: Scene, folder: Path) -> Instance:
    folder.mkdir()
    listener = scene.stack.enter_context(open_socket())
    environ = clean_environ() | {
        "VIDESK_API_KEY": scene.sandbox.keys["backend"],
        "VIDESK_BASE_URL": scene.sandbox.url,
        "VIDESK_ACCOUNT": "game-day",
        "VIDESK_RATE_LIMIT": str(LIMIT),
        "VIDESK_TIMEOUT": str(VIDESK_TIMEOUT),
        "REDIS_URL": scene.redis.url,
        "METRICS_TOKEN": TOKEN,
        "WEB_CONCURRENCY": "2",
        "CLIENT_RATE_LIMIT": "1000000/minute",
        "BOOKING_RATE_LIMIT": "1000000/minute",
        "TMPDIR": str(folder),
    }
    instance = Instance(
        listener.getsockname()[1], environ, Service(listener, environ, folder / "log")
    )
    scene.stack.callback(instance.service.kill)
    return instance

"""The image is built and run with Podman: `make image`, as root.

No registry of images is needed: the base is a Debian 12, whose Python is that of the Dockerfile.
"""

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import pytest
import requests

from tests.client import JOHN
from tests.days import YEAR
from tests.e2e.fleet import wait_until
from tests.e2e.pages import DEPLOY
from tests.image.debian import bootstrap
from tests.image.podman import BASE, OPTIONS, Podman, build, podman
from tests.processes import Sandbox, free_port

IMAGE = "localhost/videsk-proxy"
SIZE = 80_000_000
"""Over the base image, in bytes; it is 50 MB."""

DOCUMENTED = re.findall(r"--read-only[^\\]*", DEPLOY.text)[0].split()
"""The options of `docker run` in docs/deploy.md from this one on."""

SLOW = f"/api/users/{JOHN}/hours?date={YEAR}-05-06&timezone=UTC"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    folder = tmp_path_factory.mktemp("image")
    bootstrap("bookworm", folder / "debian", "python3", "python3-pip", "python-is-python3")
    with podman(folder / "storage") as command:
        build(command, folder / "debian", IMAGE)
        yield command


class Container:
    """One that runs the image with the documented options and these settings."""

    def __init__(self, podman: Podman, sandbox: Sandbox, *options: str, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {
            "VIDESK_API_KEY": sandbox.keys["backend"],
            "VIDESK_BASE_URL": sandbox.url,
            "PORT": str(self.port),
        }
        variables = [f"--env={name}={value}" for name, value in (given | settings).items()]
        self._running = podman.running(IMAGE, *DOCUMENTED, *variables, *options)

    def __enter__(self) -> "Container":
        self.name = self._running.__enter__()
        wait_until(self.is_up, seconds=30)
        return self

    def __exit__(self, *details: object) -> None:
        self._running.__exit__(None, None, None)

    def is_up(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=10).ok
        except requests.ConnectionError:
            return False


def test_it_serves_on_a_read_only_root_without_privileges_and_is_healthy(
    image: Podman, sandbox: Sandbox
) -> None:
    assert DOCUMENTED == ["--read-only", "--tmpfs", "/tmp", "--stop-timeout", "30"]  # noqa: S108
    with Container(image, sandbox) as container:
        assert requests.get(f"{container.url}/api/services", timeout=10).status_code == 200
        assert image("exec", container.name, "id", "-u") == "65534"
        with pytest.raises(AssertionError, match="Read-only file system"):
            image("exec", container.name, "touch", "/app/file")
        image("healthcheck", "run", container.name)
        report = image("exec", container.name, "python", "-m", "doctor", "--offline")
        assert "VIDESK_API_KEY" in report


def test_a_container_whose_workers_hang_is_unhealthy(image: Podman, sandbox: Sandbox) -> None:
    with Container(image, sandbox) as container:
        state = image.inspect("container", container.name)["State"]
        master = str(state["Pid"])
        for worker in Path("/proc", master, "task", master, "children").read_text().split():
            os.kill(int(worker), signal.SIGSTOP)
        with pytest.raises(AssertionError):
            image("healthcheck", "run", container.name)


def test_a_stop_finishes_the_request_in_progress(image: Podman, sandbox: Sandbox) -> None:
    sandbox.fault("delay", seconds=3)
    with Container(image, sandbox) as container, ThreadPoolExecutor() as pool:
        reading = pool.submit(requests.get, container.url + SLOW, timeout=30)
        wait_until(sandbox.request_log)
        started = monotonic()
        image("stop", container.name)
        assert reading.result().status_code == 200
        assert 1 < monotonic() - started < 20
        state = image.inspect("container", container.name)["State"]
        assert (state["Status"], state["ExitCode"]) == ("exited", 0)
        assert "Shutting down: Master" in image("logs", container.name)


@pytest.mark.parametrize("cpus", ["1", "2"])
def test_workers_follow_the_cpu_limit(
    image: Podman, sandbox: Sandbox, redis_url: str, cpus: str
) -> None:
    with Container(image, sandbox, f"--cpus={cpus}", REDIS_URL=redis_url) as container:
        sleep(1)
        assert image("logs", container.name).count("Booting worker") == int(cpus)


def test_it_contains_what_runs_and_little_else(image: Podman) -> None:
    files = image("run", "--rm", *OPTIONS, "--entrypoint=find", IMAGE, "/app").splitlines()
    top = {Path(file).relative_to("/app").parts[0] for file in files if file != "/app"}
    assert {"app.py", "gunicorn.conf.py", "web", "frontend"} <= top
    assert not top & {"tests", "sandbox", "bench", "docs", ".git", ".venv", "secrets"}
    assert not [name for name in top if name.startswith(".env")]
    sizes = [image.inspect("image", name)["Size"] for name in (IMAGE, BASE)]
    over = int(str(sizes[0])) - int(str(sizes[1]))
    print(f"\n{over / 1e6:.0f} MB over the base image")  # noqa: T201 - a figure
    assert over < SIZE

"""Start the proxy, peers and baselines by name, with the same sandbox and Redis.

All get the same settings as environment variables, and two workers.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import requests
from redis import Redis

from bench.memory import tree_cpu_seconds, tree_megabytes
from bench.report import Row
from tests.processes import ROOT, Sandbox, ServerProcess, free_port, running_server

PROXY = "this proxy"
ORIGIN = "https://www.your-shop.example"
TTLS = {"SERVICES": 300, "DATES": 60, "HOURS": 5}
STALE = {"SERVICES": 86400, "DATES": 600, "HOURS": 30}
START_SECONDS = 20

_PEERS = ROOT / "bench" / "peers"
_UVICORN = ROOT / "bench" / ".peers" / "fastapi" / "bin" / "uvicorn"
_GRANIAN = ROOT / "bench" / ".peers" / "fastapi" / "bin" / "granian"
_EXPRESS = _PEERS / "node" / "express.mjs"
_FASTIFY = _PEERS / "node" / "fastify.mjs"

Settings = Mapping[str, str]


@dataclass(frozen=True)
class _Server:
    """How to start a server. `command`: from its settings and its folder."""

    command: Callable[[Settings, Path], list[str]]
    requirements: Sequence[str | Path] = ()
    """Required programs and files. Without them, the server is not measured."""


def _command(*command: str | Path) -> Callable[[Settings, Path], list[str]]:
    return lambda _settings, _folder: [*map(str, command)]


def _nginx(settings: Settings, folder: Path) -> list[str]:
    folder.chmod(0o755)  # its workers drop root privileges
    return ["nginx", "-p", str(folder), "-c", str(_render_template("nginx.conf", settings, folder))]


def _varnish(settings: Settings, folder: Path) -> list[str]:
    folder.chmod(0o755)
    script = _render_template("varnish.vcl", settings, folder)
    address = f"127.0.0.1:{settings['PORT']}"
    return ["varnishd", "-F", "-n", str(folder / "run"), "-a", address, "-f", str(script)]


def _render_template(name: str, settings: Settings, folder: Path) -> Path:
    """Fill the template with the settings, and return the path of the result."""
    values = {
        **settings,
        **{f"{read}_KEPT": str(int(settings[f"{read}_TTL"]) + STALE[read]) for read in TTLS},
        "CLIENT_RATE_LIMIT": settings["CLIENT_RATE_LIMIT"].removesuffix("/minute"),
        "VIDESK_HOST": settings["VIDESK_BASE_URL"].removeprefix("http://"),
        "FOLDER": str(folder),
    }
    filled = folder / name
    filled.write_text(Template((_PEERS / f"{name}.template").read_text()).safe_substitute(values))
    return filled


_THREADS = ("gunicorn", "-c", _PEERS / "threads.py")
SERVERS = {
    PROXY: _Server(_command("gunicorn", "app:app")),
    "the tutorial's version": _Server(_command(*_THREADS, "bench.peers.tutorial:app")),
    "FastAPI": _Server(
        lambda settings, _: [
            *(str(_UVICORN), "bench.peers.asgi:app", "--workers", "2", "--no-access-log"),
            *("--port", settings["PORT"]),
        ],
        [_UVICORN],
    ),
    "Express": _Server(_command("node", _EXPRESS), ["node", _PEERS / "node/node_modules/express"]),
    "Fastify": _Server(_command("node", _FASTIFY), ["node", _PEERS / "node/node_modules/fastify"]),
    "nginx": _Server(_nginx, ["nginx"]),
    "Varnish": _Server(_varnish, ["varnishd"]),
    "an empty WSGI application": _Server(_command("gunicorn", "bench.empty_wsgi:app")),
    "an empty WSGI application on Granian": _Server(
        lambda settings, _: [
            *(str(_GRANIAN), "bench.empty_wsgi:app", "--interface", "wsgi", "--workers", "2"),
            *("--port", settings["PORT"]),
        ],
        [_GRANIAN],
    ),
    "bare Flask": _Server(_command("gunicorn", "bench.baselines:flask")),
    "bare Flask on threads": _Server(_command(*_THREADS, "bench.baselines:flask")),
}
BASELINES = (
    "an empty WSGI application",
    "an empty WSGI application on Granian",
    "bare Flask",
    "bare Flask on threads",
)
PEERS = tuple(name for name in SERVERS if name not in BASELINES)
"""Servers that do the job of the proxy, including the proxy."""


@dataclass
class Candidate:
    """A running server."""

    name: str
    server: ServerProcess
    redis_url: str

    @property
    def port(self) -> int:
        return self.server.port

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.server.url + path, headers=headers, timeout=30)

    def flush_redis(self) -> None:
        """Delete everything that it stored in Redis."""
        Redis.from_url(self.redis_url).flushdb()

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes, without Redis."""
        return tree_cpu_seconds(self.server.process.pid)

    def megabytes(self) -> float:
        """Return the memory (PSS) of all its processes in MB."""
        return tree_megabytes(self.server.process.pid)


def not_measured(names: Sequence[str]) -> list[Row]:
    """Return a row for each server that is not installed."""
    return [Row(f"Not measured: {name}", missing(name)) for name in names if missing(name)]


def rotate(candidates: Sequence[Candidate], number: int) -> list[Candidate]:
    """Return all candidates, in a different order for each round."""
    first = number % len(candidates)
    return [*candidates[first:], *candidates[:first]]


def missing(name: str) -> str:
    """Return why a server cannot be measured, or an empty string."""
    absent = [
        str(requirement)
        for requirement in SERVERS[name].requirements
        if not (
            requirement.exists() if isinstance(requirement, Path) else shutil.which(requirement)
        )
    ]
    return f"not installed: {', '.join(absent)}" if absent else ""


@contextmanager
def start_server(name: str, sandbox: Sandbox, redis_url: str, **more: str) -> Iterator[Candidate]:
    """Start a server with these settings, and wait until it responds."""
    port = free_port()
    settings = {
        "VIDESK_API_KEY": sandbox.keys["backend"],
        "VIDESK_BASE_URL": sandbox.url,
        "REDIS_URL": redis_url,
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "CORS_ORIGINS": ORIGIN,
        "CLIENT_RATE_LIMIT": "10000000/minute",
        "BOOKING_RATE_LIMIT": "1000000/minute",
        "VIDESK_RATE_LIMIT": "10000",
        "NODE_ENV": "production",
        **{f"{read}_TTL": str(seconds) for read, seconds in TTLS.items()},
        **{f"{read}_STALE": str(seconds) for read, seconds in STALE.items()},
        **more,
    }
    with TemporaryDirectory(prefix="bench-") as folder:
        command = SERVERS[name].command(settings, Path(folder))
        with running_server(command, port, settings) as server:
            candidate = Candidate(name, server, redis_url)
            _wait_until_ready(candidate)
            yield candidate


@contextmanager
def start_all(
    names: Sequence[str], sandbox: Sandbox, redis_port: int, **more: str
) -> Iterator[list[Candidate]]:
    """Start all installed servers, each with its own Redis database."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                start_server(name, sandbox, f"redis://127.0.0.1:{redis_port}/{number}", **more)
            )
            for number, name in enumerate(names)
            if not missing(name)
        ]


def _wait_until_ready(candidate: Candidate) -> None:
    """Wait until it returns the list of services, which is a 404 for baselines."""
    end = monotonic() + START_SECONDS
    expected = {200, 404} if candidate.name in BASELINES else {200}
    while monotonic() < end:
        try:
            if candidate.get("/api/services").status_code in expected:
                return
        except requests.ConnectionError:
            pass
        sleep(0.005)
    raise AssertionError(f"{candidate.name} does not respond:\n{candidate.server.output()}")

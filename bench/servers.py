"""The proxy, its peers and the floors, each started by one name before the same sandbox and Redis.

All get the same settings by the same environment variables, and two workers.
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

from bench.figures import Row
from bench.memory import family_cpu_seconds, family_megabytes
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
class _Kind:
    """How one is started: the command, by its settings and a folder of its own."""

    command: Callable[[Settings, Path], list[str]]
    needs: Sequence[str | Path] = ()
    """Programs and files without which it is not measured."""


def _plainly(*command: str | Path) -> Callable[[Settings, Path], list[str]]:
    return lambda _settings, _folder: [*map(str, command)]


def _nginx(settings: Settings, folder: Path) -> list[str]:
    folder.chmod(0o755)  # its workers give up root
    return ["nginx", "-p", str(folder), "-c", str(_fill("nginx.conf", settings, folder))]


def _varnish(settings: Settings, folder: Path) -> list[str]:
    folder.chmod(0o755)
    script = _fill("varnish.vcl", settings, folder)
    address = f"127.0.0.1:{settings['PORT']}"
    return ["varnishd", "-F", "-n", str(folder / "run"), "-a", address, "-f", str(script)]


def _fill(name: str, settings: Settings, folder: Path) -> Path:
    """The template with the settings in it; the key is the sandbox's."""
    values = {
        **settings,
        **{f"{what}_KEPT": str(int(settings[f"{what}_TTL"]) + STALE[what]) for what in TTLS},
        "CLIENT_RATE_LIMIT": settings["CLIENT_RATE_LIMIT"].removesuffix("/minute"),
        "VIDESK_HOST": settings["VIDESK_BASE_URL"].removeprefix("http://"),
        "FOLDER": str(folder),
    }
    filled = folder / name
    filled.write_text(Template((_PEERS / f"{name}.template").read_text()).safe_substitute(values))
    return filled


_THREADS = ("gunicorn", "-c", _PEERS / "threads.py")
KINDS = {
    PROXY: _Kind(_plainly("gunicorn", "app:app")),
    "the tutorial's version": _Kind(_plainly(*_THREADS, "bench.peers.tutorial:app")),
    "FastAPI": _Kind(
        lambda settings, _: [
            *(str(_UVICORN), "bench.peers.asgi:app", "--workers", "2", "--no-access-log"),
            *("--port", settings["PORT"]),
        ],
        [_UVICORN],
    ),
    "Express": _Kind(_plainly("node", _EXPRESS), ["node", _PEERS / "node/node_modules/express"]),
    "Fastify": _Kind(_plainly("node", _FASTIFY), ["node", _PEERS / "node/node_modules/fastify"]),
    "nginx": _Kind(_nginx, ["nginx"]),
    "Varnish": _Kind(_varnish, ["varnishd"]),
    "an empty WSGI application": _Kind(_plainly("gunicorn", "bench.empty_wsgi:app")),
    "an empty WSGI application on Granian": _Kind(
        lambda settings, _: [
            *(str(_GRANIAN), "bench.empty_wsgi:app", "--interface", "wsgi", "--workers", "2"),
            *("--port", settings["PORT"]),
        ],
        [_GRANIAN],
    ),
    "bare Flask": _Kind(_plainly("gunicorn", "bench.baselines:flask")),
    "bare Flask on threads": _Kind(_plainly(*_THREADS, "bench.baselines:flask")),
}
FLOORS = (
    "an empty WSGI application",
    "an empty WSGI application on Granian",
    "bare Flask",
    "bare Flask on threads",
)
PEERS = tuple(name for name in KINDS if name not in FLOORS)
"""The proxy among them: all that do its job."""


@dataclass
class Contestant:
    """One that runs."""

    name: str
    server: ServerProcess
    redis_url: str

    @property
    def port(self) -> int:
        return self.server.port

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.server.url + path, headers=headers, timeout=30)

    def forget(self) -> None:
        """Whatever it keeps in Redis."""
        Redis.from_url(self.redis_url).flushdb()

    def cpu_seconds(self) -> float:
        """Of all its processes together, without Redis."""
        return family_cpu_seconds(self.server.process.pid)

    def megabytes(self) -> float:
        """Of all its processes together."""
        return family_megabytes(self.server.process.pid)


def not_measured(names: Sequence[str]) -> list[Row]:
    """A line for each that is not installed."""
    return [Row(f"Not measured: {name}", missing(name)) for name in names if missing(name)]


def in_turn(contestants: Sequence[Contestant], number: int) -> list[Contestant]:
    """All, in another order each round."""
    first = number % len(contestants)
    return [*contestants[first:], *contestants[:first]]


def missing(name: str) -> str:
    """Why it cannot be measured here; empty when it can."""
    lacks = [
        str(need)
        for need in KINDS[name].needs
        if not (need.exists() if isinstance(need, Path) else shutil.which(need))
    ]
    return f"not installed: {', '.join(lacks)}" if lacks else ""


@contextmanager
def started(name: str, sandbox: Sandbox, redis_url: str, **more: str) -> Iterator[Contestant]:
    """With its own database of Redis; ready as soon as it answers."""
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
        **{f"{what}_TTL": str(seconds) for what, seconds in TTLS.items()},
        **{f"{what}_STALE": str(seconds) for what, seconds in STALE.items()},
        **more,
    }
    with TemporaryDirectory(prefix="bench-") as folder:
        command = KINDS[name].command(settings, Path(folder))
        with running_server(command, port, settings) as server:
            contestant = Contestant(name, server, redis_url)
            _wait(contestant)
            yield contestant


@contextmanager
def all_started(
    names: Sequence[str], sandbox: Sandbox, redis_port: int, **more: str
) -> Iterator[list[Contestant]]:
    """All that are installed, side by side."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                started(name, sandbox, f"redis://127.0.0.1:{redis_port}/{number}", **more)
            )
            for number, name in enumerate(names)
            if not missing(name)
        ]


def _wait(contestant: Contestant) -> None:
    """Until it answers the list of services; a floor has none."""
    end = monotonic() + START_SECONDS
    wanted = {200, 404} if contestant.name in FLOORS else {200}
    while monotonic() < end:
        try:
            if contestant.get("/api/services").status_code in wanted:
                return
        except requests.ConnectionError:
            pass
        sleep(0.005)
    raise AssertionError(f"{contestant.name} does not answer:\n{contestant.server.output()}")

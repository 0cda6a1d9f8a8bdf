"""Clients that keep the proxy waiting do not delay others (docs/guarantees.md#g11)."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.e2e import attacks
from tests.e2e.background_clients import background_clients, open_socket, read_all
from tests.e2e.fleet import started_workers, wait_until, workers_of
from tests.e2e.test_stop import stop_within
from tests.processes import Sandbox, ServerProcess, free_port, proxy_server, running_server
from tests.timing import SERIAL, TIMING
from web.connections import SEND_BYTES

pytestmark = TIMING

ATTACK_SECONDS = 9
WARM_UP_SECONDS = attacks.OPEN_CONNECTIONS / attacks.OPENED_PER_SECOND
"""By then all connections are open, and the first ones have passed their deadlines."""

MEASURED_SECONDS = 5
OPENED_AFTER_SECONDS = 4
SEND_SECONDS = 10
STOP_SECONDS = 9
"""During a stop, clients that have not read for 5 s are disconnected. gunicorn checks every second."""


@pytest.fixture(params=["0", "1"], ids=["direct", "behind a proxy"])
def server(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[ServerProcess]:
    """Run one worker. Behind a trusted proxy, all connections have the same address."""
    with proxy_server(sandbox, TRUSTED_PROXIES=request.param) as server:
        yield server


@SERIAL
def test_2200_idle_and_half_open_connections_do_not_delay_others(server: ServerProcess) -> None:
    """Nor do 200 more per second."""
    with attacks.run_attack(attacks.idle_connections, server.port, ATTACK_SECONDS):
        time.sleep(OPENED_AFTER_SECONDS)
        with background_clients(server, "127.0.0.2") as calls:
            time.sleep(ATTACK_SECONDS - OPENED_AFTER_SECONDS - 1)
    calls.assert_undisturbed()


@SERIAL
@pytest.mark.parametrize("attack", [attacks.slow_bodies, attacks.unread_responses])
def test_1000_clients_that_send_or_read_slowly_do_not_delay_others(
    sandbox: Sandbox, redis_url: str, attack: attacks.Attack
) -> None:
    with (
        proxy_server(sandbox, REDIS_URL=redis_url, TRUSTED_PROXIES="1") as server,
        attacks.run_attack(attack, server.port, WARM_UP_SECONDS + MEASURED_SECONDS + 1),
    ):
        time.sleep(WARM_UP_SECONDS)
        with background_clients(server, "127.0.0.2") as calls:
            time.sleep(MEASURED_SECONDS)
    calls.assert_undisturbed()


@SERIAL
def test_one_address_gets_only_a_share_of_the_connections(sandbox: Sandbox) -> None:
    """Idle connections of other addresses stay open, however many one address opens."""
    with proxy_server(sandbox) as server, requests.Session() as session:
        session.mount("http://", SourceAddressAdapter("127.0.0.2"))
        assert session.get(f"{server.url}/healthz").status_code == 200
        (worker,) = started_workers(server, 1)
        with attacks.run_attack(attacks.idle_connections, server.port, ATTACK_SECONDS):
            wait_until(lambda: open_sockets(worker) > 400)
            time.sleep(OPENED_AFTER_SECONDS)
            assert open_sockets(worker) < 700
            assert session.get(f"{server.url}/healthz").status_code == 200


def test_a_client_that_does_not_read_is_dropped(sandbox: Sandbox) -> None:
    with proxy_server(sandbox) as server, client_that_does_not_read(server):
        (worker,) = started_workers(server, 1)
        before = open_sockets(worker)
        elapsed = wait_until(lambda: open_sockets(worker) < before, 2 * SEND_SECONDS)
        assert elapsed > SEND_SECONDS / 2


def test_the_kernel_buffers_little_for_a_client_that_does_not_read(sandbox: Sandbox) -> None:
    """Otherwise a thousand such clients could use up the machine's TCP memory, at 2 MB each."""
    with proxy_server(sandbox) as server, client_that_does_not_read(server) as connection:
        time.sleep(0.5)
        assert 0 < unsent_bytes(server.port, connection.getsockname()[1]) <= 2 * SEND_BYTES


def unsent_bytes(port: int, peer_port: int) -> int:
    """Return how much the kernel buffers for the peer.

    https://docs.kernel.org/networking/proc_net_tcp.html
    """
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = f":{port:04X}", f":{peer_port:04X}"
    (queues,) = [row[4] for row in rows if row[1].endswith(ends[0]) and row[2].endswith(ends[1])]
    return int(queues.partition(":")[0], 16)


def test_a_client_that_reads_slowly_gets_its_whole_response(sandbox: Sandbox) -> None:
    """The response takes longer than the deadline for one write."""
    with proxy_server(sandbox) as server:
        expected = requests.get(f"{server.url}/api/docs/swagger-ui-bundle.js", timeout=10).content
        with client_that_does_not_read(server, requests_sent=1) as connection:
            received, end = b"", time.monotonic() + SEND_SECONDS + 3
            while time.monotonic() < end:
                received += connection.recv(len(expected) // 130)
                time.sleep(0.1)
            while len(received.partition(b"\r\n\r\n")[2]) < len(expected):
                received += connection.recv(65536)
        assert received.partition(b"\r\n\r\n")[2] == expected


def test_a_client_that_does_not_read_does_not_delay_the_stop(sandbox: Sandbox) -> None:
    with (
        proxy_server(sandbox) as server,
        client_that_does_not_read(server),
        stop_within(server, STOP_SECONDS),
    ):
        pass


def test_a_client_that_does_not_send_its_body_does_not_delay_the_stop(sandbox: Sandbox) -> None:
    with proxy_server(sandbox) as server, open_socket(server, 30) as connection:
        connection.sendall(
            b"POST /api/appointment/cancel HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer a.b.c\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        time.sleep(0.5)
        with stop_within(server, STOP_SECONDS):
            assert read_all(connection, 30).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(("hard", "expected"), [("8192", 4096), ("512", 512)])
def test_the_limit_of_open_files_is_raised_up_to_the_hard_limit(
    sandbox: Sandbox, hard: str, expected: int
) -> None:
    port = free_port()
    environ = {"VIDESK_API_KEY": "a-key-of-the-tests", "PORT": str(port)}
    start = ["sh", "-c", f"ulimit -Sn 256; ulimit -Hn {hard}; exec gunicorn app:app"]
    with running_server(start, port, environ) as server:
        wait_until(lambda: workers_of(server))
        (worker,) = started_workers(server, 1)
        limits = Path(f"/proc/{worker}/limits").read_text().splitlines()
        (line,) = [line for line in limits if line.startswith("Max open files")]
        assert int(line.split()[3]) == expected


def open_sockets(pid: int) -> int:
    """Return the number of open sockets of a process."""
    sockets = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime
            sockets += str(file.readlink()).startswith("socket:")
    return sockets


@contextmanager
def client_that_does_not_read(
    server: ServerProcess, requests_sent: int = 5
) -> Iterator[socket.socket]:
    """Open a client that sends requests and reads almost nothing of the responses."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(attacks.BUNDLE * requests_sent)
        assert connection.recv(8) == b"HTTP/1.1"
        yield connection


class SourceAddressAdapter(requests.adapters.HTTPAdapter):
    """A requests adapter that connects from this address."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: object, **options: object) -> None:
        super().init_poolmanager(*args, source_address=(self._address, 0), **options)  # type: ignore[arg-type]  # handed on as they come


def test_connections_over_a_unix_socket_are_not_limited_by_address(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path, port = tmp_path / "socket", free_port()
    environ = {
        "VIDESK_API_KEY": sandbox.keys["backend"],
        "VIDESK_BASE_URL": sandbox.url,
        "GUNICORN_CMD_ARGS": f"--bind unix:{path} --bind 127.0.0.1:{port}",
    }
    with running_server(["gunicorn", "app:app"], port, environ):
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(str(path))
                connection.sendall(b"GET /api/services HTTP/1.1\r\nHost: proxy\r\n\r\n")
                assert connection.recv(12) == b"HTTP/1.1 200"

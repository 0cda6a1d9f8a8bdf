"""Deadlines for each wait for a client, and which connection is closed first."""

import os
import socket
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from typing import Any

import pytest

from web import connections
from web.connections import (
    ADDRESS_SHARE,
    IDLE_SECONDS,
    SEND_BYTES,
    SEND_SECONDS,
    STALLED_SECONDS,
    USABLE_SHARE,
    ClientConnection,
    Connections,
)


class Socket:
    """A client's socket that records what is done with it.

    `during` runs during each wait for data and each write. It is also its own file descriptor and
    event watcher. `takes`: the bytes that the kernel takes at a time.
    """

    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self.during: Any = lambda: None
        self.timeouts: list[float] = []
        self.sent: list[bytes] = []
        self.shut: list[int] = []
        self.is_closed = False
        self.takes = SEND_BYTES

    def fileno(self) -> "Socket":
        return self

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def recv(self, size: int) -> bytes:
        piece, self.data = self.data[:size], self.data[size:]
        return piece

    def send(self, data: memoryview) -> int:
        self.during()
        self.sent.append(bytes(data[: self.takes]))
        return min(len(data), self.takes)

    def sendall(self, data: memoryview) -> None:
        self.sent.append(bytes(data))

    def dup(self) -> "Socket":
        return self

    def __enter__(self) -> "Socket":
        return self

    def __exit__(self, *_: object) -> None: ...

    def shutdown(self, how: int) -> None:
        self.shut.append(how)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = SimpleNamespace(io=lambda client, _: client)
    hub = SimpleNamespace(loop=loop, wait=lambda client: client.during())
    monkeypatch.setattr("gevent.get_hub", lambda: hub)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1000.0]
    monkeypatch.setattr(connections, "monotonic", lambda: clock[0])
    return clock


def test_a_read_raises_after_the_deadline(now: list[float]) -> None:
    client = Socket(b"hello")
    with Connections(10).open(client, "a") as connection:
        connection.set_read_deadline(5)
        now[0] += 4.9
        assert connection.recv(3) == b"hel"
        now[0] += 0.1
        with pytest.raises(TimeoutError):
            connection.recv(3)
    assert client.data == b"lo"
    assert client.is_closed


@pytest.mark.parametrize(("seconds", "is_shut"), [(4.9, False), (5, True)])
def test_a_connection_that_waits_past_its_deadline_is_shut_down(
    now: list[float], seconds: float, is_shut: bool
) -> None:
    client, all_connections = Socket(), Connections(10)

    def look_later() -> None:
        now[0] += seconds
        all_connections.shut_late()

    client.during = look_later
    with all_connections.open(client, "a") as connection:
        connection.set_read_deadline(5)
        with suppress(TimeoutError):
            connection.recv(1)
    assert bool(client.shut) is is_shut


def test_a_connection_that_sends_has_no_deadline_for_reads(now: list[float]) -> None:
    client, all_connections = Socket(), Connections(10)
    client.during = all_connections.shut_late
    with all_connections.open(client, "a") as connection:
        connection.sendall(b"x")
    assert not client.shut


@pytest.mark.parametrize("takes", [SEND_BYTES, SEND_BYTES - 1])
def test_a_response_is_sent_in_pieces_with_a_deadline_for_each(takes: int) -> None:
    client = Socket()
    client.takes = takes
    data = os.urandom(2 * SEND_BYTES + 1)
    with Connections(10).open(client, "a") as connection:
        assert connection.send(data) == len(data)
    assert b"".join(client.sent) == data
    assert max(map(len, client.sent)) == takes
    assert client.timeouts == [SEND_SECONDS]


def open_waiting(stack: ExitStack, all_connections: Connections, address: str = "a") -> Socket:
    """Open a connection that waits for its client."""
    client = Socket()
    connection = stack.enter_context(all_connections.open(client, address))
    all_connections._waiting[connection] = 0.0
    return client


def test_a_connection_beyond_the_limit_closes_the_longest_waiting_one() -> None:
    most = 10
    with ExitStack() as stack:
        all_connections = Connections(most)
        clients = [
            open_waiting(stack, all_connections, str(n)) for n in range(int(most * USABLE_SHARE))
        ]
        assert not any(client.shut for client in clients)
        for more in (1, 2):
            open_waiting(stack, all_connections, "more")
            shut = [client.shut for client in clients]
            assert shut == [[socket.SHUT_RD]] * more + [[]] * (len(clients) - more)


def test_a_connection_that_does_not_wait_is_not_closed() -> None:
    with ExitStack() as stack:
        all_connections = Connections(2)
        busy = Socket()
        stack.enter_context(all_connections.open(busy, "a"))
        idle = open_waiting(stack, all_connections, "b")
        open_waiting(stack, all_connections, "c")
        assert (busy.shut, idle.shut) == ([], [socket.SHUT_RD])


@pytest.mark.parametrize("limited", [True, False])
def test_one_address_gets_at_most_half_of_the_connections_if_limited_by_address(
    limited: bool,
) -> None:
    most = 10
    with ExitStack() as stack:
        all_connections = Connections(most, limit_by_address=limited)
        other = open_waiting(stack, all_connections, "other")
        clients = [open_waiting(stack, all_connections) for _ in range(int(most * ADDRESS_SHARE))]
        open_waiting(stack, all_connections)
        assert not other.shut
        assert bool(clients[0].shut) is limited


def test_the_connections_of_an_address_are_counted_until_they_end() -> None:
    with ExitStack() as stack:
        all_connections = Connections(4, limit_by_address=True)
        client = open_waiting(stack, all_connections)
        for _ in range(3):
            with all_connections.open(Socket(), "a"):
                pass
        assert not client.shut
        stack.enter_context(all_connections.open(Socket(), "a"))
        stack.enter_context(all_connections.open(Socket(), "a"))
        assert client.shut


def test_while_sending_both_directions_are_shut_down() -> None:
    client = Socket()
    with Connections(10).open(client, "a") as connection:
        client.during = connection.shut
        connection.sendall(b"x")
        connection.shut()
    assert client.shut == [socket.SHUT_RDWR, socket.SHUT_RD]


@pytest.mark.parametrize(
    ("serving", "seconds", "is_shut"),
    [
        (False, IDLE_SECONDS - 0.01, False),
        (False, IDLE_SECONDS + 0.01, True),
        (True, STALLED_SECONDS - 0.01, False),
        (True, STALLED_SECONDS + 0.01, True),
    ],
)
def test_a_stop_shuts_idle_connections_soon_and_stalled_ones_later(
    now: list[float], serving: bool, seconds: float, is_shut: bool
) -> None:
    client = Socket(b"data")
    all_connections = Connections(10)

    def stop() -> None:
        now[0] += seconds
        all_connections.shut_waiting()

    client.during = stop
    with all_connections.open(client, "a") as connection:
        connection.serving = serving
        connection.set_read_deadline(60)
        connection.recv(1)
        now[0] += 60
        all_connections.shut_waiting()
    assert bool(client.shut) is is_shut, "only while it waits"


def test_waiting_ends_with_the_read() -> None:
    waits: Any = Connections(10)._waiting
    connection = ClientConnection(Socket(b"x"), "a", waits)
    connection.set_read_deadline(1)
    connection.recv(1)
    assert not waits

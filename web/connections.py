"""The client connections of one worker: a deadline for every wait, and which to close first.

A connection costs a greenlet and a file descriptor for as long as its client likes, so clients that
send nothing, or do not read, could use up a worker's. Every wait for a client is in this module.
"""

import socket
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

READ_BYTES = 4096
"""The most that one read takes from a connection before other connections have their turn."""

SEND_BYTES = 65_536
SEND_SECONDS = 10
"""The deadline for each 64 KB of a response: a client on a slow mobile network takes 1 to 2 s."""

REQUEST_SECONDS = 25
"""The deadline for reads while a request is processed. web/request_body.py has a shorter one."""

IDLE_SECONDS = 0.2
"""When the worker stops, a connection that has brought no request for so long may be closed."""

STALLED_SECONDS = 5
"""When the worker stops, a client that has kept a request waiting for so long is cut off."""

USABLE_SHARE = 0.9
"""Of the worker's connections. Beyond it, each new one closes the one that has waited longest."""

ADDRESS_SHARE = 0.5
"""Of the worker's connections, for one client address: the other half is for everybody else. An
office behind one address has room, for a browser keeps up to 6 connections.
"""


class Connections:
    """The open connections of one worker.

    `most`: how many a worker accepts at a time. `shared_by_address`: whether one client address may
    have only ADDRESS_SHARE of them; behind a reverse proxy all come from its address.
    """

    def __init__(self, most: int, *, shared_by_address: bool = False) -> None:
        self.shared_by_address = shared_by_address
        self._most = most
        self._open: Counter[str] = Counter()
        self._waiting: OrderedDict[ClientConnection, float] = OrderedDict()
        """Those that wait for their client, and since when (monotonic); the longest first."""

    @contextmanager
    def open(self, client: Any, address: str) -> "Iterator[ClientConnection]":
        """A client's connection, counted until the block ends, and then closed. If it is one too
        many, the connection that has waited longest for its client is shut.
        """
        if self.shared_by_address and self._open[address] >= self._most * ADDRESS_SHARE:
            self._shut_first(each for each in self._waiting if each.address == address)
        elif self._open.total() >= self._most * USABLE_SHARE:
            self._shut_first(iter(self._waiting))
        connection = ClientConnection(client, address, self._waiting)
        self._open[address] += 1
        try:
            yield connection
        finally:
            connection.close()
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def shut_waiting(self) -> None:
        """Shut the connections that would hold up a stop of the worker."""
        now = monotonic()
        for connection, since in list(self._waiting.items()):
            if now - since > (STALLED_SECONDS if connection.serving else IDLE_SECONDS):
                self._shut_first(iter([connection]))

    def _shut_first(self, connections: "Iterator[ClientConnection]") -> None:
        connection = next(connections, None)
        if connection:
            del self._waiting[connection]
            connection.shut()


class ClientConnection:
    """A client's socket as gunicorn uses it, with a deadline for each read and each write.

    `waiting`: the connections that wait for their client; this one is there while it does.
    `serving`: whether a request is being processed; else the connection waits for one.
    """

    def __init__(
        self, client: Any, address: str, waiting: "OrderedDict[ClientConnection, float]"
    ) -> None:
        self.address = address
        self.serving = False
        self._socket = client
        self._waiting = waiting
        self._read_deadline = 0.0
        self._sending = False

    def set_read_deadline(self, seconds: float) -> None:
        """Have all reads end within so many seconds from now."""
        self._read_deadline = monotonic() + seconds

    def recv(self, size: int) -> bytes:
        """Read up to `size` bytes; none at the end. Raises TimeoutError after the deadline."""
        now = monotonic()
        if now >= self._read_deadline:
            raise TimeoutError("the client has not sent in time")
        self._socket.settimeout(self._read_deadline - now)
        self._waiting[self] = now
        try:
            data: bytes = self._socket.recv(size)
        finally:
            self._waiting.pop(self, None)
        return data

    def sendall(self, data: bytes) -> None:
        """Write all of it. Raises TimeoutError if the client takes longer than SEND_SECONDS for any
        SEND_BYTES of it.
        """
        self._socket.settimeout(SEND_SECONDS)
        self._waiting[self] = monotonic()
        self._sending = True
        try:
            for start in range(0, len(data), SEND_BYTES):
                self._socket.sendall(data[start : start + SEND_BYTES])
        finally:
            self._waiting.pop(self, None)
            self._sending = False

    def send(self, data: bytes) -> int:
        """Write all of it; its length. gunicorn sends `100 Continue` in this way."""
        self.sendall(data)
        return len(data)

    def shut(self) -> None:
        """End the wait for the client. What the client has sent by now can still be read, and a
        request that it completes is answered.
        """
        # gevent's shutdown of `_socket` itself raises in the greenlet that waits for it.
        with suppress(OSError), self._socket.dup() as same_connection:
            same_connection.shutdown(socket.SHUT_RDWR if self._sending else socket.SHUT_RD)

    def shutdown(self, how: int) -> None:
        self._socket.shutdown(how)

    def close(self) -> None:
        self._socket.close()

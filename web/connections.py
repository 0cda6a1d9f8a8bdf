"""The client connections of one worker: a deadline for every wait, and which to close first.

Each connection costs a greenlet and a file descriptor, so clients that send nothing, or do not
read, could use up those of a worker. Every wait for a client is in this module.
"""

import socket
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import gevent

READ_EVENT = 1
"""For an io watcher (https://www.gevent.org/api/gevent.hub.html#gevent.hub.Hub.wait)."""

READ_BYTES = 4096
"""The maximum of one read, after which other connections have their turn."""

SEND_BYTES = 65_536
SEND_SECONDS = 10
"""The deadline for each 64 KB of a response: a client on a slow mobile network takes 1 to 2 s."""

REQUEST_SECONDS = 25
"""The deadline for reads while a request is processed. web/request_body.py has a shorter one."""

LOOK_SECONDS = 0.2
"""Seconds between two checks for connections that have waited too long."""

IDLE_SECONDS = 0.2
"""When the worker stops, connections idle for longer are closed."""

STALLED_SECONDS = 5
"""When the worker stops, clients that stall a request for longer are disconnected."""

USABLE_SHARE = 0.9
"""Of the worker's connections. Beyond it, a new one closes the one idle for longest."""

ADDRESS_SHARE = 0.5
"""Of the worker's connections, for one client address. That is enough for an office behind one
address: a browser keeps up to 6 connections.
"""


class Connections:
    """The open connections of one worker.

    `maximum`: how many a worker accepts. `limit_by_address`: whether one client address may have
    only ADDRESS_SHARE of them; behind a reverse proxy, all have the proxy's address.
    """

    def __init__(self, maximum: int, *, limit_by_address: bool = False) -> None:
        self.limit_by_address = limit_by_address
        self._maximum = maximum
        self._open: Counter[str] = Counter()
        self._waiting: OrderedDict[ClientConnection, float] = OrderedDict()
        """Connections that wait for their client, and since when (monotonic), oldest first."""

    @contextmanager
    def open(self, client: Any, address: str) -> "Iterator[ClientConnection]":
        """Count a client's connection until the block ends, then close it.

        Above the limits, shut down the connection that has waited longest for its client.
        """
        if self.limit_by_address and self._open[address] >= self._maximum * ADDRESS_SHARE:
            self._shut_first(each for each in self._waiting if each.address == address)
        elif self._open.total() >= self._maximum * USABLE_SHARE:
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

    def shut_late(self) -> None:
        """Shut down the connections whose read deadline has passed.

        One pass over all of them takes less time than a timer for each read.
        """
        now = monotonic()
        for connection in list(self._waiting):
            if connection.read_deadline <= now and not connection.is_sending:
                self._shut_first(iter([connection]))

    def shut_waiting(self) -> None:
        """Shut down the connections that would delay a stop of the worker."""
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
    `read_deadline`: of all reads, in seconds of time.monotonic(). `Connections.shut_late` enforces
    it.
    """

    def __init__(
        self, client: Any, address: str, waiting: "OrderedDict[ClientConnection, float]"
    ) -> None:
        self.address = address
        self.serving = False
        self._socket = client
        self._waiting = waiting
        self.read_deadline = 0.0
        self.is_sending = False
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(client.fileno(), READ_EVENT)
        client.settimeout(SEND_SECONDS)

    def set_read_deadline(self, seconds: float) -> None:
        """Set the deadline of all reads to `seconds` from now."""
        self.read_deadline = monotonic() + seconds

    def recv(self, size: int) -> bytes:
        """Read up to `size` bytes; none at the end of the stream. Raises TimeoutError.

        Other connections have their turn first, even if data has already arrived.
        """
        self._waiting[self] = monotonic()
        try:
            self._hub.wait(self._readable)
        finally:
            self._waiting.pop(self, None)
        if monotonic() >= self.read_deadline:
            raise TimeoutError("the client has not sent in time")
        data: bytes = self._socket.recv(size)
        return data

    def sendall(self, data: bytes) -> None:
        """Write all data. Raises TimeoutError if the client takes longer than SEND_SECONDS for
        SEND_BYTES.
        """
        self._waiting[self] = monotonic()
        self.is_sending = True
        try:
            for start in range(0, len(data), SEND_BYTES):
                piece = memoryview(data)[start : start + SEND_BYTES]
                sent = self._socket.send(piece)  # nearly always all of it; sendall takes longer
                if sent < len(piece):
                    self._socket.sendall(piece[sent:])
        finally:
            self._waiting.pop(self, None)
            self.is_sending = False

    def send(self, data: bytes) -> int:
        """Write all data and return its length. gunicorn sends `100 Continue` in this way."""
        self.sendall(data)
        return len(data)

    def shut(self) -> None:
        """End the wait for the client. Data that has already arrived can still be read, and a
        complete request still gets its response.
        """
        # gevent's shutdown of `_socket` itself raises in the greenlet that waits for it.
        with suppress(OSError), self._socket.dup() as same_connection:
            same_connection.shutdown(socket.SHUT_RDWR if self.is_sending else socket.SHUT_RD)

    def shutdown(self, how: int) -> None:
        self._socket.shutdown(how)

    def close(self) -> None:
        self._readable.close()
        self._socket.close()

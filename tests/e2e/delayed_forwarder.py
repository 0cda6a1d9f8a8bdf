"""A TCP proxy that simulates latency to a server on this machine."""

import socket
import time
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from types import TracebackType


class DelayedForwarder:
    """Forwards to `target_port`. Responses arrive `delay_seconds` later."""

    def __init__(self, target_port: int) -> None:
        self.delay_seconds = 0.0
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = [self._listener]

    def __enter__(self) -> "DelayedForwarder":
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target_port))
                self._sockets += [client, server]
                responses: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
                for target, ends in (
                    (self._forward, (client, server)),
                    (self._receive, (server, responses)),
                    (self._deliver, (responses, client)),
                ):
                    Thread(target=target, args=ends, daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _receive(
        self, server: socket.socket, responses: "SimpleQueue[tuple[float, bytes]]"
    ) -> None:
        data = b"-"
        while data:
            try:
                data = server.recv(65536)
            except OSError:
                data = b""
            responses.put((time.monotonic() + self.delay_seconds, data))

    def _deliver(
        self, responses: "SimpleQueue[tuple[float, bytes]]", client: socket.socket
    ) -> None:
        with suppress(OSError):
            while True:
                due, data = responses.get()
                time.sleep(max(0, due - time.monotonic()))
                if not data:
                    client.shutdown(socket.SHUT_WR)
                    return
                client.sendall(data)

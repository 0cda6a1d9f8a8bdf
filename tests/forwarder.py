"""A TCP proxy to a server on loopback that can delay, stall or break connections."""

import socket
import threading
import time
from contextlib import suppress


class Forwarder:
    """Forwards connections to the port `target`, and delays responses by `delay` seconds."""

    def __init__(self, target: int) -> None:
        self.delay = 0.0
        self.stalled = False
        self.break_after: bytes | None = None
        """Break one connection after a request that contains these bytes, before its response."""
        self.requests: list[bytes] = []
        """What clients have sent, in the pieces that arrived."""
        self.target = target
        """The port that new connections are forwarded to."""
        self._open: list[socket.socket] = []
        self._to_break: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        self._listener.close()

    def break_connections(self) -> None:
        """Close every connection. The next ones go to `target`."""
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            for ends in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._forward, args=ends, daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, is_response: bool) -> None:
        try:
            while data := source.recv(65536):
                if is_response and source in self._to_break:
                    break
                if not is_response:
                    self.requests.append(data)
                if not is_response and self.break_after and self.break_after in data:
                    self.break_after = None
                    self._to_break.append(sink)
                while is_response and self.stalled:
                    time.sleep(0.01)
                time.sleep(self.delay if is_response else 0)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            sink.close()

"""A road to a server on loopback that can be made slow, or mute."""

import socket
import threading
import time
from contextlib import suppress


class Forwarder:
    """A road to a Redis, on which what comes from it is held up for `delay` seconds."""

    def __init__(self, target: int) -> None:
        self.delay = 0.0
        self.mute = False
        self.break_after: bytes | None = None
        """Break the connection, once, whose request has this in it, before its answer passes."""
        self.target = target
        """The port that new connections lead to."""
        self._open: list[socket.socket] = []
        self._to_break: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes who accepts
        self._listener.close()

    def break_connections(self) -> None:
        """Close every connection; the next ones lead to `target`."""
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
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65536):
                if answers and source in self._to_break:
                    break
                if not answers and self.break_after and self.break_after in data:
                    self.break_after = None
                    self._to_break.append(sink)
                while answers and self.mute:
                    time.sleep(0.01)
                time.sleep(self.delay if answers else 0)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            sink.close()

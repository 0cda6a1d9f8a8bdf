"""Ends `make run` with a message if a port is unusable: `check_ports.py PORT SANDBOX_PORT`."""

import errno
import socket
import sys
from contextlib import ExitStack

HOSTS = {"PORT": "0.0.0.0", "SANDBOX_PORT": "127.0.0.1"}  # noqa: S104
"""Addresses of the proxy and the sandbox, by the variable with the port."""


def find_problem(ports: dict[str, str]) -> str | None:
    """Return what is wrong with the ports (by variable) and how to fix it, or None."""
    if len(set(ports.values())) < len(ports):
        return f"{' and '.join(ports)} must differ."
    with ExitStack() as listeners:
        for name, text in ports.items():
            if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
                return f"{name} must be a number from 1 to 65535, not {text!r}."
            listener = listeners.enter_context(socket.socket())
            # As both servers do, so that closing connections of a previous run do not matter.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOSTS[name], int(text)))
            except OSError as error:
                another = f"choose another one, as in: {name}={int(text) % 65535 + 1} make run"
                if error.errno == errno.EADDRINUSE:
                    return f"Port {text} is already in use. Stop what uses it, or {another}"
                return f"Port {text} cannot be used ({error.strerror}). Please {another}"
    return None


if __name__ == "__main__":
    sys.exit(find_problem(dict(zip(HOSTS, sys.argv[1:], strict=True))))

"""The proxy with a delay of up to 450 ms for each new connection to Videsk."""

import random

import gevent
from urllib3.connection import HTTPConnection

from app import app

__all__ = ["app"]
_connect = HTTPConnection.connect


def _connect_slowly(connection: HTTPConnection) -> None:
    _connect(connection)
    gevent.sleep(random.uniform(0, 0.45))


HTTPConnection.connect = _connect_slowly  # type: ignore[method-assign, assignment]

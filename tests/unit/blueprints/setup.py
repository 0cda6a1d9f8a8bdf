"""A minimal app for blueprints, and a fake Scheduling that records its calls."""

import time
from typing import Any

from flask import Blueprint
from flask.testing import FlaskClient

from blueprints import errors
from cache.read_through import CachedResult
from tests.unit.web.setup import small_app
from web import compression

ID = "63bdbf49394aad976d4aa43b"


class FakeScheduling:
    """A Scheduling and AvailabilityScan whose methods record their calls.

    Reads return `body` as a cached result and writes return it as bytes, or they raise `error`.
    """

    def __init__(self, body: bytes = b'{"a":1}', error: Exception | None = None) -> None:
        self.body = body
        self.error = error
        self.calls: list[tuple[Any, ...]] = []

    def _record(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error:
            raise self.error

    def __getattr__(self, name: str) -> Any:
        reads = {"services", "form", "dates", "hours", "find_availability", "find_next_hours"}

        def method(*args: Any) -> Any:
            self._record(name, *args)
            now = time.time()
            return (
                CachedResult(self.body, now, now + 60, "hit; ttl=60")
                if name in reads
                else self.body
            )

        return method


def client_with(*blueprints: Blueprint) -> FlaskClient:
    """Return a test client of an app with these blueprints and the error handlers."""
    app = small_app()
    compression.register(app)
    errors.register(app)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app.test_client()

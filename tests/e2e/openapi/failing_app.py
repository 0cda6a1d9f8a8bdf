"""The proxy with an exception in every request: `gunicorn tests.e2e.openapi.failing_app:app`."""

from app import create_app

app = create_app()


class OddError(Exception):
    """An unexpected exception."""


@app.before_request
def fail() -> None:
    """Fail before any view."""
    raise OddError

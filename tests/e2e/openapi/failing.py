"""The proxy with a fault at every route: `gunicorn tests.e2e.openapi.failing:app`."""

from app import create_app

app = create_app()


class OddError(Exception):
    """A fault that nobody has foreseen."""


@app.before_request
def fail() -> None:
    """Fail before any view."""
    raise OddError

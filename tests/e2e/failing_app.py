"""The proxy with faults of its own built in: `gunicorn tests.e2e.failing_app:app`.

Each route fails in its way, with what a customer sent in the exception's message.
"""

from flask import request

from app import create_app

app = create_app()


class OddError(Exception):
    """An unexpected exception."""


@app.get("/api/faulty/<ident>")
def fail(ident: str) -> str:
    """Fail with the query in the message."""
    raise OddError(f"{ident} requested {request.query_string.decode()}")


@app.post("/api/faulty/<ident>")
def fail_of_a_cause(ident: str) -> str:
    """Fail while another failure is dealt with, each with the body in the message."""
    text = request.get_data(as_text=True)
    try:
        int(text)
    except ValueError as error:
        raise OddError(f"{ident} sent {text!r}") from error
    return text


@app.get("/api/faulty-answer")
def fail_too_late() -> str:
    """Return what is no answer."""
    return None  # type: ignore[return-value]  # the very fault

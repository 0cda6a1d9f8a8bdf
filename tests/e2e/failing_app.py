"""The proxy with routes that raise exceptions: `gunicorn tests.e2e.failing_app:app`.

The exceptions' messages contain what the client sent.
"""

from flask import request

from app import create_app

app = create_app()


class OddError(Exception):
    """An unexpected exception."""


@app.get("/api/failing/<ident>")
def fail(ident: str) -> str:
    """Fail with the query in the message."""
    raise OddError(f"{ident} requested {request.query_string.decode()}")


@app.post("/api/failing/<ident>")
def fail_with_cause(ident: str) -> str:
    """Fail while handling another exception. Both messages contain the body."""
    text = request.get_data(as_text=True)
    try:
        int(text)
    except ValueError as error:
        raise OddError(f"{ident} sent {text!r}") from error
    return text


@app.get("/api/failing-response")
def return_none() -> str:
    """Return a value that is not a response."""
    return None  # type: ignore[return-value]  # the error under test

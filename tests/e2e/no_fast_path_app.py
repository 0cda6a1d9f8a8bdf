"""The proxy without the fast path, so that Flask serves every request."""

from app import app
from web.fast_path import FastPath

assert isinstance(app.wsgi_app, FastPath)
app.wsgi_app = app.wsgi_app.app  # type: ignore[method-assign, assignment]

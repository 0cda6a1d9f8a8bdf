"""The proxy without what stands before it: each answer goes the long way."""

from app import app
from web.short_way import ShortWay

assert isinstance(app.wsgi_app, ShortWay)
app.wsgi_app = app.wsgi_app.app  # type: ignore[method-assign, assignment]

"""The proxy with a short timeout for bodies: `gunicorn tests.e2e.openapi.short_body_timeout_app:app`."""

import web.request_body
from app import create_app

web.request_body.BODY_SECONDS = 0.2  # type: ignore[assignment]

app = create_app()

"""The proxy that waits a moment for a body: `gunicorn tests.openapi.impatient:app`."""

import web.bodies
from app import create_app

web.bodies.BODY_SECONDS = 0.2  # type: ignore[assignment]

app = create_app()

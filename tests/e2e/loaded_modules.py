"""The proxy, and a route that lists the modules that its worker has imported."""

import sys

from flask import jsonify

from app import app

app.add_url_rule("/modules", "modules", lambda: jsonify(sorted(sys.modules)))

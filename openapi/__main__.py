"""Prints the document: `python -m openapi > openapi.json`. Needs no settings."""

import json
import os
import sys

os.environ |= {"VIDESK_API_KEY": "not-needed-here"}

from app import app  # reads the settings on import
from openapi.document import build

json.dump(build(app), sys.stdout, indent=2, ensure_ascii=False)
sys.stdout.write("\n")

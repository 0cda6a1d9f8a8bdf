"""Prints the document: `python -m openapi > openapi.json`. No setting is needed."""

import json
import os
import sys

os.environ |= {"VIDESK_API_KEY": "not-needed-here"}

from app import app  # it reads the settings as it is imported
from openapi.document import build

json.dump(build(app), sys.stdout, indent=2, ensure_ascii=False)
sys.stdout.write("\n")

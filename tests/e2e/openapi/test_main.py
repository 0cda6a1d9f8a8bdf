"""`python -m openapi` prints the document."""

import json
import subprocess
import sys

from tests.processes import ROOT, clean_environ
from tests.unit.openapi.spec_document import DOCUMENT


def test_it_prints_the_document_without_any_settings() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "openapi"],
        cwd=ROOT,
        env=clean_environ(),
        capture_output=True,
        check=True,
    )
    assert json.loads(printed.stdout) == DOCUMENT

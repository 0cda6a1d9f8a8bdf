"""The OpenAPI document as a file, for command-line tools."""

import json
from pathlib import Path

import pytest

from tests.unit.openapi.spec_document import DOCUMENT


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the OpenAPI document."""
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(json.dumps(DOCUMENT))
    return path

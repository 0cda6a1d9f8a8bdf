"""The two packages as npm packs them for the registry."""

import json
from pathlib import Path

import pytest

from tests.e2e.node_tools import CLIENT, npm, run
from tests.e2e.test_widget_build import WIDGET

FOLDERS = {"videsk-proxy-client": CLIENT, "videsk-booking": WIDGET}


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the file of each package by its name."""
    folder = tmp_path_factory.mktemp("packages")
    files = {}
    for name, source in FOLDERS.items():
        options = ["--json", "--ignore-scripts", "--pack-destination", str(folder)]
        (package,) = json.loads(run(npm(source), "pack", *options, cwd=source))
        files[name] = folder / package["filename"]
    return files

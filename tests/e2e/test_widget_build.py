"""The build of the booking widget (frontend/widget/)."""

import shutil
from pathlib import Path

from tests.e2e.node_tools import CLIENT, node, run, tool
from tests.processes import ROOT

WIDGET = ROOT / "frontend/widget"
DIST = WIDGET / "dist"


def test_the_committed_build_matches_the_source(tmp_path: Path) -> None:
    """Build in a copy, because the source's path must not matter."""
    tool("esbuild")
    shutil.copytree(WIDGET, tmp_path / "widget", ignore=shutil.ignore_patterns("dist"))
    shutil.copytree(CLIENT / "src", tmp_path / "client/src")
    shutil.copy(CLIENT / "package.json", tmp_path / "client")
    (tmp_path / "client/node_modules").symlink_to(CLIENT / "node_modules")
    run(node(), str(tmp_path / "widget/build.mjs"))
    built = {path.name: path.read_bytes() for path in (tmp_path / "widget/dist").iterdir()}
    assert built == {path.name: path.read_bytes() for path in DIST.iterdir()}, "run: make client"


def test_the_widget_never_parses_markup_or_style_attributes() -> None:
    """A policy with `require-trusted-types-for 'script'` and without 'unsafe-inline' forbids both."""
    scripts = "".join(path.read_text() for path in DIST.glob("*.js"))
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "cssText",
        "document.write",
        "eval(",
    ):
        assert forbidden not in scripts

"""Linters accept the OpenAPI document, and its examples match its schemas."""

from pathlib import Path

from tests.e2e.node_tools import run, tool
from tests.processes import ROOT

TOOLS = ROOT / "tests/e2e/openapi/tools"


def test_redocly_reports_nothing(document: Path) -> None:
    run(
        tool("redocly", TOOLS), "lint", document, "--config", TOOLS / "redocly.yaml",
        REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true",
    )  # fmt: skip


def test_spectral_reports_nothing(document: Path) -> None:
    ruleset = TOOLS / "spectral.yaml"
    run(tool("spectral", TOOLS), "lint", document, "--ruleset", ruleset, "--fail-severity", "hint")

"""The changelog, the npm packages, the OpenAPI document, the metrics and the doctor have the same version."""

import json
import re

import pytest

from common.version import VERSION
from doctor.__main__ import main
from tests.processes import ROOT
from tests.unit.openapi.spec_document import DOCUMENT
from web.metrics_exposition import State

FRONTEND = ROOT / "frontend"


def test_the_changelog_begins_with_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## \[(\d.*)\] - \d{4}-\d{2}-\d{2}$", changelog, re.M)
    assert releases[0] == VERSION


def test_the_packages_for_npm_have_the_version() -> None:
    for name in ("client", "widget"):
        assert json.loads((FRONTEND / name / "package.json").read_bytes())["version"] == VERSION
    lock = json.loads((FRONTEND / "client/package-lock.json").read_bytes())
    assert {lock["version"], lock["packages"][""]["version"]} == {VERSION}


def test_the_openapi_document_has_the_version() -> None:
    assert DOCUMENT["info"]["version"] == VERSION


def test_build_info_has_the_version() -> None:
    budget = {"circuit": "closed", "budget": {"left": 20}}
    *_, build = State(lambda: budget, lambda: False).collect()
    assert [sample.labels for sample in build.samples] == [{"version": VERSION}]


def test_the_doctor_prints_the_version_without_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VIDESK_API_KEY", raising=False)
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"{VERSION}\n"

"""ops/alerts.yml: the rules are valid and tested with promtool, and link to their runbook."""

import shutil
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml

from tests.e2e.pages import OPERATIONS
from tests.processes import ROOT

RULES = ROOT / "ops/alerts.yml"
RUNBOOK = "https://github.com/OWNER/videsk-proxy/blob/main/docs/operations.md#"
PROMTOOL = pytest.mark.skipif(not shutil.which("promtool"), reason="Prometheus is not installed")


@cache
def alerts() -> dict[str, dict[str, Any]]:
    """Return the rule of each alert, by its name."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule["alert"]: rule for rule in rules if "alert" in rule}


@PROMTOOL
@pytest.mark.parametrize(
    "command", ["check rules ops/alerts.yml", "test rules ops/alerts_test.yml"]
)
def test_promtool_accepts_the_rules_and_their_tests(command: str) -> None:
    done = subprocess.run(
        ["promtool", *command.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tested() -> None:
    tests = (ROOT / "ops/alerts_test.yml").read_text(encoding="utf-8")
    assert [name for name in alerts() if f'{{alertname="{name}"}}' not in tests] == []


def test_each_alert_links_to_the_paragraph_that_names_it() -> None:
    section = OPERATIONS.text.split("\n## Alerts and what to do\n")[1].split("\n## ")[0]
    paragraphs = section.split("\n### ")[1:]
    for name, rule in alerts().items():
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        anchor = rule["annotations"]["runbook_url"].removeprefix(RUNBOOK)
        assert anchor in OPERATIONS.anchors
        (paragraph,) = [text for text in paragraphs if f"\n`{name}`: " in text]
        assert paragraph.partition("\n")[0].lower().replace(" ", "-") == anchor
        assert "\n- Look: " in paragraph
        assert "\n- Act: " in paragraph
    assert len(paragraphs) == len(alerts())

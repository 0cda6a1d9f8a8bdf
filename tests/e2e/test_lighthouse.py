"""Lighthouse finds nothing to improve in the accessibility and the practices of the booking page.

Its figures of time are in docs/performance.md, and `python -m bench lighthouse` measures them.
"""

from tests.e2e.browser import chromium_command
from tests.e2e.lighthouse_report import LIGHTHOUSE, audit, demo_page, failed_audits, scores
from tests.e2e.node_tools import tool


def test_accessibility_and_best_practices_have_a_score_of_100() -> None:
    tool("lighthouse", LIGHTHOUSE)
    chromium = chromium_command()
    with demo_page() as url:
        report = audit(url, chromium, "accessibility", "best-practices")
    failed = failed_audits(report)
    assert failed == [], "\n".join(failed)
    assert scores(report) == {"accessibility": 100, "best-practices": 100}
    has_buttons = report["audits"]["button-name"]["scoreDisplayMode"] == "binary"
    assert has_buttons, "the page that was audited has no services"

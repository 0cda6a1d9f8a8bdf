"""Lighthouse's figures for the booking page, on the phone and the network that it simulates.

The simulated phone has a quarter of this machine's speed, so other processes on the machine
increase the Total Blocking Time.
"""

import shutil
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from bench.report import Row
from tests.e2e.lighthouse_report import COMMAND, audit, demo_page, scores

RUNS = 3


class Metric(NamedTuple):
    """How the value of an audit is shown."""

    audit: str
    label: str
    format: str
    unit: float = 1


METRICS = (
    Metric("first-contentful-paint", "First Contentful Paint", "{:.2f} s", 1000),
    Metric("largest-contentful-paint", "Largest Contentful Paint", "{:.2f} s", 1000),
    Metric("total-blocking-time", "Total Blocking Time", "{:.0f} ms"),
    Metric("cumulative-layout-shift", "Cumulative Layout Shift", "{:.2f}"),
    Metric("total-byte-weight", "bytes transferred", "{:.1f} kB", 1000),
)


def measure() -> list[Row]:
    """Measure the page with a proxy without Redis, each time in a new browser."""
    chromium = shutil.which("chromium")
    if chromium is None or not COMMAND.exists():
        return [Row("Not measured: the booking page", "not installed: Chromium or Lighthouse")]
    with demo_page() as url:
        reports = [audit(url, chromium, "performance") for _ in range(RUNS)]
    performance = [scores(report)["performance"] for report in reports]
    rows = [_row("performance score", "{:.0f}", performance, "100")]
    for metric in METRICS:
        values = [
            report["audits"][metric.audit]["numericValue"] / metric.unit for report in reports
        ]
        rows.append(_row(metric.label, metric.format, values))
    return rows


def _row(label: str, form: str, values: Sequence[float], target: str = "") -> Row:
    """Return a row with the median, the minimum and the maximum."""
    middle, low, high = (form.format(pick(values)) for pick in (median, min, max))
    return Row(
        f"Booking page on Lighthouse's throttled phone: {label}, median of {RUNS}",
        f"{middle} ({low} to {high})",
        target,
    )

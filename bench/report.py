"""Rows of the result table, and statistics and units that the benchmarks share."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A row of the table. The target may be empty."""

    label: str
    figure: str
    target: str = ""


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the percentile by the nearest-rank method."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def busiest_second(moments: Sequence[float]) -> int:
    """Return the maximum number of moments in any window of one second."""
    ordered = sorted(moments)
    return max(
        (bisect_left(ordered, first + 1) - place for place, first in enumerate(ordered)), default=0
    )


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"

"""What a bench returns, and the statistics and units that the benches share."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A line of the table. Without a target it only explains its neighbours."""

    what: str
    figure: str
    target: str = ""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the values do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def worst_second(moments: Sequence[float]) -> int:
    """The most that lie in any window of one second, wherever it begins."""
    ordered = sorted(moments)
    return max(
        (bisect_left(ordered, first + 1) - place for place, first in enumerate(ordered)), default=0
    )


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
